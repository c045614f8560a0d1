//! What an answer of the collector means.

/// What to do with a batch that was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Send it again later: nothing is wrong with it.
    Later,
    /// Send it again later, and tell people: the credential is not accepted.
    Denied,
    /// Something in it is not accepted, or so it says.
    Refused,
}

impl Answer {
    /// The meaning of a gRPC status code other than 0 (OTLP specification
    /// 1.x, "Failures"). `RESOURCE_EXHAUSTED` is retried with or without a
    /// `RetryInfo`, which the proxy does not hand over.
    pub(crate) const fn of_code(code: u32) -> Self {
        match code {
            // CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED,
            // OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS
            1 | 4 | 8 | 10 | 11 | 14 | 15 => Self::Later,
            // PERMISSION_DENIED, UNAUTHENTICATED
            7 | 16 => Self::Denied,
            _ => Self::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_meaning() {
        let of = |answer| {
            (1..=20)
                .filter(|&code| Answer::of_code(code) == answer)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(Answer::Later), [1, 4, 8, 10, 11, 14, 15]);
        assert_eq!(of(Answer::Denied), [7, 16]);
        assert_eq!(of(Answer::Refused).len(), 11);
    }
}
