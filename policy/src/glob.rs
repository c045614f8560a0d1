//! `path_glob`: patterns over whole paths, matched in time linear in the path.

use std::fmt;

/// Longest pattern, in bytes. It bounds the work for each byte of a path.
pub const MAX_GLOB: usize = 512;

const WORDS: usize = MAX_GLOB / 64 + 1;

/// A compiled `path_glob`.
///
/// `?` matches one byte but `/`, `*` any bytes within a segment, `**` any
/// bytes. `/**` at the end matches nothing too, so that `/a/**` matches `/a`,
/// and `/**/` in the middle matches a single `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathGlob {
    text: Box<str>,
    tokens: Box<[Token]>,
    /// How many of its first bytes mean themselves.
    literal: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    One,
    /// `*`
    Within,
    /// `**`
    Across,
    /// `/**` at the end: nothing, or a slash and anything.
    Rest,
    /// The slash of `/**/` that may stand alone: skips what follows up to the
    /// byte behind it.
    Slashes,
}

/// Why a text is no [`PathGlob`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGlob {
    /// Paths begin with a slash, so a pattern that cannot match none does.
    #[error("a pattern that begins with '/', such as /repos/**")]
    Start,
    /// Over [`MAX_GLOB`].
    #[error("a pattern of at most 512 bytes")]
    TooLong,
    /// A pattern that no path could match, because paths with it are ambiguous.
    #[error("a pattern without {0}, which no unambiguous path contains")]
    Ambiguous(&'static str),
}

impl PathGlob {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`InvalidGlob`]
    pub fn parse(text: &str) -> Result<Self, InvalidGlob> {
        if text.len() > MAX_GLOB {
            return Err(InvalidGlob::TooLong);
        }
        if !text.starts_with('/') && !text.starts_with("**") {
            return Err(InvalidGlob::Start);
        }
        for (part, name) in [
            ("\\", "'\\'"),
            (";", "';'"),
            ("#", "'#'"),
            ("%", "'%' (write the decoded character)"),
            ("\0", "NUL"),
            ("//", "'//'"),
        ] {
            // Two bytes at most: the search for long needles would be 2 kB of the `.wasm`.
            if text
                .as_bytes()
                .windows(part.len())
                .any(|bytes| bytes == part.as_bytes())
            {
                return Err(InvalidGlob::Ambiguous(name));
            }
        }
        if text.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(InvalidGlob::Ambiguous("'.' or '..' segments"));
        }
        // `/**` twice in a row says no more than once.
        let mut segments: Vec<&str> = text.split('/').collect();
        segments.dedup_by(|next, last| *next == "**" && *last == "**");
        let tokens = tokens(segments.join("/").as_bytes());
        let literal = tokens.iter().take_while(|token| matches!(token, Token::Byte(_)));
        Ok(Self {
            text: text.into(),
            literal: literal.count(),
            tokens,
        })
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole of a clean path matches.
    #[must_use]
    pub fn matches(&self, path: &[u8]) -> bool {
        // Nearly every pattern begins with a directory, and most paths are elsewhere.
        let literal = self.text.as_bytes().get(..self.literal).unwrap_or_default();
        let Some(rest) = path.strip_prefix(literal) else {
            return false;
        };
        let open_end = match self.tokens.last() {
            Some(Token::Across) => self.tokens.len().checked_sub(1),
            _ => None,
        };
        let mut states = States::default();
        self.enter(&mut states, self.literal);
        for &byte in rest {
            if open_end.is_some_and(|end| states.contains(end)) {
                return true;
            }
            let mut next = States::default();
            for state in states.iter() {
                let Some(&token) = self.tokens.get(state) else {
                    continue;
                };
                let after = state.saturating_add(1);
                match token {
                    Token::Byte(literal) if literal == byte => self.enter(&mut next, after),
                    Token::One if byte != b'/' => self.enter(&mut next, after),
                    Token::Within if byte != b'/' => self.enter(&mut next, state),
                    Token::Across => self.enter(&mut next, state),
                    // The slash has been read: from here anything goes.
                    Token::Rest if byte == b'/' => self.enter(&mut next, after),
                    Token::Slashes if byte == b'/' => {
                        self.enter(&mut next, after);
                        // `/**/` as a single slash: past the `**` and its slash.
                        self.enter(&mut next, state.saturating_add(3));
                    }
                    _ => {}
                }
            }
            if next.is_empty() {
                return false;
            }
            states = next;
        }
        states.contains(self.tokens.len())
    }

    /// Adds a state and those it reaches without reading a byte.
    fn enter(&self, states: &mut States, mut state: usize) {
        loop {
            states.insert(state);
            match self.tokens.get(state) {
                Some(Token::Within | Token::Across) => state = state.saturating_add(1),
                Some(Token::Rest) => {
                    states.insert(self.tokens.len());
                    return;
                }
                _ => return,
            }
        }
    }
}

