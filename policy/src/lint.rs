//! What is legal in a policy and yet probably not meant.
//!
//! Every question of the kind "what happens to this target" is put to
//! [`Policy::decide`]; nothing here matches hosts by itself. Each rule is asked
//! about targets that it names, and is compared with at most 64 others of each
//! group of rules that name them, so that the work does not grow with the square
//! of the rules. What that leaves out is not reported, and what is reported can
//! be shown.

mod addresses;
mod apex;
mod expired;
mod hidden;
mod methods;
mod near_miss;
mod opaque;
mod suffix;
mod survey;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::PolicyDocument;
use crate::policy::Policy;
use crate::problem::{Problem, Problems};
use crate::rule::Rule;
use crate::timestamp::Timestamp;
use crate::words::{Scope, words};

use survey::Survey;

words! {
    /// How much a finding matters.
    Severity {
        /// The policy does not do what it says, and not to the safe side.
        Error = "error",
        /// Probably not meant.
        Warning = "warning",
    }
}

words! {
    /// What a finding is about.
    Kind {
        /// The document is no policy; nothing else is checked.
        Invalid = "invalid",
        /// A wildcard over names that belong to different owners.
        PublicSuffix = "public_suffix",
        /// A rule that says what another one has said.
        Duplicate = "duplicate",
        /// A rule that loses to another one wherever it matches.
        NeverDecides = "never_decides",
        /// A deny that looks at method or path, of a host that is reached without showing them.
        OpaqueDeny = "opaque_deny",
        /// An allow that looks at method or path, which `CONNECT` and TLS do not show.
        OpaqueAllow = "opaque_allow",
        /// `*.x` without `x`.
        MissingApex = "missing_apex",
        /// `x` without `*.x`.
        MissingSubdomains = "missing_subdomains",
        /// A rule whose time is over, and what its end opened or closed.
        Expired = "expired",
        /// A host that differs from another one as a slip or a forgery does.
        NearMiss = "near_miss",
        /// An allow of addresses at which clouds hand out credentials.
        Metadata = "metadata",
        /// An allow of the proxy's own loopback addresses, which are no destination.
        OwnAddress = "own_address",
        /// A method that differs from a registered one in case only.
        MethodCase = "method_case",
        /// `resolves_to` that lets a name resolve to metadata or loopback addresses.
        ResolvesTo = "resolves_to",
    }
}

/// One thing that is probably not meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule; `None` where the policy as a whole is meant.
    pub rule: Option<String>,
    /// Whose rule it is, where tenant and resource policy were looked at together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub kind: Kind,
    /// What, where, and what would be right.
    pub message: String,
    /// The other rule that it takes.
    pub related: Option<String>,
    /// Whose that rule is, where tenant and resource policy were looked at together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_scope: Option<Scope>,
}

/// `error: rule gh: message (public_suffix)`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.severity)?;
        match &self.rule {
            Some(rule) => write!(f, "rule {rule}: ")?,
            None => f.write_str("policy: ")?,
        }
        write!(f, "{} ({})", self.message, self.kind)
    }
}

/// A policy that cannot be loaded has its problems as findings.
impl From<&Problem> for Finding {
    fn from(problem: &Problem) -> Self {
        let whole = Problem {
            at: None,
            rule: None,
            ..problem.clone()
        };
        let message = whole.to_string();
        Self {
            rule: problem.rule.clone(),
            scope: None,
            severity: Severity::Error,
            kind: Kind::Invalid,
            message: message.strip_prefix("policy: ").unwrap_or(&message).to_owned(),
            related: None,
            related_scope: None,
        }
    }
}

/// Looks at one document, as it decides at the time `now`.
#[must_use]
pub fn lint(document: &PolicyDocument, now: Timestamp) -> Vec<Finding> {
    findings(Policy::compile(document), now)
}

/// Looks at a tenant's and a resource's policy as the one that they make together.
#[must_use]
pub fn lint_merged(tenant: Option<&PolicyDocument>, resource: Option<&PolicyDocument>, now: Timestamp) -> Vec<Finding> {
    findings(Policy::merge(tenant, resource), now)
}

fn findings(policy: Result<Policy, Problems>, now: Timestamp) -> Vec<Finding> {
    match policy {
        Ok(policy) => lint_policy(&policy, now),
        Err(problems) => problems.as_slice().iter().map(Finding::from).collect(),
    }
}

/// Looks at a compiled policy. Findings come in the order of its rules.
#[must_use]
pub fn lint_policy(policy: &Policy, now: Timestamp) -> Vec<Finding> {
    let survey = Survey::new(policy, now);
    let mut report = Report::new(policy);
    suffix::check(&survey, &mut report);
    hidden::check(&survey, &mut report);
    opaque::check(&survey, &mut report);
    apex::check(&survey, &mut report);
    expired::check(&survey, &mut report);
    near_miss::check(&survey, &mut report);
    addresses::check(&survey, &mut report);
    methods::check(&survey, &mut report);
    report.finish()
}

/// Findings in the making, each with the number of its rule.
struct Report<'p> {
    rules: &'p [Rule],
    /// Whether rules come from both scopes, so that ids alone may be ambiguous.
    both: bool,
    found: Vec<(u32, Finding)>,
}

impl<'p> Report<'p> {
    fn new(policy: &'p Policy) -> Self {
        let rules = policy.rules();
        let scope = rules.first().map(Rule::scope);
        Self {
            rules,
            both: rules.iter().any(|rule| Some(rule.scope()) != scope),
            found: Vec::new(),
        }
    }

    fn error(&mut self, rule: u32, kind: Kind, related: Option<&Rule>, message: String) {
        self.add(rule, Severity::Error, kind, related, message);
    }

    fn warning(&mut self, rule: u32, kind: Kind, related: Option<&Rule>, message: String) {
        self.add(rule, Severity::Warning, kind, related, message);
    }

    fn add(&mut self, number: u32, severity: Severity, kind: Kind, related: Option<&Rule>, message: String) {
        let rule = self.rules.get(number as usize);
        let id = |rule: &Rule| rule.id().to_owned();
        let scope = |rule: Option<&Rule>| rule.map(Rule::scope).filter(|_| self.both);
        let finding = Finding {
            rule: rule.map(id),
            scope: scope(rule),
            severity,
            kind,
            message,
            related: related.map(id),
            related_scope: scope(related),
        };
        self.found.push((number, finding));
    }

    fn finish(mut self) -> Vec<Finding> {
        self.found.sort_by_key(|(number, _)| *number);
        self.found.into_iter().map(|(_, finding)| finding).collect()
    }
}

#[cfg(test)]
mod tests;
