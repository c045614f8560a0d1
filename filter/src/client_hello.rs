//! The server name in the first bytes of a tunnel. Envoy's `tls_inspector` looks
//! at the bytes of a connection, and not at those that `CONNECT` carries.
//!
//! RFC 8446 §4.1.2 and §5.1, RFC 6066 §3. Only what leads to the name is read.

/// What the first bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Peek {
    /// More of them are needed.
    More,
    /// No TLS.
    NotTls,
    /// TLS, with this server name: empty if it has none, or none that servers
    /// agree about.
    Hello(Vec<u8>),
}

/// The longest a ClientHello may be, in bytes, with what TLS puts around it.
pub(crate) const MOST_BYTES: usize = 65_536;

const HANDSHAKE: u8 = 22;
const MAJOR_VERSION: u8 = 3;
const CLIENT_HELLO: u8 = 1;
const SERVER_NAME: usize = 0;
const HOST_NAME: u8 = 0;
const LONGEST_RECORD: usize = 16_384;

/// Looks at the bytes so far.
pub(crate) fn peek(bytes: &[u8]) -> Peek {
    match bytes {
        [] => Peek::More,
        [HANDSHAKE] => Peek::More,
        [HANDSHAKE, MAJOR_VERSION, ..] => match hello(bytes) {
            Some(None) if bytes.len() < MOST_BYTES => Peek::More,
            // It is TLS, and nobody can say what it asks for.
            Some(None) | None => Peek::Hello(Vec::new()),
            Some(Some(message)) => Peek::Hello(server_name(&message).unwrap_or_default().to_vec()),
        },
        _ => Peek::NotTls,
    }
}

/// The body of the ClientHello, which may be spread over records: `Some(None)`
/// while it is not complete, `None` if it is no ClientHello.
fn hello(bytes: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut message = Vec::new();
    let mut rest = Bytes(bytes);
    loop {
        if let Some(body) = body(&message)? {
            return Some(Some(body));
        }
        let Some(kind) = rest.number(1) else { return Some(None) };
        if kind != usize::from(HANDSHAKE) {
            return None;
        }
        let (Some(_), Some(length)) = (rest.number(2), rest.number(2)) else {
            return Some(None);
        };
        if length == 0 || length > LONGEST_RECORD {
            return None;
        }
        let Some(fragment) = rest.take(length) else {
            // Its beginning may already say that it is something else.
            message.extend_from_slice(rest.0);
            return body(&message).map(|_| None);
        };
        message.extend_from_slice(fragment);
    }
}

/// The body of a whole handshake message; as [`hello`].
fn body(message: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut message = Bytes(message);
    match message.number(1) {
        Some(kind) if kind != usize::from(CLIENT_HELLO) => None,
        _ => match message.number(3) {
            Some(length) if length > MOST_BYTES => None,
            Some(length) => Some(message.take(length).map(<[u8]>::to_vec)),
            None => Some(None),
        },
    }
}

/// The only host name of a ClientHello.
fn server_name(body: &[u8]) -> Option<&[u8]> {
    const VERSION_AND_RANDOM: usize = 34;
    let mut body = Bytes(body);
    body.take(VERSION_AND_RANDOM)?;
    body.sized(1)?; // session id
    body.sized(2)?; // cipher suites
    body.sized(1)?; // compression methods
    let mut extensions = body.sized(2)?;
    let mut found = None;
    while !extensions.0.is_empty() {
        let kind = extensions.number(2)?;
        let mut content = extensions.sized(2)?;
        if kind != SERVER_NAME {
            continue;
        }
        let mut names = content.sized(2)?;
        let of_host = names.number(1)? == usize::from(HOST_NAME);
        let name = names.sized(2)?;
        // A second name, or a second list, is read by some and not by others.
        if !of_host || !names.0.is_empty() || !content.0.is_empty() || found.is_some() {
            return None;
        }
        found = Some(name.0);
    }
    found
}

