//! `RESOURCE_EXHAUSTED` with `google.rpc.RetryInfo`: without it, OTLP says, nobody may try again.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The status, and when to try again.
pub(super) fn status(retry_after_ms: u64) -> Status {
    const MESSAGE: &str = "more events wait to be stored than there is room for; send them again later";
    let details = ErrorDetails::with_retry_info(Some(Duration::from_millis(retry_after_ms)));
    Status::with_error_details(Code::ResourceExhausted, MESSAGE, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_when_to_try_again() {
        let status = status(1_500);
        assert_eq!(status.code(), Code::ResourceExhausted);
        let info = status.get_details_retry_info();
        assert_eq!(
            info.and_then(|info| info.retry_delay),
            Some(Duration::from_millis(1_500))
        );
    }
}
