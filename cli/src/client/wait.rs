//! How long to wait before a call is made again.

use std::time::Duration;

use ureq::http::HeaderMap;
use ureq::http::header::RETRY_AFTER;

use super::ApiError;

/// Nobody waits longer at a terminal.
const LONGEST: Duration = Duration::from_secs(30);
/// Where the collector does not say.
const USUAL: Duration = Duration::from_secs(1);

/// How long to wait, if the collector says that the same call may work later.
/// Nothing was changed by a call that it refuses so.
pub(super) fn before_again(error: &ApiError, headers: &HeaderMap) -> Option<Duration> {
    let later = error.status == 429 || (error.status == 503 && error.retryable);
    let of_header = || {
        let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
        Some(Duration::from_secs(seconds))
    };
    let wait = error.retry_after_ms.map(Duration::from_millis).or_else(of_header);
    later.then(|| wait.unwrap_or(USUAL).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, retryable: bool, retry_after_ms: Option<u64>) -> ApiError {
        ApiError {
            status,
            retryable,
            retry_after_ms,
            ..ApiError::default()
        }
    }

    #[test]
    fn waits_as_long_as_it_is_asked_to() {
        let mut headers = HeaderMap::new();
        let millis = Duration::from_millis;
        assert_eq!(before_again(&error(429, false, Some(20)), &headers), Some(millis(20)));
        assert_eq!(before_again(&error(429, true, None), &headers), Some(USUAL));
        assert_eq!(before_again(&error(429, true, Some(u64::MAX)), &headers), Some(LONGEST));
        assert_eq!(before_again(&error(503, true, Some(20)), &headers), Some(millis(20)));
        for status in [409, 422, 500] {
            assert_eq!(before_again(&error(status, true, Some(20)), &headers), None, "{status}");
        }
        assert_eq!(before_again(&error(503, false, None), &headers), None);
        headers.insert(RETRY_AFTER, "3".parse().unwrap());
        assert_eq!(before_again(&error(429, true, None), &headers), Some(millis(3_000)));
        assert_eq!(before_again(&error(429, true, Some(20)), &headers), Some(millis(20)));
    }
}
