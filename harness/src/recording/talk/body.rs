//! Passes over the bodies of requests, to find the next request behind them.

/// What is left of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// This many bytes.
    Length(u64),
    /// Chunks, as far as their last one.
    Chunked(Chunks),
}

/// The place in a chunked body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// In the line that says how long the next chunk is.
    Size(Vec<u8>),
    /// In a chunk, with this many bytes to go, its line end included.
    Data(u64),
    /// Behind the last chunk, in a line that has this many bytes so far.
    Trailer(u64),
}

/// How much of some bytes belonged to a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Skipped {
    /// All, and more is to come.
    All,
    /// This many, which were the last ones.
    Ends(usize),
    /// It is not chunked as it should be, so its end cannot be found.
    Broken,
}

/// A chunk's size with the extensions behind it is one short line.
const LONGEST_SIZE: usize = 1 << 10;

impl Body {
    /// The body behind a head that says this much about it; nothing where its end cannot be known.
    pub(super) fn of(headers: &[httparse::Header<'_>]) -> Option<Self> {
        if let Some(coding) = values(headers, "transfer-encoding").next_back() {
            let last = coding.rsplit(|byte| *byte == b',').next()?.trim_ascii();
            return last
                .eq_ignore_ascii_case(b"chunked")
                .then(|| Self::Chunked(Chunks::Size(Vec::new())));
        }
        let mut lengths = values(headers, "content-length");
        let Some(first) = lengths.next() else {
            return Some(Self::Length(0));
        };
        let digits = first.iter().all(u8::is_ascii_digit) && lengths.all(|other| other == first);
        let length = digits.then(|| str::from_utf8(first).ok()?.parse().ok());
        Some(Self::Length(length??))
    }

    /// Takes off what belongs to it.
    pub(super) fn skip(&mut self, bytes: &[u8]) -> Skipped {
        match self {
            Self::Length(left) => match take(left, bytes) {
                used if *left == 0 => Skipped::Ends(used),
                _ => Skipped::All,
            },
            Self::Chunked(chunks) => chunks.skip(bytes),
        }
    }
}

impl Chunks {
    fn skip(&mut self, bytes: &[u8]) -> Skipped {
        let mut used = 0;
        while let Some(byte) = bytes.get(used) {
            match self {
                Self::Size(line) => {
                    used += 1;
                    line.push(*byte);
                    if *byte == b'\n' {
                        // The parser takes a line without digits for a size of 0.
                        let digits = line.first().is_some_and(u8::is_ascii_hexdigit);
                        *self = match httparse::parse_chunk_size(line) {
                            _ if !digits => return Skipped::Broken,
                            Ok(httparse::Status::Complete((_, 0))) => Self::Trailer(0),
                            Ok(httparse::Status::Complete((_, size))) => Self::Data(size.saturating_add(2)),
                            _ => return Skipped::Broken,
                        };
                    } else if line.len() > LONGEST_SIZE {
                        return Skipped::Broken;
                    }
                }
                Self::Data(left) => {
                    used += take(left, &bytes[used..]);
                    if *left == 0 {
                        *self = Self::Size(Vec::new());
                    }
                }
                Self::Trailer(length) => {
                    used += 1;
                    match byte {
                        b'\n' if *length == 0 => return Skipped::Ends(used),
                        b'\n' => *length = 0,
                        b'\r' => {}
                        _ => *length = length.saturating_add(1),
                    }
                }
            }
        }
        Skipped::All
    }
}

/// The values of all headers of this name.
fn values<'h>(headers: &'h [httparse::Header<'h>], name: &'h str) -> impl DoubleEndedIterator<Item = &'h [u8]> {
    let named = headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| header.value.trim_ascii())
}

/// Takes as many of `bytes` as are left to take.
fn take(left: &mut u64, bytes: &[u8]) -> usize {
    let used = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *left = left.saturating_sub(used as u64);
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(headers: &[(&str, &str)]) -> Option<Body> {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| httparse::Header {
                name,
                value: value.as_bytes(),
            })
            .collect();
        Body::of(&headers)
    }

    #[test]
    fn headers_say_how_a_body_ends() {
        let chunked = || Some(Body::Chunked(Chunks::Size(Vec::new())));
        for (headers, expected) in [
            (&[][..], Some(Body::Length(0))),
            (&[("Content-Length", "12")], Some(Body::Length(12))),
            (
                &[("content-length", " 7 "), ("Content-Length", "7")],
                Some(Body::Length(7)),
            ),
            (&[("content-length", "7"), ("content-length", "8")], None),
            (&[("content-length", "+7")], None),
            (&[("content-length", "")], None),
            (&[("content-length", "99999999999999999999999")], None),
            (&[("transfer-encoding", "chunked"), ("content-length", "7")], chunked()),
            (&[("Transfer-Encoding", "gzip, Chunked")], chunked()),
            (&[("transfer-encoding", "chunked, gzip")], None),
        ] {
            assert_eq!(body(headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn chunks_end_where_they_say_however_they_are_cut() {
        let chunks = b"5;name=value\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nTrailer: x\r\n\r\n";
        let mut next = chunks.to_vec();
        next.extend_from_slice(b"GET");
        for cut in 0..=chunks.len() {
            let mut body = body(&[("transfer-encoding", "chunked")]).unwrap();
            if cut == chunks.len() {
                assert_eq!(body.skip(&next), Skipped::Ends(chunks.len()));
            } else {
                assert_eq!(body.skip(&next[..cut]), Skipped::All, "{cut}");
                assert_eq!(body.skip(&next[cut..]), Skipped::Ends(chunks.len() - cut), "{cut}");
            }
        }
    }

    #[test]
    fn what_is_no_chunk_is_broken() {
        for bytes in [
            &b"hello\r\n"[..],
            b"\r\n",
            b"fffffffffffffffff\r\n",
            &[b'1'; LONGEST_SIZE + 2],
        ] {
            let mut body = body(&[("transfer-encoding", "chunked")]).unwrap();
            assert_eq!(body.skip(bytes), Skipped::Broken, "{}", bytes.escape_ascii());
        }
    }
}
