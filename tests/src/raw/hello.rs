//! ClientHellos in the shapes that no TLS library sends, and in some that only few do.

/// So many bytes of the handshake are in each record of a ClientHello that is spread over records.
const SHORT_RECORD: usize = 40;
/// The most that a record holds.
const LONGEST_RECORD: usize = 16_384;
/// So many bytes are written at a time of one that is spread over segments.
const SHORT_SEGMENT: usize = 7;

const SERVER_NAME: u16 = 0;
const PADDING: u16 = 21;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;

/// What is unusual about a ClientHello.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    /// A second name in the list of names.
    pub second_name: Option<Vec<u8>>,
    /// A second extension with a list of names.
    pub second_list: Option<Vec<u8>>,
    /// The extension of encrypted ClientHellos; the name is then the outer one.
    pub encrypted: bool,
    /// How many bytes of padding it has.
    pub padding: usize,
    /// Spread over TLS records.
    pub in_records: bool,
    /// Spread over TCP segments.
    pub in_segments: bool,
}

/// What to write, piece by piece, for a ClientHello with this name, empty for none.
#[must_use]
pub fn pieces(server_name: &[u8], shape: &Shape) -> Vec<Vec<u8>> {
    let record = if shape.in_records { SHORT_RECORD } else { LONGEST_RECORD };
    let handshake = handshake(&extensions(server_name, shape));
    let records = handshake
        .chunks(record)
        .map(|part| [&[22, 3, 1], sized::<2>(part).as_slice()].concat());
    let bytes: Vec<u8> = records.flatten().collect();
    if shape.in_segments {
        bytes.chunks(SHORT_SEGMENT).map(<[u8]>::to_vec).collect()
    } else {
        vec![bytes]
    }
}

fn extensions(server_name: &[u8], shape: &Shape) -> Vec<u8> {
    let mut extensions = Vec::new();
    let mut names: Vec<&[u8]> = Vec::new();
    names.extend((!server_name.is_empty()).then_some(server_name));
    names.extend(shape.second_name.as_deref());
    if !names.is_empty() {
        extensions.extend(extension(SERVER_NAME, &list(&names)));
    }
    if let Some(name) = &shape.second_list {
        extensions.extend(extension(SERVER_NAME, &list(&[name])));
    }
    if shape.encrypted {
        extensions.extend(extension(ENCRYPTED_CLIENT_HELLO, &outer()));
    }
    if shape.padding > 0 {
        extensions.extend(extension(PADDING, &vec![0; shape.padding]));
    }
    extensions
}

/// RFC 6066, 3: each name with its type, 0 for host names.
fn list(names: &[&[u8]]) -> Vec<u8> {
    let names: Vec<u8> = names
        .iter()
        .flat_map(|name| [&[0], sized::<2>(name).as_slice()].concat())
        .collect();
    sized::<2>(&names)
}

/// RFC 9849, 5: of the outer ClientHello. Only the provider can read the rest, and nothing here is one.
fn outer() -> Vec<u8> {
    [
        &[0][..],               // the outer one
        &[0, 1, 0, 1],          // HKDF-SHA256, AES-128-GCM
        &[7],                   // the number of the provider's key
        &sized::<2>(&[9; 32]),  // the client's share
        &sized::<2>(&[8; 144]), // the inner ClientHello, encrypted
    ]
    .concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &sized::<2>(content)].concat()
}

fn handshake(extensions: &[u8]) -> Vec<u8> {
    let body = [
        &[3, 3],             // TLS 1.2
        [7; 32].as_slice(),  // random
        &[0],                // no session
        &[0, 2, 0xc0, 0x2f], // one cipher suite
        &[1, 0],             // no compression
        &sized::<2>(extensions),
    ]
    .concat();
    [&[1], sized::<3>(&body).as_slice()].concat()
}

/// Bytes behind their length, which takes so many bytes itself.
fn sized<const WIDTH: usize>(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("tests send little").to_be_bytes();
    let (above, length) = length.split_at(4 - WIDTH);
    assert!(above.iter().all(|byte| *byte == 0), "the length fits");
    [length, bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::tls::client_hello;

    #[test]
    fn what_is_not_unusual_is_the_clienthello_of_the_harness() {
        for name in [&b""[..], b"api.example.com"] {
            assert_eq!(pieces(name, &Shape::default()), [client_hello(name)]);
        }
    }

    #[test]
    fn records_and_segments_hold_the_same_message() {
        let whole = pieces(b"api.example.com", &Shape::default()).concat();
        let in_records = Shape {
            in_records: true,
            ..Shape::default()
        };
        let mut rest = pieces(b"api.example.com", &in_records).concat();
        let mut message = Vec::new();
        let mut records = 0;
        while !rest.is_empty() {
            let length = usize::from(rest[3]) << 8 | usize::from(rest[4]);
            message.extend_from_slice(&rest[5..5 + length]);
            rest.drain(..5 + length);
            records += 1;
        }
        assert!(records > 1);
        assert_eq!(message, whole[5..]);
        let in_segments = Shape {
            in_segments: true,
            ..Shape::default()
        };
        let segments = pieces(b"api.example.com", &in_segments);
        assert!(segments.len() > 1);
        assert_eq!(segments.concat(), whole);
    }
}
