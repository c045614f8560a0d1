//! One question to a resolver, and what counts as its answer.

use std::io;

use hickory_proto::op::{Message, MessageType, Query as Question};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is asked for: a name that is everybody's, and says nothing about who asks.
pub(super) const NAME: &str = "example.com";

/// A question, as it goes out.
#[derive(Debug)]
pub(super) struct Query {
    id: u16,
    pub(super) bytes: Vec<u8>,
}

impl Query {
    pub(super) fn new(name: &str, record: RecordType) -> Self {
        let mut message = Message::query();
        message.metadata.recursion_desired = true;
        // The names that are asked for here are names.
        let name = Name::from_ascii(name).unwrap_or_default();
        message.add_query(Question::query(name, record));
        Self {
            id: message.metadata.id,
            bytes: message.to_vec().unwrap_or_default(),
        }
    }

    /// The answer in these bytes, whatever it says, if they are one to this question.
    pub(super) fn answer(&self, bytes: &[u8]) -> Option<Message> {
        let answer = Message::from_vec(bytes).ok()?;
        let ours = answer.metadata.id == self.id && answer.metadata.message_type == MessageType::Response;
        ours.then_some(answer)
    }
}

/// Over TCP messages have their length before them.
pub(super) async fn exchange(stream: &mut TcpStream, query: &Query) -> io::Result<Vec<u8>> {
    let length = u16::try_from(query.bytes.len()).map_err(io::Error::other)?;
    stream
        .write_all(&[&length.to_be_bytes(), query.bytes.as_slice()].concat())
        .await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; length.into()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{OpCode, ResponseCode};

    use super::*;

    #[test]
    fn answers_are_told_from_other_bytes() {
        let query = Query::new(NAME, RecordType::A);
        let sent = Message::from_vec(&query.bytes).unwrap();
        assert_eq!(sent.queries[0].name.to_string(), "example.com.");
        let refused = |id| {
            let mut answer = Message::response(id, OpCode::Query);
            answer.metadata.response_code = ResponseCode::Refused;
            answer.to_vec().unwrap()
        };
        assert!(query.answer(&refused(query.id)).is_some());
        assert!(query.answer(&refused(query.id.wrapping_add(1))).is_none());
        assert!(query.answer(&query.bytes).is_none(), "it comes back as it went");
        assert!(query.answer(b"nonsense").is_none());
    }
}
