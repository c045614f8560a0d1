//! The one matcher: from what was seen to a decision.
#![doc = ""]
#![doc = include_str!("../tables/precedence.md")]

use std::net::IpAddr;

use crate::address;
use crate::decision::{Decision, Nearest, Rejection, Verdict};
use crate::host::Host;
use crate::index::Groups;
use crate::policy::Policy;
use crate::rule::{Rule, Visible};
use crate::target::{Seen, Surroundings, Target};
use crate::timestamp::Timestamp;
use crate::words::{Effect, Mode, Reason, Why};

/// What a decision depends on besides the policy and what was seen. A
/// [`Timestamp`] alone makes the usual ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// The clock of whoever decides.
    pub now: Timestamp,
    /// A mode that beats the policy's: an operator's override.
    pub mode: Option<Mode>,
    /// Nobody knows which resource asks, so that the policy is the tenant's,
    /// and what its default rejects is rejected as [`Reason::NoResource`].
    pub unresolved: bool,
}

impl From<Timestamp> for Circumstances {
    fn from(now: Timestamp) -> Self {
        Self {
            now,
            mode: None,
            unresolved: false,
        }
    }
}

impl Policy {
    /// Decides what was seen, at a time or under other [`Circumstances`].
    #[must_use]
    pub fn decide<'p, 's>(
        &'p self,
        seen: &Seen<'s>,
        around: &Surroundings,
        circumstances: impl Into<Circumstances>,
    ) -> Decision<'p, 's> {
        self.decide_resolved(seen, around, &[], circumstances)
    }

    /// Decides what was seen, where the addresses that the name resolved to
    /// are known too: every one of them, because any may be connected to.
    #[must_use]
    pub fn decide_resolved<'p, 's>(
        &'p self,
        seen: &Seen<'s>,
        around: &Surroundings,
        resolved: &[IpAddr],
        circumstances: impl Into<Circumstances>,
    ) -> Decision<'p, 's> {
        let circumstances = circumstances.into();
        let target = Target::from_seen(seen, around.default_port);
        let verdict = match &target {
            Err(invalid) => Verdict::Reject(Rejection::Invalid(*invalid)),
            Ok(target) if around.own.contain(target.host, target.port) => {
                Verdict::Reject(Rejection::Reason(Reason::SelfAddress))
            }
            Ok(target) => {
                let asked = Asked::new(target, circumstances.now);
                let question = asked.question();
                let verdict = self.verdict(&question, circumstances.unresolved);
                self.check_resolved(verdict, &question, resolved)
            }
        };
        let guarded = around.guard_metadata
            && target
                .as_ref()
                .is_ok_and(|target| matches!(target.host, Host::Ip(ip) if address::is_metadata(ip)));
        let mode = circumstances.mode.unwrap_or(self.mode());
        Decision::new(target.map_err(|_| seen.raw()), verdict, mode, guarded)
    }

    fn verdict<'p>(&'p self, question: &Question<'_, '_>, unresolved: bool) -> Verdict<'p> {
        let groups = self.index().naming(self.rules(), question.host);
        if let Some(rule) = self.first_deny(&groups, question) {
            return Verdict::Reject(Rejection::Rule(rule));
        }
        match self.first_allow(&groups, question) {
            Ok(rule) if rule.warn_only() => Verdict::Warn(rule),
            Ok(rule) => Verdict::Allow(Some(rule)),
            Err(_) if self.default_effect() == Effect::Allow => Verdict::Allow(None),
            Err(_) if unresolved => Verdict::Reject(Rejection::Reason(Reason::NoResource)),
            Err(nearest) => Verdict::Reject(match self.missing() {
                Some(reason) => Rejection::Reason(reason),
                None => Rejection::Default(nearest),
            }),
        }
    }

    fn first_deny(&self, groups: &Groups, question: &Question<'_, '_>) -> Option<&Rule> {
        self.listed(groups, Effect::Deny)
            .find(|rule| question.check(rule).is_ok())
    }

    fn first_allow(&self, groups: &Groups, question: &Question<'_, '_>) -> Result<&Rule, Option<Nearest<'_>>> {
        let mut nearest: Option<Nearest<'_>> = None;
        for rule in self.listed(groups, Effect::Allow) {
            let why = match question.check(rule) {
                Ok(()) => return Ok(rule),
                Err(why) => why,
            };
            let nearer = nearest.is_none_or(|best| (rule.specificity(), why) > (best.rule.specificity(), best.why));
            if nearer {
                nearest = Some(Nearest { rule, why });
            }
        }
        Err(nearest)
    }

    /// The rules of `groups` with this effect, in the order in which they win.
    pub(crate) fn listed<'p>(&'p self, groups: &Groups, effect: Effect) -> impl Iterator<Item = &'p Rule> {
        groups
            .with(effect)
            .iter()
            .flat_map(move |&group| self.index().rules(self.rules(), group, effect))
    }

    /// What the resolved addresses add to a verdict that lets a name pass.
    fn check_resolved<'p>(
        &'p self,
        verdict: Verdict<'p>,
        question: &Question<'_, '_>,
        resolved: &[IpAddr],
    ) -> Verdict<'p> {
        // An address literal was decided as what it is.
        if matches!(verdict, Verdict::Reject(_)) || matches!(question.host, Host::Ip(_)) {
            return verdict;
        }
        for &address in resolved {
            let host = Host::Ip(address);
            let by_address = Question {
                host: &host,
                ..*question
            };
            let groups = self.index().naming(self.rules(), &host);
            if let Some(rule) = self.first_deny(&groups, &by_address) {
                return Verdict::Reject(Rejection::Rule(rule));
            }
            let expected = verdict.rule().is_some_and(|rule| rule.may_resolve_to(address));
            if address::is_private(address) && !expected {
                return Verdict::Reject(Rejection::Reason(Reason::PrivateAddress));
            }
        }
        verdict
    }
}

/// A target at a time: what every rule is asked about.
pub(crate) struct Asked<'t, 's> {
    target: &'t Target<'s>,
    visible: Option<Visible<'s>>,
    now: Timestamp,
}

impl<'t, 's> Asked<'t, 's> {
    pub(crate) fn new(target: &'t Target<'s>, now: Timestamp) -> Self {
        Self {
            target,
            visible: target.request.map(Visible::new),
            now,
        }
    }

    pub(crate) fn question(&self) -> Question<'_, 's> {
        Question {
            host: &self.target.host,
            port: self.target.port,
            request: self.visible.as_ref(),
            now: self.now,
        }
    }
}

/// The same about one host: the target's own, or an address it resolved to.
#[derive(Clone, Copy)]
pub(crate) struct Question<'q, 's> {
    host: &'q Host,
    port: u16,
    request: Option<&'q Visible<'s>>,
    now: Timestamp,
}

impl Question<'_, '_> {
    pub(crate) fn check(&self, rule: &Rule) -> Result<(), Why> {
        rule.check(self.port, self.request, self.now)
    }
}

#[cfg(test)]
mod tests;
