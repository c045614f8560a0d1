//! Bytes that a shell cannot pass, and bytes that a terminal must not get.

use std::ffi::OsStr;
use std::fmt::Write;

/// An argument that is meant byte for byte: `\xNN` in it stands for one byte,
/// and everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

/// An escape that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\\x at byte {at} is not followed by two hexadecimal digits; expected a byte such as \\x00, or \\x5c for a backslash"
)]
pub(crate) struct InvalidEscape {
    at: usize,
}

impl Bytes {
    /// For clap: what the shell passed.
    pub(crate) fn parser() -> impl clap::builder::TypedValueParser<Value = Self> {
        use clap::builder::TypedValueParser;
        clap::builder::OsStringValueParser::new().try_map(|argument| Self::of_argument(&argument))
    }

    fn of_argument(argument: &OsStr) -> Result<Self, InvalidEscape> {
        Self::unescape(argument.as_encoded_bytes())
    }

    fn unescape(text: &[u8]) -> Result<Self, InvalidEscape> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text;
        while let [first, after @ ..] = rest {
            if let (b'\\', [b'x', digits @ ..]) = (first, after) {
                let at = text.len() - rest.len();
                let byte = digits.first_chunk().and_then(hexadecimal).ok_or(InvalidEscape { at })?;
                bytes.push(byte);
                rest = &digits[2..];
            } else {
                bytes.push(*first);
                rest = after;
            }
        }
        Ok(Self(bytes))
    }
}

fn hexadecimal(digits: &[u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}

/// Recorded text without anything that could steer a terminal or deceive who
/// reads it: what is not printable ASCII is escaped.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_graphic() || character == ' ' {
            shown.push(character);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", character.escape_default());
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_bytes_and_the_rest_stands_for_itself() {
        for (typed, bytes) in [
            ("", &b""[..]),
            ("api.example.com:443", b"api.example.com:443"),
            (r"a\x00b\xFF\xfe", b"a\x00b\xff\xfe"),
            (r"\x5cx41", br"\x41"),
            (r"\", br"\"),
            (r"\n\\x41", b"\\n\\A"),
            ("b\u{fc}cher", b"b\xc3\xbccher"),
        ] {
            assert_eq!(Bytes::unescape(typed.as_bytes()), Ok(Bytes(bytes.to_vec())), "{typed}");
        }
        for (typed, at) in [(r"\x", 0), (r"a\x4", 1), (r"ab\x4g", 2), (r"\x+1", 0), (r"\x41\x", 4)] {
            assert_eq!(Bytes::unescape(typed.as_bytes()), Err(InvalidEscape { at }), "{typed}");
        }
    }

    #[test]
    fn terminals_get_printable_ascii() {
        assert_eq!(printable("/a b?c=%20"), "/a b?c=%20");
        assert_eq!(
            printable("\u{1b}[2J\u{9b}\n\u{202e}\u{e9}"),
            r"\u{1b}[2J\u{9b}\n\u{202e}\u{e9}"
        );
    }
}
