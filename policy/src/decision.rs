//! What was decided: a verdict, and what the mode makes of it.

use std::borrow::Cow;

use crate::record::DecisionRecord;
use crate::rule::Rule;
use crate::target::{InvalidTarget, Target};
use crate::words::{Action, Mode, Reason, Scope, Why};

/// What `enforce` would do. Only this crate makes one.
#[derive(Debug, Clone, Copy)]
pub enum Verdict<'p> {
    /// It may go out: by this rule, or because nothing matched and the default is to allow.
    Allow(Option<&'p Rule>),
    /// It may go out on trial.
    Warn(&'p Rule),
    /// It may not.
    Reject(Rejection<'p>),
}

/// Who or what rejects.
#[derive(Debug, Clone, Copy)]
pub enum Rejection<'p> {
    /// A deny rule.
    Rule(&'p Rule),
    /// No rule allows it; perhaps one nearly did.
    Default(Option<Nearest<'p>>),
    /// What was seen is no target.
    Invalid(InvalidTarget),
    /// A reason outside the rules.
    Reason(Reason),
}

/// The rule that named the host and yet did not match.
#[derive(Debug, Clone, Copy)]
pub struct Nearest<'p> {
    /// The rule.
    pub rule: &'p Rule,
    /// What kept it from matching.
    pub why: Why,
}

impl<'p> Verdict<'p> {
    /// The rule that gave the verdict, if one did.
    #[must_use]
    pub fn rule(&self) -> Option<&'p Rule> {
        match *self {
            Self::Allow(rule) => rule,
            Self::Warn(rule) | Self::Reject(Rejection::Rule(rule)) => Some(rule),
            Self::Reject(_) => None,
        }
    }
}

impl<'p> Rejection<'p> {
    /// `rejected_by`: the id of a rule, or a [`Reason`].
    #[must_use]
    pub fn rejected_by(&self) -> &'p str {
        match *self {
            Self::Rule(rule) => rule.id(),
            Self::Default(_) => Reason::DefaultDeny.as_str(),
            Self::Invalid(InvalidTarget::ServerNameMissing) => Reason::SniMissing.as_str(),
            Self::Invalid(_) => Reason::InvalidAuthority.as_str(),
            Self::Reason(reason) => reason.as_str(),
        }
    }
}

/// One decision, in the form that an event carries: where it was going, the
/// verdict, and what was done.
#[derive(Debug, Clone)]
pub struct Decision<'p, 's> {
    pub(crate) target: Result<Target<'s>, &'s [u8]>,
    pub(crate) verdict: Verdict<'p>,
    pub(crate) mode: Mode,
    pub(crate) action: Action,
}

impl<'p, 's> Decision<'p, 's> {
    pub(crate) fn new(target: Result<Target<'s>, &'s [u8]>, verdict: Verdict<'p>, mode: Mode, guarded: bool) -> Self {
        let action = match &verdict {
            Verdict::Allow(_) => Action::Allow,
            Verdict::Warn(_) => Action::Warn,
            // The proxy itself is no destination in any mode.
            Verdict::Reject(Rejection::Reason(Reason::SelfAddress)) => Action::Reject,
            Verdict::Reject(_) if mode == Mode::Enforce || guarded => Action::Reject,
            Verdict::Reject(_) => Action::Allow,
        };
        Self {
            target,
            verdict,
            mode,
            action,
        }
    }

    /// The canonical target; `None` if what was seen is none.
    #[must_use]
    pub fn target(&self) -> Option<&Target<'s>> {
        self.target.as_ref().ok()
    }

    /// What `enforce` would do.
    #[must_use]
    pub fn verdict(&self) -> &Verdict<'p> {
        &self.verdict
    }

    /// The mode in force.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What is to be done: the verdict, except that `audit_only` turns reject into allow.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// Whether the verdict is reject, in every mode.
    #[must_use]
    pub fn would_reject(&self) -> bool {
        matches!(self.verdict, Verdict::Reject(_))
    }

    /// Who rejects, if the verdict is reject.
    #[must_use]
    pub fn rejection(&self) -> Option<&Rejection<'p>> {
        match &self.verdict {
            Verdict::Reject(rejection) => Some(rejection),
            _ => None,
        }
    }

    /// The decision in words, free of borrows from the policy's lifetime.
    #[must_use]
    pub fn record(&self) -> DecisionRecord<'p> {
        DecisionRecord::of(self)
    }

    /// Whose rule gave the verdict.
    #[must_use]
    pub fn rule_scope(&self) -> Option<Scope> {
        self.verdict.rule().map(Rule::scope)
    }

    pub(crate) fn rule_id(&self) -> Option<Cow<'p, str>> {
        self.verdict.rule().map(|rule| Cow::Borrowed(rule.id()))
    }
}
