//! ClientHellos.

/// A ClientHello in one record, with this server name or none.
pub(crate) fn hello(name: Option<&str>) -> Vec<u8> {
    hello_with(name, 0, 16_384)
}

/// A ClientHello with this much padding, in records of at most `most` bytes.
pub(crate) fn hello_with(name: Option<&str>, padding: usize, most: usize) -> Vec<u8> {
    let mut extensions = Vec::new();
    if padding > 0 {
        extensions.extend(extension(21, &vec![0; padding]));
    }
    if let Some(name) = name {
        let name = [&[0][..], &length(name.len()), name.as_bytes()].concat();
        extensions.extend(extension(0, &[length(name.len()).as_slice(), &name].concat()));
    }
    let mut hello = vec![0x03, 0x03];
    hello.extend([5; 32]);
    hello.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    hello.extend(length(extensions.len()));
    hello.extend(extensions);
    let size = u32::try_from(hello.len()).unwrap().to_be_bytes();
    let message = [&[1][..], &size[1..], &hello].concat();
    let record = |part: &[u8]| [&[0x16, 3, 1][..], &length(part.len()), part].concat();
    message.chunks(most).flat_map(record).collect()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [kind.to_be_bytes().as_slice(), &length(data.len()), data].concat()
}

fn length(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap().to_be_bytes()
}
