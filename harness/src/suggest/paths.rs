//! The paths seen of a destination, as far as a `path_glob` can be made of them.

use sluice_policy::{Path, PathGlob};

/// Deepest directory that a suggested glob names. Deeper ones hold versions,
/// users or dates, and a rule on them breaks with the next.
const DEEPEST: usize = 3;

/// What all paths have in common. It never grows beyond one path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Paths {
    /// None seen yet.
    #[default]
    None,
    /// The same path each time.
    One(String),
    /// Several, which begin with these segments.
    Under(Vec<String>),
    /// Some path was not recorded, or means different things to different
    /// servers: no allow rule with a `path_glob` would match it.
    Unusable,
}

impl Paths {
    /// The paths of one request.
    pub(super) fn of(path: Option<&[u8]>) -> Self {
        match Path::parse(path) {
            Path::Clean(path) => str::from_utf8(&path).map_or(Self::Unusable, |path| Self::One(path.to_owned())),
            Path::Ambiguous => Self::Unusable,
        }
    }

    /// What both have in common.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, paths) | (paths, Self::None) => paths,
            (Self::Unusable, _) | (_, Self::Unusable) => Self::Unusable,
            (Self::One(one), Self::One(other)) if one == other => Self::One(one),
            (one, other) => {
                let common = one.segments().into_iter().zip(other.segments());
                Self::Under(
                    common
                        .take_while(|(one, other)| one == other)
                        .map(|(one, _)| one)
                        .collect(),
                )
            }
        }
    }

    fn segments(self) -> Vec<String> {
        match self {
            Self::One(path) => path.split('/').skip(1).map(str::to_owned).collect(),
            Self::Under(segments) => segments,
            Self::None | Self::Unusable => Vec::new(),
        }
    }

    /// A glob that matches every path seen, if a narrow one does.
    pub(super) fn glob(&self) -> Option<String> {
        let glob = match self {
            Self::One(path) if is_literal(path) => path.clone(),
            Self::Under(segments) => {
                let kept: Vec<&str> = segments
                    .iter()
                    .map(String::as_str)
                    .take(DEEPEST)
                    .take_while(|part| is_literal(part))
                    .collect();
                if kept.is_empty() {
                    return None;
                }
                format!("/{}/**", kept.join("/"))
            }
            _ => return None,
        };
        PathGlob::parse(&glob).is_ok().then_some(glob)
    }
}

/// Whether a text means itself in a glob, and can be read by the person who reviews it.
fn is_literal(text: &str) -> bool {
    !text.contains(|c: char| matches!(c, '*' | '?') || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(paths: &[&str]) -> Option<String> {
        let all = paths.iter().map(|path| Paths::of(Some(path.as_bytes())));
        all.fold(Paths::None, Paths::and).glob()
    }

    #[test]
    fn one_path_or_a_short_directory_makes_a_glob() {
        for (paths, expected) in [
            (&[][..], None),
            (&["/"], Some("/")),
            (&["/v1/models"], Some("/v1/models")),
            (&["/v1/models?a=1", "/v1/models?a=2"], Some("/v1/models")),
            (&["/v1/models", "/v1/%6dodels"], Some("/v1/models")),
            (&["/v1/models", "/v1/items"], Some("/v1/**")),
            (&["/v1", "/v1/items"], Some("/v1/**")),
            (&["/v1/", "/v1"], Some("/v1/**")),
            (&["/v1/a/b/c/d/e", "/v1/a/b/c/d/f"], Some("/v1/a/b/**")),
            (&["/v1/models", "/v2/models"], None),
            (&["/", "/v1"], None),
            (&["/v1/a", "/v10/a"], None),
            (&["/v1/a", "/v1/b", "/v2/c"], None),
        ] {
            assert_eq!(glob(paths).as_deref(), expected, "{paths:?}");
        }
    }

    #[test]
    fn paths_that_no_allow_rule_matches_make_none() {
        for bad in ["/v1/a%2fb", "/v1//a", "/v1/a;b", "/v1/../../a", "/v1/%25", "*", ""] {
            assert_eq!(glob(&[bad]), None, "{bad}");
            assert_eq!(glob(&["/v1/a", bad, "/v1/a"]), None, "{bad}");
        }
        assert_eq!(Paths::of(None).glob(), None);
    }

    #[test]
    fn what_means_more_than_itself_in_a_glob_is_left_out() {
        assert_eq!(glob(&["/v1/a*b"]), None);
        assert_eq!(glob(&["/v1/a%3Fb"]), None);
        assert_eq!(glob(&["/v1/a%0Ab"]), None);
        assert_eq!(glob(&["/v1/*/a", "/v1/*/b"]).as_deref(), Some("/v1/**"));
        assert_eq!(glob(&["/*/a", "/*/b"]), None);
        assert_eq!(glob(&[&format!("/{}", "a".repeat(600))]), None);
    }

    #[test]
    fn every_path_matches_the_glob_made_of_it() {
        let paths = [
            "/",
            "/a",
            "/a/",
            "/a/b",
            "/a/b/c",
            "/a/b/c/d/e",
            "/b",
            "/caf%C3%A9/x",
            "/a/./b",
            "/a%20b/c",
        ];
        for one in paths {
            for two in paths {
                for three in paths {
                    let Some(glob) = glob(&[one, two, three]) else { continue };
                    let compiled = PathGlob::parse(&glob).unwrap();
                    for path in [one, two, three] {
                        let Path::Clean(clean) = Path::parse(Some(path.as_bytes())) else {
                            panic!("{path}")
                        };
                        assert!(compiled.matches(&clean), "{glob} does not match {path}");
                    }
                }
            }
        }
    }
}
