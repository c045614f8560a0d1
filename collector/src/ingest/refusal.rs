//! Why a single record is refused, while the others of its batch are kept.

/// What is wrong with a record, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It is not there.
    #[error("{field} is missing")]
    Missing {
        /// Which attribute.
        field: &'static str,
    },
    /// It is of another type.
    #[error("{field}: expected {expected}")]
    Type {
        /// Which attribute.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// It is longer than anything that makes sense.
    #[error("{field}: longer than {limit} bytes")]
    TooLong {
        /// Which attribute.
        field: &'static str,
        /// How long it may be.
        limit: usize,
    },
    /// It has a NUL in it.
    #[error("{field}: a NUL character cannot be stored")]
    Nul {
        /// Which attribute.
        field: &'static str,
    },
    /// It is no value of its kind.
    #[error("{field}: {value:?} is not {expected}")]
    Value {
        /// Which attribute.
        field: &'static str,
        /// What was sent, cut.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The credential may not write it.
    #[error("this credential may not send events of {resource}")]
    Scope {
        /// Whose event it is.
        resource: String,
    },
}

impl Refusal {
    /// A value that is wrong.
    pub(super) fn value(field: &'static str, value: impl std::fmt::Display, expected: &'static str) -> Self {
        let value = value.to_string().chars().take(64).collect();
        Self::Value { field, value, expected }
    }
}

/// How many refusals are told one by one; the rest is a number.
const TOLD: usize = 5;

/// The refused records of a batch.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    count: u64,
    reasons: Vec<String>,
}

impl Refusals {
    /// The `index`th record of the batch is refused.
    pub(super) fn add(&mut self, index: usize, refusal: &Refusal) {
        self.count += 1;
        if self.reasons.len() < TOLD {
            self.reasons.push(format!("record {index}: {refusal}"));
        }
    }

    /// How many, and the first few reasons.
    pub(super) fn told(self) -> (u64, String) {
        let Self { count, reasons } = self;
        let mut told = reasons.join("; ");
        if let more @ 1.. = count - reasons.len() as u64 {
            told.push_str(&format!("; and {more} more"));
        }
        (count, told)
    }
}
