//! Why a decision is what it is: every rule that matched, and how it fared.

use serde::Serialize;

use crate::decide::Asked;
use crate::decision::{Decision, Verdict};
use crate::policy::Policy;
use crate::record::DecisionRecord;
use crate::rule::Rule;
use crate::target::{InvalidTarget, Seen, Surroundings, Target};
use crate::timestamp::Timestamp;
use crate::words::{Effect, Scope};

/// A decision with its reasons.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation<'p> {
    /// The decision.
    #[serde(flatten)]
    pub decision: DecisionRecord<'p>,
    /// What became of the target.
    pub canonical: Canonical,
    /// The rules that matched, the winner first.
    pub matches: Vec<Match<'p>>,
}

/// A canonical target, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Canonical {
    /// The target that was decided.
    Target {
        /// Canonical host.
        host: String,
        /// Port that would be dialled.
        port: u16,
        /// Name or address.
        kind: HostKind,
    },
    /// No target.
    Invalid {
        /// `invalid_authority` or `sni_missing`.
        error: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// What kind of host a target has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HostKind {
    /// A DNS name.
    Name,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
}

/// One rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Match<'p> {
    /// Its id.
    pub rule_id: &'p str,
    /// Whose it is.
    pub scope: Scope,
    /// Allow or deny.
    pub effect: Effect,
    /// Its host pattern.
    pub host: &'p str,
    /// Whether it gave the verdict.
    pub won: bool,
    /// Why it won or lost.
    pub why: String,
}

impl Policy {
    /// Decides as [`Policy::decide`] does, and says why.
    #[must_use]
    pub fn explain<'p>(&'p self, seen: &Seen<'_>, around: &Surroundings, now: Timestamp) -> Explanation<'p> {
        let decision = self.decide(seen, around, now);
        let matches = match decision.target() {
            Some(target) => self.matches(&decision, target, now),
            None => Vec::new(),
        };
        Explanation {
            canonical: canonical(seen, around, &decision),
            decision: decision.record(),
            matches,
        }
    }

    fn matches<'p>(&'p self, decision: &Decision<'p, '_>, target: &Target<'_>, now: Timestamp) -> Vec<Match<'p>> {
        let asked = Asked::new(target, now);
        let groups = self.index().naming(self.rules(), &target.host);
        let matching = |effect| {
            self.listed(&groups, effect)
                .filter(|rule| asked.question().check(rule).is_ok())
                .collect::<Vec<_>>()
        };
        let winner = decision.verdict().rule();
        let mut first = None;
        [Effect::Deny, Effect::Allow]
            .into_iter()
            .flat_map(matching)
            .map(|rule| {
                let won = winner.is_some_and(|winner| std::ptr::eq(winner, rule)) && first.is_none();
                let ahead = *first.get_or_insert(rule);
                Match {
                    rule_id: rule.id(),
                    scope: rule.scope(),
                    effect: rule.effect(),
                    host: rule.host(),
                    won,
                    why: match (won, decision.verdict()) {
                        (true, verdict) => why_won(rule, verdict),
                        (false, Verdict::Reject(rejection)) if winner.is_none() => {
                            format!("{} rejects whatever the rules say", rejection.rejected_by())
                        }
                        (false, _) => why_lost(rule, ahead),
                    },
                }
            })
            .collect()
    }
}

fn canonical(seen: &Seen<'_>, around: &Surroundings, decision: &Decision<'_, '_>) -> Canonical {
    let target = match decision.target() {
        Some(target) => Ok(*target),
        None => Target::from_seen(seen, around.default_port),
    };
    match target {
        Ok(target) => Canonical::Target {
            host: target.host.to_string(),
            port: target.port,
            kind: match target.host {
                crate::Host::Name(_) => HostKind::Name,
                crate::Host::Ip(std::net::IpAddr::V4(_)) => HostKind::Ipv4,
                crate::Host::Ip(std::net::IpAddr::V6(_)) => HostKind::Ipv6,
            },
        },
        Err(invalid) => Canonical::Invalid {
            error: error_word(decision, invalid),
            reason: invalid.to_string(),
        },
    }
}

fn error_word(decision: &Decision<'_, '_>, invalid: InvalidTarget) -> String {
    decision
        .rejection()
        .map_or_else(|| invalid.to_string(), |rejection| rejection.rejected_by().to_owned())
}

fn why_won(rule: &Rule, verdict: &Verdict<'_>) -> String {
    match verdict {
        Verdict::Reject(_) => "deny beats allow".to_owned(),
        Verdict::Warn(_) => format!("most specific match ({}), on trial", rule.host()),
        Verdict::Allow(_) => format!("most specific match ({})", rule.host()),
    }
}

/// Names the first step of the precedence that tells two matching rules apart.
fn why_lost(rule: &Rule, ahead: &Rule) -> String {
    if rule.effect() != ahead.effect() {
        return format!("deny beats allow: {}", ahead.id());
    }
    let step = if rule.specificity() != ahead.specificity() {
        "is more specific"
    } else if rule.warn_only() != ahead.warn_only() {
        "is not warn_only"
    } else if rule.scope() != ahead.scope() {
        "is the tenant's"
    } else {
        "is listed first"
    };
    format!("{} {step}", ahead.id())
}
