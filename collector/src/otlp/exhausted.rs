//! `RESOURCE_EXHAUSTED` with `google.rpc.RetryInfo`: without it, OTLP says, nobody may try again.

use prost::Message;
use tonic::{Code, Status};

/// `google.rpc.Status`
#[derive(Clone, PartialEq, prost::Message)]
struct Details {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Duration>,
}

/// `google.protobuf.Duration`
#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Duration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// The status, and when to try again.
pub(super) fn status(retry_after_ms: u64) -> Status {
    const MESSAGE: &str = "more events wait to be stored than there is room for; send them again later";
    let delay = Duration {
        seconds: (retry_after_ms / 1_000).try_into().unwrap_or(i64::MAX),
        nanos: (retry_after_ms % 1_000 * 1_000_000).try_into().unwrap_or_default(),
    };
    let info = RetryInfo {
        retry_delay: Some(delay),
    };
    let details = Details {
        code: Code::ResourceExhausted.into(),
        message: MESSAGE.to_owned(),
        details: vec![Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
            value: info.encode_to_vec(),
        }],
    };
    Status::with_details(Code::ResourceExhausted, MESSAGE, details.encode_to_vec().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_when_to_try_again() {
        let status = status(1_500);
        assert_eq!(status.code(), Code::ResourceExhausted);
        let details = Details::decode(status.details()).unwrap();
        assert_eq!(details.code, 8);
        let info = RetryInfo::decode(details.details[0].value.as_slice()).unwrap();
        let expected = Duration {
            seconds: 1,
            nanos: 500_000_000,
        };
        assert_eq!(info.retry_delay, Some(expected));
    }
}