impl fmt::Display for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn tokens(mut rest: &[u8]) -> Box<[Token]> {
    let mut tokens = Vec::with_capacity(rest.len());
    loop {
        rest = match rest {
            [] => return tokens.into(),
            b"/**" => {
                tokens.extend([Token::Rest, Token::Across]);
                return tokens.into();
            }
            [b'/', b'*', b'*', b'/', after @ ..] => {
                tokens.extend([Token::Slashes, Token::Across, Token::Byte(b'/')]);
                after
            }
            [b'*', b'*', after @ ..] => {
                tokens.push(Token::Across);
                after
            }
            [b'*', after @ ..] => {
                tokens.push(Token::Within);
                after
            }
            [b'?', after @ ..] => {
                tokens.push(Token::One);
                after
            }
            [byte, after @ ..] => {
                tokens.push(Token::Byte(*byte));
                after
            }
        };
    }
}

/// The set of positions in the pattern that may be reached, one bit each.
#[derive(Default)]
struct States([u64; WORDS]);

impl States {
    fn insert(&mut self, state: usize) {
        if let Some(word) = self.0.get_mut(state / 64) {
            *word |= 1_u64.wrapping_shl((state % 64) as u32);
        }
    }

    fn contains(&self, state: usize) -> bool {
        self.0
            .get(state / 64)
            .is_some_and(|word| word & 1_u64.wrapping_shl((state % 64) as u32) != 0)
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, &word)| {
            let base = at.saturating_mul(64);
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                // Clears the lowest bit; zero has none, and ends the iteration.
                left &= left.wrapping_sub(1);
                (bit < 64).then(|| base.saturating_add(bit as usize))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn globs_match_as_documented() {
        for (glob, matching, others) in [
            ("/a", &["/a"][..], &["/a/", "/ab", "/", "/A"][..]),
            ("/a?c", &["/abc"], &["/a/c", "/ac", "/abbc"]),
            ("/*", &["/", "/a", "/a.b"], &["/a/b", "/a/"]),
            ("/a/*/c", &["/a/b/c", "/a//c"], &["/a/b/b/c", "/a/c"]),
            ("/a*c", &["/ac", "/abc", "/abcc"], &["/ab/c"]),
            ("/**", &["/", "/a", "/a/b/"], &[]),
            ("**", &["/", "/a/b"], &[]),
            ("/a/**", &["/a", "/a/", "/a/b", "/a/b/c"], &["/ab", "/b/a", "/"]),
            ("/a/**/z", &["/a/z", "/a/b/z", "/a/b/c/z"], &["/az", "/a/bz", "/a/b/zz"]),
            ("/a/**/*", &["/a/", "/a/b", "/a/b/c"], &["/a", "/b"]),
            ("/a/**/**/z", &["/a/z", "/a/b/z"], &["/az"]),
            ("/a/**/**", &["/a", "/a/b"], &["/ab"]),
            ("/**/z", &["/z", "/a/z"], &["/az"]),
            ("**.js", &["/a/b.js", "/.js"], &["/a/b.css"]),
            ("/a**z", &["/az", "/a/b/z"], &["/a/b"]),
            ("/é?", &["/éa"], &["/é", "/éab"]),
        ] {
            let glob = PathGlob::parse(glob).unwrap();
            for path in matching {
                assert!(glob.matches(path.as_bytes()), "{glob} matches {path}");
            }
            for path in others {
                assert!(!glob.matches(path.as_bytes()), "{glob} does not match {path}");
            }
        }
    }

    #[test]
    fn patterns_that_could_never_match_are_refused() {
        assert_eq!(PathGlob::parse("repos/*"), Err(InvalidGlob::Start));
        assert_eq!(PathGlob::parse(""), Err(InvalidGlob::Start));
        assert_eq!(
            PathGlob::parse(&format!("/{}", "a".repeat(512))),
            Err(InvalidGlob::TooLong)
        );
        for glob in ["/a//b", "/a;b", "/a\\b", "/a%20b", "/a/../b", "/./a"] {
            assert!(
                matches!(PathGlob::parse(glob), Err(InvalidGlob::Ambiguous(_))),
                "{glob}"
            );
        }
    }

    #[test]
    fn the_longest_pattern_ends_on_its_last_state() {
        let text = format!("/{}", "?".repeat(511));
        let glob = PathGlob::parse(&text).unwrap();
        let path = format!("/{}", "a".repeat(511));
        assert!(glob.matches(path.as_bytes()));
        assert!(!glob.matches(format!("{path}a").as_bytes()));
    }
}
