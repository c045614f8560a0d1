//! What becomes of a request.

use sluice_policy::{DecisionRecord, Reason, Scope};

use crate::model::Nearest;

/// What `enforce` would do with the next request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// In a word.
    pub word: Word,
    /// The rule that says so.
    pub rule_id: Option<String>,
    /// Whether that is the tenant's.
    pub of_tenant: bool,
    /// The rule or the reason that rejects.
    pub rejected_by: Option<String>,
    /// The rule that named the host and did not match: its id, and why.
    pub nearest: Option<(String, String)>,
    /// Something of it that a rule looks at is not known; this is the best that may be.
    pub is_uncertain: bool,
}

/// The verdicts, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// It passes.
    Allow,
    /// It passes on trial.
    Warn,
    /// It does not pass.
    Reject,
}

impl Word {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Reject => "reject",
        }
    }
}

impl Outcome {
    pub(super) fn of(record: &DecisionRecord<'_>) -> Self {
        let own = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
        let rejected_by = own(&record.rejected_by);
        // Proxies may have been told of private blocks that names lead to; the console was not.
        let is_uncertain = rejected_by.as_deref() == Some(Reason::PrivateAddress.as_str());
        Self {
            word: match record.action {
                sluice_policy::Action::Allow => Word::Allow,
                sluice_policy::Action::Warn => Word::Warn,
                sluice_policy::Action::Reject => Word::Reject,
            },
            rule_id: own(&record.rule_id),
            of_tenant: record.rule_scope == Some(Scope::Tenant),
            rejected_by,
            nearest: record
                .nearest
                .as_ref()
                .map(|nearest| (nearest.rule_id.clone().into_owned(), nearest.why.to_string())),
            is_uncertain,
        }
    }

    /// Whether `enforce` would let it pass.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.word != Word::Reject
    }

    /// What is done with it in a mode: the action, and whether it would be rejected.
    #[must_use]
    pub fn in_mode(&self, mode: sluice_policy::Mode) -> (&'static str, bool) {
        let is_self = self.rejected_by.as_deref() == Some(Reason::SelfAddress.as_str());
        match (self.word, mode) {
            (Word::Reject, sluice_policy::Mode::AuditOnly) if !is_self => ("allow", true),
            (Word::Reject, _) => ("reject", true),
            (word, _) => (word.as_str(), false),
        }
    }

    /// The rule that nearly matched, as the API writes it.
    #[must_use]
    pub fn nearest(&self) -> Option<Nearest> {
        let (rule_id, why) = self.nearest.clone()?;
        Some(Nearest { rule_id, why })
    }

    /// The better one, which is uncertain if the other is another one.
    pub(super) fn better(self, other: Self) -> Self {
        let is_uncertain = self.is_uncertain || other.is_uncertain || self.word != other.word;
        let best = if other.word < self.word { other } else { self };
        Self { is_uncertain, ..best }
    }
}
