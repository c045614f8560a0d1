//! Reads a ClientHello out of TLS records, for its server name.

use tls_parser::{
    SNIType, TlsExtension, TlsExtensionType, TlsHandshakeType, TlsRecordType, parse_tls_extension_sni_content,
    parse_tls_extension_unknown, parse_tls_handshake_client_hello, parse_tls_raw_record,
};

/// The longest ClientHello whose lengths can all be written: every list of it at
/// its longest.
pub(super) const LONGEST_HELLO: usize = 2 + 32 + (1 + 32) + (2 + 0xffff) + (1 + 0xff) + (2 + 0xffff);

/// A handshake message's type and length.
const HEADER: usize = 4;

/// A ClientHello whose records arrive one by one.
#[derive(Debug, Default)]
pub(super) struct ClientHello {
    message: Vec<u8>,
}

impl ClientHello {
    /// Takes the whole records out of `bytes`; the server name once the ClientHello is complete.
    pub(super) fn read(&mut self, bytes: &mut Vec<u8>) -> Result<Option<Vec<u8>>, &'static str> {
        let mut used = 0;
        let complete = loop {
            let rest = &bytes[used..];
            let record = match parse_tls_raw_record(rest) {
                Ok((after, record)) => {
                    used += rest.len() - after.len();
                    record
                }
                Err(error) if error.is_incomplete() => break false,
                Err(_) => return Err("a record is longer than TLS allows"),
            };
            if record.hdr.record_type != TlsRecordType::Handshake {
                return Err("another record interrupts it");
            }
            self.message.extend_from_slice(record.data);
            if self.is_complete()? {
                break true;
            }
        };
        bytes.drain(..used);
        if !complete {
            return Ok(None);
        }
        let end = HEADER + self.length();
        server_name(&self.message[HEADER..end]).map(Some)
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        self.message.capacity()
    }

    fn is_complete(&self) -> Result<bool, &'static str> {
        match self.message.first() {
            Some(kind) if *kind != u8::from(TlsHandshakeType::ClientHello) => Err("it is another handshake message"),
            _ if self.message.len() < HEADER => Ok(false),
            _ if self.length() > LONGEST_HELLO => Err("it says that it is longer than TLS allows"),
            _ => Ok(self.message.len() >= HEADER + self.length()),
        }
    }

    fn length(&self) -> usize {
        let bytes = self.message.iter().skip(1).take(3);
        bytes.fold(0, |length, byte| length << 8 | usize::from(*byte))
    }
}

/// The server name of a ClientHello, as Envoy's TLS inspector hands it on: in
/// lower case, and empty where there is none.
fn server_name(hello: &[u8]) -> Result<Vec<u8>, &'static str> {
    let (rest, hello) = parse_tls_handshake_client_hello(hello).map_err(|_| "its fields do not fit its length")?;
    if !rest.is_empty() {
        return Err("its extensions do not fit its length");
    }
    let mut name = None;
    let mut extensions = hello.ext.unwrap_or_default();
    while !extensions.is_empty() {
        // One by one and not looked into: what else is in a ClientHello is the server's business.
        let (rest, extension) = parse_tls_extension_unknown(extensions).map_err(|_| "an extension is cut off")?;
        extensions = rest;
        if let TlsExtension::Unknown(TlsExtensionType::ServerName, data) = extension
            && name.replace(host_name(data)).is_some()
        {
            return Err("it has two server name extensions");
        }
    }
    Ok(name.unwrap_or_default().to_ascii_lowercase())
}

/// The name in a server name extension.
///
/// The list can hold several names and other kinds of them on paper. Envoy's TLS
/// library refuses such a list, and a name that is empty, longer than 255 bytes or
/// has a NUL in it. The filter then sees no name at all (seen with Envoy 1.40), so
/// that is what is replayed.
fn host_name(data: &[u8]) -> Vec<u8> {
    // The list's length, then the name's type and length.
    const FRAME: usize = 2 + 1 + 2;
    match parse_tls_extension_sni_content(data) {
        Ok(([], TlsExtension::SNI(names))) => match names.as_slice() {
            [(SNIType::HostName, name)]
                if data.len() == FRAME + name.len() && (1..=255).contains(&name.len()) && !name.contains(&0) =>
            {
                name.to_vec()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
pub(super) mod tests;
