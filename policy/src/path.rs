//! The path of a request as `path_glob` sees it.

use std::borrow::Cow;

/// The longest path, in bytes and without its query, that is looked at. It is
/// client text, and patterns cost time for every byte of it.
pub const MAX_PATH: usize = 4096;

/// The one reading of a path that every server shares, or that there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path<'a> {
    /// Decoded once, dot-segments resolved, without query.
    Clean(Cow<'a, [u8]>),
    /// Servers disagree about what the path is: an allow with `path_glob` does
    /// not match it and a deny with `path_glob` does.
    Ambiguous,
}

impl<'a> Path<'a> {
    /// Reads a `:path`.
    ///
    /// Ambiguous are: a path that was not recorded; one that does not begin
    /// with `/`; a fragment; an encoded slash, `%25`, or an incomplete escape;
    /// NUL, `\`, `;` and `//`, raw or encoded; a `..` that climbs above the
    /// root; bytes that are not UTF-8; more than [`MAX_PATH`] bytes.
    #[must_use]
    pub fn parse(path: Option<&'a [u8]>) -> Self {
        path.and_then(clean).map_or(Self::Ambiguous, Self::Clean)
    }
}

fn clean(path: &[u8]) -> Option<Cow<'_, [u8]>> {
    let path = path.split(|&b| b == b'?').next().unwrap_or_default();
    if path.first() != Some(&b'/') || path.len() > MAX_PATH {
        return None;
    }
    let decoded = decode(path)?;
    if std::str::from_utf8(&decoded).is_err() || decoded.windows(2).any(|pair| pair == b"//") {
        return None;
    }
    let dotted = decoded
        .split(|&b| b == b'/')
        .any(|segment| matches!(segment, b"." | b".."));
    if dotted {
        resolve(&decoded).map(Cow::Owned)
    } else {
        Some(decoded)
    }
}

/// Decodes escapes once and refuses the bytes that make a path ambiguous.
fn decode(path: &[u8]) -> Option<Cow<'_, [u8]>> {
    let forbidden = |byte: u8| matches!(byte, 0 | b'\\' | b';' | b'#');
    if path.iter().any(|&byte| forbidden(byte)) {
        return None;
    }
    if !path.contains(&b'%') {
        return Some(Cow::Borrowed(path));
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.iter();
    while let Some(&byte) = bytes.next() {
        let byte = if byte == b'%' {
            let high = hex(*bytes.next()?)?;
            let low = hex(*bytes.next()?)?;
            let byte = (high << 4) | low;
            if forbidden(byte) || matches!(byte, b'/' | b'%') {
                return None;
            }
            byte
        } else {
            byte
        };
        decoded.push(byte);
    }
    Some(Cow::Owned(decoded))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Resolves dot-segments (RFC 3986 §5.2.4); `None` if one climbs above the root.
fn resolve(path: &[u8]) -> Option<Vec<u8>> {
    let mut kept: Vec<&[u8]> = Vec::new();
    // What a path that ends in a dot-segment leaves is a directory.
    let mut directory = false;
    for segment in path.split(|&b| b == b'/').skip(1) {
        directory = matches!(segment, b"." | b"..");
        match segment {
            b"." => {}
            b".." => {
                kept.pop()?;
            }
            _ => kept.push(segment),
        }
    }
    let mut resolved = Vec::with_capacity(path.len());
    for segment in kept {
        resolved.push(b'/');
        resolved.extend_from_slice(segment);
    }
    if directory || resolved.is_empty() {
        resolved.push(b'/');
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn clean_text(path: &str) -> Option<String> {
        match Path::parse(Some(path.as_bytes())) {
            Path::Clean(path) => Some(String::from_utf8(path.into_owned()).unwrap()),
            Path::Ambiguous => None,
        }
    }

    #[test]
    fn clean_paths() {
        for (path, expected) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("/a/b?x=1/../2", "/a/b"),
            ("/?", "/"),
            ("/a/./b/../c", "/a/c"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/..a/b..", "/..a/b.."),
            ("/%61%2d%C3%A9", "/a-é"),
            ("/a/%2e%2e/b", "/b"),
            ("/a/", "/a/"),
            ("/a%20b", "/a b"),
        ] {
            assert_eq!(clean_text(path).as_deref(), Some(expected), "{path}");
        }
    }

    #[test]
    fn ambiguous_paths() {
        for path in [
            "",
            "*",
            "a/b",
            "http://example.com/",
            "/a%2fb",
            "/a%2Fb",
            "/a%252e",
            "/a%00",
            "/a\0",
            "//",
            "/a//b",
            "/a\\b",
            "/a%5cb",
            "/a;b",
            "/a%3bb",
            "/..",
            "/a/../..",
            "/a/../../b",
            "/%2e%2e/a",
            "/a%",
            "/a%2",
            "/a%zz",
            "/%e9",
            "/a#b",
        ] {
            assert_eq!(clean_text(path), None, "{path}");
        }
        let longest = format!("/{}?{}", "a".repeat(MAX_PATH - 1), "q".repeat(9));
        assert!(clean_text(&longest).is_some());
        assert_eq!(clean_text(&longest.replace('?', "a?")), None);
        assert_eq!(Path::parse(None), Path::Ambiguous);
        assert_eq!(Path::parse(Some(b"/caf\xe9")), Path::Ambiguous);
    }
}
