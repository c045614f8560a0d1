//! Takes a URL apart without changing a byte of it.
//!
//! A URL library would repair and normalise, and what is asked is what a
//! filter makes of exactly these bytes.

/// The parts of `scheme://authority/path?query#fragment` (RFC 3986, appendix B).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Url<'a> {
    pub(super) scheme: &'a [u8],
    pub(super) authority: &'a [u8],
    /// With the query, without the fragment, which is never sent.
    pub(super) path: &'a [u8],
}

impl<'a> Url<'a> {
    /// The parts, if there is a scheme and an authority.
    pub(super) fn split(text: &'a [u8]) -> Option<Self> {
        let (scheme, rest) = text.split_at(end_before(text, b":/?#"));
        let rest = rest.strip_prefix(b"://").filter(|_| !scheme.is_empty())?;
        let (authority, rest) = rest.split_at(end_before(rest, b"/?#"));
        let (path, _fragment) = rest.split_at(end_before(rest, b"#"));
        Some(Self {
            scheme,
            authority,
            path,
        })
    }
}

fn end_before(text: &[u8], delimiters: &[u8]) -> usize {
    text.iter()
        .position(|byte| delimiters.contains(byte))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_as_in_rfc_3986() {
        for (text, parts) in [
            ("http://example.com", Some(("http", "example.com", ""))),
            (
                "HTTP://Example.com:80/a/../b?c=d/e?f#g?h",
                Some(("HTTP", "Example.com:80", "/a/../b?c=d/e?f")),
            ),
            ("https://user@[::1]:8443?q", Some(("https", "user@[::1]:8443", "?q"))),
            ("http://#/a", Some(("http", "", ""))),
            ("http:///a", Some(("http", "", "/a"))),
            ("http://a\\b@c/d", Some(("http", "a\\b@c", "/d"))),
            ("http://a://b", Some(("http", "a:", "//b"))),
            ("example.com:443", None),
            ("example.com/http://a", None),
            ("mailto:a@example.com", None),
            ("://example.com", None),
            ("//example.com/a", None),
            ("", None),
        ] {
            let expected = parts.map(|(scheme, authority, path)| Url {
                scheme: scheme.as_bytes(),
                authority: authority.as_bytes(),
                path: path.as_bytes(),
            });
            assert_eq!(Url::split(text.as_bytes()), expected, "{text}");
        }
    }
}
