//! A ClientHello with any bytes for a server name, which no TLS library would send.

/// A ClientHello in one record, without server name if it is empty.
///
/// # Panics
/// If the name does not fit into 64 KiB.
#[must_use]
pub fn client_hello(server_name: &[u8]) -> Vec<u8> {
    let name = [&[0], sized(server_name).as_slice()].concat(); // type host_name
    let extension = [&[0, 0], sized(&sized(&name)).as_slice()].concat(); // server_name
    let extensions = if server_name.is_empty() { Vec::new() } else { extension };
    let body = [
        &[3, 3],             // TLS 1.2
        [7; 32].as_slice(),  // random
        &[0],                // no session
        &[0, 2, 0xc0, 0x2f], // one cipher suite
        &[1, 0],             // no compression
        &sized(&extensions),
    ]
    .concat();
    // A handshake message has a length of three bytes, a record one of two.
    let handshake = [&[1, 0], sized(&body).as_slice()].concat();
    [&[22, 3, 1], sized(&handshake).as_slice()].concat()
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("names are short");
    [&length.to_be_bytes(), bytes].concat()
}