/// Bytes that are taken off from the front.
#[derive(Clone, Copy)]
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of so many bytes, the most significant first.
    fn number(&mut self, bytes: usize) -> Option<usize> {
        let bytes = self.take(bytes)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// What follows a length of so many bytes.
    fn sized(&mut self, length: usize) -> Option<Self> {
        let length = self.number(length)?;
        self.take(length).map(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(width: usize, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[4 - width..], content].concat()
    }

    fn extension(kind: u8, content: &[u8]) -> Vec<u8> {
        [&[0, kind], sized(2, content).as_slice()].concat()
    }

    fn named(names: &[&[u8]]) -> Vec<u8> {
        let names: Vec<u8> = names
            .iter()
            .flat_map(|name| [&[0], sized(2, name).as_slice()].concat())
            .collect();
        extension(0, &sized(2, &names))
    }

    fn message(extensions: &[u8]) -> Vec<u8> {
        let body = [
            &[3, 3][..],
            &[7; 32],
            &sized(1, &[1, 2, 3]),
            &sized(2, &[0xc0, 0x2f]),
            &sized(1, &[0]),
            &sized(2, extensions),
        ]
        .concat();
        [&[1], sized(3, &body).as_slice()].concat()
    }

    fn records(message: &[u8], longest: usize) -> Vec<u8> {
        let record = |part: &[u8]| [&[22, 3, 1], sized(2, part).as_slice()].concat();
        message.chunks(longest).flat_map(record).collect()
    }

    fn hello_for(names: &[&[u8]]) -> Vec<u8> {
        let extensions = [extension(10, &[0, 2, 0, 29]), named(names), extension(43, &[2, 3, 4])].concat();
        message(&extensions)
    }

    #[test]
    fn the_name_is_found_however_it_is_cut_into_records() {
        let message = hello_for(&[b"API.example.com."]);
        for longest in 1..=message.len() {
            let bytes = records(&message, longest);
            assert_eq!(peek(&bytes), Peek::Hello(b"API.example.com.".to_vec()), "{longest}");
            for end in 0..bytes.len() {
                assert_eq!(peek(&bytes[..end]), Peek::More, "{end} of records of {longest}");
            }
            // What follows is of no interest.
            assert_eq!(peek(&[&bytes[..], b"\x17\x03\x03"].concat()), peek(&bytes));
        }
    }

    #[test]
    fn no_name_is_an_empty_one() {
        for extensions in [
            Vec::new(),
            extension(10, &[0, 2, 0, 29]),
            named(&[b"a.example.com", b"b.example.com"]),
            [named(&[b"a.example.com"]), named(&[b"b.example.com"])].concat(),
            named(&[]),
            extension(0, &[0, 4, 1, 0, 1, b'a']),
            extension(0, b""),
            vec![0, 0, 0],
        ] {
            let bytes = records(&message(&extensions), 100);
            assert_eq!(peek(&bytes), Peek::Hello(Vec::new()), "{extensions:?}");
        }
    }

    #[test]
    fn other_bytes_are_told_apart_at_once() {
        for other in [
            &b"G"[..],
            b"GET / HTTP/1.1\r\n",
            b"SSH-2.0-x",
            b"\x00",
            b"\x16\x02",
            b"\x80\x16\x03",
        ] {
            assert_eq!(peek(other), Peek::NotTls, "{other:?}");
        }
        assert_eq!(peek(b""), Peek::More);
        // TLS, and no ClientHello in it.
        for broken in [
            &b"\x16\x03\x01\x00\x00"[..],
            b"\x16\x03\x01\xff\xff",
            b"\x16\x03\x01\x00\x05\x02",
        ] {
            assert_eq!(peek(broken), Peek::Hello(Vec::new()), "{broken:?}");
        }
    }

    #[test]
    fn no_byte_makes_it_fail_and_nothing_is_waited_for_without_end() {
        let bytes = records(&hello_for(&[b"api.example.com"]), 40);
        for at in 0..bytes.len() {
            for value in 0..=u8::MAX {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                let _ = peek(&damaged);
            }
        }
        let endless = records(&[&[1, 0, 255, 255][..], &vec![0; 70_000]].concat(), 100);
        assert_eq!(peek(&endless[..MOST_BYTES - 1]), Peek::More);
        assert_eq!(peek(&endless[..MOST_BYTES]), Peek::Hello(Vec::new()));
    }
}
