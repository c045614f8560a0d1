//! Hosts of the tenant's own that nobody has to think about.

use sluice_policy::{Effect, Mode, Policy, PolicyDocument, RuleDocument, Seen, Surroundings, Timestamp};

use crate::error::Error;

/// Host patterns of the tenant's infrastructure, ready for look-up: a policy of
/// rules, so that they match as rules do.
#[derive(Debug)]
pub struct Infrastructure(Policy);

impl Infrastructure {
    /// Compiles host patterns as rules have them.
    ///
    /// # Errors
    /// [`Error::Validation`] that names every pattern that is none.
    pub fn new(patterns: &[String]) -> Result<Self, Error> {
        let rule = |(at, pattern): (usize, &String)| {
            RuleDocument::new(format!("infrastructure.{at}"), Effect::Deny, pattern.as_str())
        };
        let policy = Policy::compile(&PolicyDocument {
            mode: Some(Mode::Enforce),
            default_effect: Some(Effect::Allow),
            rules: patterns.iter().enumerate().map(rule).collect(),
        });
        policy.map(Self).map_err(|problems| Error::policy(&problems))
    }

    /// Whether a pattern names the host.
    pub(super) fn contains(&self, host: &str) -> bool {
        if self.0.rules().is_empty() {
            return false;
        }
        let authority = authority(host, 443);
        let decision = self
            .0
            .decide(&opaque(&authority), &Surroundings::new(443), Timestamp::from_micros(0));
        decision.verdict().rule().is_some()
    }
}

/// Host and port as a client would write them.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// A connection whose inside is not visible.
pub(super) fn opaque(authority: &str) -> Seen<'_> {
    Seen::Request {
        authority: authority.as_bytes(),
        method: b"CONNECT",
        path: None,
    }
}
