//! One HTTP/1.1 exchange, of which the head of the answer is looked at.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// More headers than any proxy sends.
const MOST_HEADERS: usize = 100;
/// A longer head is none.
const LONGEST: usize = 64 << 10;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// A response.
    Response {
        status: u16,
        /// `x-sluice-rejected-by`
        rejected_by: Option<String>,
    },
    /// Bytes that are no HTTP.
    Noise,
    /// The end, before a head was complete.
    Closed,
    /// Nothing more in time.
    Silence,
}

/// Sends a request and reads until the head of the answer is there.
pub(super) async fn ask(stream: &mut TcpStream, request: &str, patience: Duration) -> Said {
    timeout(patience, exchange(stream, request))
        .await
        .unwrap_or(Said::Silence)
}

async fn exchange(stream: &mut TcpStream, request: &str) -> Said {
    if stream.write_all(request.as_bytes()).await.is_err() {
        return Said::Closed;
    }
    let mut received = Vec::new();
    loop {
        match stream.read_buf(&mut received).await {
            Ok(0) | Err(_) => return Said::Closed,
            Ok(_) => {}
        }
        if let Some(said) = head(&received) {
            return said;
        }
    }
}

/// What a head says, once it is complete.
fn head(received: &[u8]) -> Option<Said> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(received) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if received.len() <= LONGEST => return None,
        _ => return Some(Said::Noise),
    }
    let rejected_by = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("x-sluice-rejected-by"));
    Some(Said::Response {
        status: response.code.unwrap_or_default(),
        rejected_by: rejected_by.map(|header| String::from_utf8_lossy(header.value).into_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_once_they_are_complete() {
        let whole = b"HTTP/1.1 403 Forbidden\r\nX-Sluice-Rejected-By: default_deny\r\ncontent-length: 9\r\n\r\n{";
        let end = whole.len() - 1;
        for length in 0..end {
            assert_eq!(head(&whole[..length]), None, "{length}");
        }
        let said = Said::Response {
            status: 403,
            rejected_by: Some("default_deny".to_owned()),
        };
        assert_eq!(head(whole), Some(said.clone()));
        assert_eq!(head(&whole[..end]), Some(said));
        let bare = Said::Response {
            status: 503,
            rejected_by: None,
        };
        assert_eq!(head(b"HTTP/1.1 503 x\r\n\r\n"), Some(bare));
        for noise in [
            &b"SSH-2.0-x\r\n"[..],
            &[0x15, 3, 1],
            &[b"HTTP/1.1 200 x\r\na: ", [b'x'; LONGEST].as_slice()].concat(),
        ] {
            assert_eq!(head(noise), Some(Said::Noise));
        }
    }
}
