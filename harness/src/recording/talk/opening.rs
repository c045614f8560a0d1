//! Tells by its first bytes what a client speaks.

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// TLS, beginning with a ClientHello.
    Tls,
    /// HTTP/1.0 or HTTP/1.1.
    Request,
    /// HTTP/2 without an upgrade.
    Http2,
    /// Something else.
    Unknown,
}

/// No method that is in use is longer.
const LONGEST_METHOD: usize = 32;

/// What a flow must begin with when the first of it that was seen may be its middle.
const METHODS: [&[u8]; 9] = [
    b"GET ",
    b"POST ",
    b"PUT ",
    b"HEAD ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
];

/// Whether these bytes are surely the first ones of a client.
pub(in super::super) fn is_a_beginning(bytes: &[u8]) -> bool {
    match Opening::of(bytes, &mut 0) {
        Some(opening) => opening != Opening::Unknown,
        None => METHODS.iter().any(|method| bytes.starts_with(method)),
    }
}

impl Opening {
    /// What begins with these bytes; nothing while there are too few to tell.
    ///
    /// `looked` says how many of them were seen before, so that a request line that
    /// comes byte by byte is not read from its beginning each time.
    pub(super) fn of(bytes: &[u8], looked: &mut usize) -> Option<Self> {
        match bytes {
            [] => None,
            [0x16, rest @ ..] => Self::of_record(rest),
            _ => Self::of_line(bytes, looked),
        }
    }

    /// A TLS record of type handshake: version 3.x, a length, then a ClientHello.
    fn of_record(rest: &[u8]) -> Option<Self> {
        match *rest {
            [major, ..] if major != 3 => Some(Self::Unknown),
            [_, minor, ..] if minor > 4 => Some(Self::Unknown),
            [_, _, high, ..] if high > 0x40 => Some(Self::Unknown),
            [_, _, high, low, kind, ..] => Some(match (high, low, kind) {
                (0, 0, _) => Self::Unknown,
                (_, _, 1) => Self::Tls,
                _ => Self::Unknown,
            }),
            _ => None,
        }
    }

    /// A request line, or something whose first line is none.
    fn of_line(bytes: &[u8], looked: &mut usize) -> Option<Self> {
        let method = bytes.iter().take(LONGEST_METHOD + 1).position(|byte| *byte == b' ');
        let is_method = |bytes: &[u8]| bytes.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
        match method {
            Some(0) => return Some(Self::Unknown),
            Some(length) if !is_method(&bytes[..length]) => return Some(Self::Unknown),
            Some(_) => {}
            None if bytes.len() > LONGEST_METHOD || !is_method(bytes) => return Some(Self::Unknown),
            None => return None,
        }
        let new = &bytes[*looked..];
        let control = new.iter().position(|byte| *byte < b' ' && *byte != b'\r');
        match control {
            Some(at) if new[at] == b'\n' => {
                let line = &bytes[..*looked + at];
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                Some(if line == b"PRI * HTTP/2.0" {
                    Self::Http2
                } else if line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0") {
                    Self::Request
                } else {
                    Self::Unknown
                })
            }
            Some(_) => Some(Self::Unknown),
            None => {
                *looked = bytes.len();
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_protocol() {
        for (bytes, expected) in [
            (&b""[..], None),
            (b"\x16", None),
            (b"\x16\x03\x01\x02\x00", None),
            (b"\x16\x03\x01\x02\x00\x01", Some(Opening::Tls)),
            (b"\x16\x03\x04\x00\x01\x01", Some(Opening::Tls)),
            (b"\x16\x03\x01\x02\x00\x02", Some(Opening::Unknown)),
            (b"\x16\x03\x01\x00\x00\x01", Some(Opening::Unknown)),
            (b"\x16\x03\x01\x41", Some(Opening::Unknown)),
            (b"\x16\x03\x05", Some(Opening::Unknown)),
            (b"\x16\xfe\xfd", Some(Opening::Unknown)),
            (b"\x17\x03\x03\x00\x20", Some(Opening::Unknown)),
            (b"GET", None),
            (b"GET /a?b=c HTTP/1.", None),
            (b"GET / HTTP/1.1\r\n", Some(Opening::Request)),
            (b"GET / HTTP/1.0\n", Some(Opening::Request)),
            (b"M-SEARCH * HTTP/1.1\r\n", Some(Opening::Request)),
            (b"GET / HTTP/0.9\r\n", Some(Opening::Unknown)),
            (b"get key\r\n", Some(Opening::Unknown)),
            (b"PING\r\n", Some(Opening::Unknown)),
            (b" GET / HTTP/1.1\r\n", Some(Opening::Unknown)),
            (b"GET /\0 HTTP/1.1\r\n", Some(Opening::Unknown)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Opening::Http2)),
            (b"AWordThatIsFarTooLongToBeTheMethodOfARequest", Some(Opening::Unknown)),
            (b"\0\0\0\x08\x04\xd2\x16\x2f", Some(Opening::Unknown)),
        ] {
            assert_eq!(Opening::of(bytes, &mut 0), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn byte_by_byte_says_the_same() {
        for bytes in [
            &b"GET /a/long/path HTTP/1.1\r\n"[..],
            b"set key 0 0 5\r\n",
            b"\x16\x03\x01\x02\x00\x01",
        ] {
            let mut looked = 0;
            let (last, rest) = (1..=bytes.len())
                .map(|length| Opening::of(&bytes[..length], &mut looked))
                .enumerate()
                .find_map(|(at, opening)| Some((opening?, bytes.len() - at - 1)))
                .unwrap();
            assert_eq!(
                (Some(last), rest),
                (Opening::of(bytes, &mut 0), 0),
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn only_what_is_surely_a_beginning_is_taken_for_one() {
        for bytes in [&b"GET /long"[..], b"\x16\x03\x01\x02\x00\x01", b"PURGE / HTTP/1.1\r\n"] {
            assert!(is_a_beginning(bytes), "{}", bytes.escape_ascii());
        }
        for bytes in [&b"some text of a body"[..], b"", b"\x16\x03", b"\x17\x03\x03\0\x10"] {
            assert!(!is_a_beginning(bytes), "{}", bytes.escape_ascii());
        }
    }
}
