//! The one matcher: from what was seen to a decision.
#![doc = ""]
#![doc = include_str!("../tables/precedence.md")]

use std::net::{IpAddr, SocketAddr};

use crate::address;
use crate::decision::{Decision, Nearest, Rejection, Verdict};
use crate::host::Host;
use crate::index::Groups;
use crate::policy::Policy;
use crate::rule::{Rule, Visible};
use crate::target::{InvalidTarget, Seen, Surroundings, Target};
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
    /// Where the client dialled, where its bytes would go there (`ORIGINAL_DST`);
    /// nothing where the proxy finds the address itself. Its port is the port of
    /// the target, its address is what the name resolved to, and what has no
    /// usable name is decided by it.
    pub destination: Option<SocketAddr>,
}

impl From<Timestamp> for Circumstances {
    fn from(now: Timestamp) -> Self {
        Self {
            now,
            mode: None,
            unresolved: false,
            destination: None,
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
        let (target, verdict) = self.judge(seen, around, resolved, &circumstances);
        let guarded = around.guard_metadata
            && target
                .as_ref()
                .is_ok_and(|target| matches!(target.host, Host::Ip(ip) if address::is_metadata(ip)));
        let mode = circumstances.mode.unwrap_or(self.mode());
        Decision::new(target, verdict, mode, guarded)
    }

    /// The target, or the bytes that are none, and the verdict on it.
    fn judge<'p, 's>(
        &'p self,
        seen: &Seen<'s>,
        around: &Surroundings,
        resolved: &[IpAddr],
        circumstances: &Circumstances,
    ) -> (Result<Target<'s>, &'s [u8]>, Verdict<'p>) {
        let destination = circumstances.destination;
        let default_port = destination.map_or(around.default_port, |dialled| dialled.port());
        let elsewhere = |target: &Target<'_>| destination.is_some_and(|dialled| dialled.port() != target.port);
        let target = match Target::from_seen(seen, default_port) {
            Ok(target) if elsewhere(&target) => Err(InvalidTarget::PortElsewhere),
            other => other,
        };
        match target {
            Ok(target) => {
                let asked = Asked::new(&target, circumstances.now);
                let question = asked.question();
                let verdict = if around.own.contain(target.host, target.port) {
                    Verdict::Reject(Rejection::Reason(Reason::SelfAddress))
                } else {
                    let verdict = self.verdict(&question, circumstances.unresolved);
                    let verdict = self.check_names(verdict, seen, &question);
                    let dialled = destination.map(|dialled| dialled.ip());
                    self.check_resolved(verdict, &question, around, resolved.iter().copied().chain(dialled))
                };
                (Ok(target), verdict)
            }
            Err(invalid) => self.judge_address(invalid, seen, around, circumstances),
        }
    }

    /// What names nothing that a rule could be about, but was dialled at an
    /// address that one could: rules about the address and its port decide,
    /// and if none does, it is rejected for what is wrong with the name.
    fn judge_address<'p, 's>(
        &'p self,
        invalid: InvalidTarget,
        seen: &Seen<'s>,
        around: &Surroundings,
        circumstances: &Circumstances,
    ) -> (Result<Target<'s>, &'s [u8]>, Verdict<'p>) {
        let rejected = Verdict::Reject(Rejection::Invalid(invalid));
        let (Seen::Connection { .. }, Some(dialled)) = (seen, circumstances.destination) else {
            return (Err(seen.raw()), rejected);
        };
        let target = Target::opaque(Host::Ip(dialled.ip()), dialled.port());
        if around.own.contain(target.host, target.port) {
            return (Ok(target), Verdict::Reject(Rejection::Reason(Reason::SelfAddress)));
        }
        let asked = Asked::new(&target, circumstances.now);
        let verdict = self.verdict(&asked.question(), circumstances.unresolved);
        match verdict {
            _ if verdict.rule().is_some() => (Ok(target), verdict),
            // Without a name the address is all there is, and what an operator would list.
            _ if invalid == InvalidTarget::ServerNameMissing => (Ok(target), rejected),
            _ => (Err(seen.raw()), rejected),
        }
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

    /// What a second name adds to a verdict that lets the first one pass: the
    /// server name of a connection, beside the authority of what is inside it
    /// or around it.
    fn check_names<'p>(&'p self, verdict: Verdict<'p>, seen: &Seen<'_>, question: &Question<'_, '_>) -> Verdict<'p> {
        if matches!(verdict, Verdict::Reject(_)) {
            return verdict;
        }
        let reason = match *seen {
            Seen::Terminated { server_name, .. } => self.mismatch(server_name, question),
            Seen::Inside { server_name, .. } => mismatch_inside(server_name, question),
            Seen::Request { .. } | Seen::Connection { .. } | Seen::Address { .. } => None,
        };
        reason.map_or(verdict, |reason| Verdict::Reject(Rejection::Reason(reason)))
    }

    /// A connection may be used for a second host (coalescing, RFC 9113
    /// §9.1.1) where its own is allowed as well. Without a server name it is
    /// the authority alone that says where to go.
    fn mismatch(&self, server_name: &[u8], question: &Question<'_, '_>) -> Option<Reason> {
        if server_name.is_empty() {
            return None;
        }
        let Ok(named) = Host::parse(server_name) else {
            return Some(Reason::SniMismatch);
        };
        if named == *question.host {
            return None;
        }
        let alone = Question {
            host: &named,
            request: None,
            ..*question
        };
        match self.verdict(&alone, false) {
            Verdict::Allow(_) | Verdict::Warn(_) => None,
            Verdict::Reject(_) => Some(Reason::SniMismatch),
        }
    }

    /// What the resolved addresses add to a verdict that lets a name pass.
    fn check_resolved<'p>(
        &'p self,
        verdict: Verdict<'p>,
        question: &Question<'_, '_>,
        around: &Surroundings,
        resolved: impl Iterator<Item = IpAddr>,
    ) -> Verdict<'p> {
        // An address literal was decided as what it is.
        if matches!(verdict, Verdict::Reject(_)) || matches!(question.host, Host::Ip(_)) {
            return verdict;
        }
        for address in resolved {
            let host = Host::Ip(address);
            if around.own.list(host, question.port) {
                return Verdict::Reject(Rejection::Reason(Reason::SelfAddress));
            }
            let by_address = Question {
                host: &host,
                ..*question
            };
            let groups = self.index().naming(self.rules(), &host);
            if let Some(rule) = self.first_deny(&groups, &by_address) {
                return Verdict::Reject(Rejection::Rule(rule));
            }
            let expected =
                around.resolves_to.contain(address) || verdict.rule().is_some_and(|rule| rule.may_resolve_to(address));
            if address::is_private(address) && !expected {
                return Verdict::Reject(Rejection::Reason(Reason::PrivateAddress));
            }
        }
        verdict
    }
}

/// The port on which a tunnel is for TLS and nothing else.
const TLS_PORT: u16 = 443;

/// A tunnel to a name carries a ClientHello with that name; at an address it was
/// the address that was allowed, whoever answers there. Other bytes than TLS pass
/// on ports other than that of HTTPS: they go where the tunnel was decided to go.
fn mismatch_inside(server_name: Option<&[u8]>, question: &Question<'_, '_>) -> Option<Reason> {
    match (question.host, server_name) {
        (_, None) => (question.port == TLS_PORT).then_some(Reason::SniMissing),
        (Host::Ip(_), Some(_)) => None,
        (Host::Name(_), Some([])) => Some(Reason::SniMissing),
        (host, Some(name)) => (Host::parse(name) != Ok(*host)).then_some(Reason::SniMismatch),
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
