//! What a policy says of a destination, each part of it judged as it was seen.

use std::borrow::Cow;
use std::net::IpAddr;

use sluice_policy::{
    Action, Blocks, Bounds, Circumstances, Hidden, Mode, NearestRecord, Policy, Problems, Seen, Surroundings, Timestamp,
};

use super::destinations::{self, Destination};
use super::infrastructure::{authority, opaque};
use crate::error::Error;

/// A policy at a time.
pub(super) struct Judge<'p> {
    policy: &'p Policy,
    around: Surroundings,
    circumstances: Circumstances,
    /// For requests of which the path is not known, and of which nothing is.
    path: Option<Bounds>,
    request: Option<Bounds>,
}

/// Requests or connections of one destination that were seen alike.
#[derive(Debug)]
pub(super) struct Part<'d> {
    pub(super) method: Option<&'d str>,
    pub(super) path: Option<&'d str>,
    pub(super) seen: destinations::Seen,
    pub(super) outcome: Outcome,
}

/// What becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) action: Action,
    pub(super) rule_id: Option<String>,
    pub(super) rejected_by: Option<String>,
    pub(super) nearest: Option<NearestRecord<'static>>,
    /// Something of them that a rule looks at is not known; this is the best that may be.
    pub(super) uncertain: bool,
}

/// How much of a request is known.
#[derive(Debug, Clone, Copy)]
enum Known<'d> {
    Opaque,
    Whole(&'d str, &'d str),
    Method(&'d str),
    Nothing,
}

impl<'p> Judge<'p> {
    /// Judges at a time, by the policy's own mode or as if it had another. Any
    /// name may lead to `resolves_to`, by the configuration of the proxies.
    ///
    /// # Errors
    /// A defect: rules that were compiled do not compile a second time.
    pub(super) fn new(
        policy: &'p Policy,
        at: Timestamp,
        mode: Option<Mode>,
        resolves_to: &Blocks,
    ) -> Result<Self, Error> {
        Ok(Self {
            policy,
            around: Surroundings {
                resolves_to: resolves_to.clone(),
                // Authorities name their port, so the default does not matter.
                ..Surroundings::new(443)
            },
            circumstances: Circumstances {
                now: at,
                mode,
                unresolved: false,
                destination: None,
            },
            path: Bounds::of(policy, Hidden::Path).map_err(defect)?,
            request: Bounds::of(policy, Hidden::Request).map_err(defect)?,
        })
    }

    /// Every part of a destination, none of them empty.
    pub(super) fn parts<'d>(&self, destination: &'d Destination) -> Vec<Part<'d>> {
        let shapes = destination.shapes.iter().map(|((method, path), seen)| {
            let known = match (method.as_str(), path.as_str()) {
                ("", _) => Known::Nothing,
                (method, "") => Known::Method(method),
                (method, path) => Known::Whole(method, path),
            };
            (known, *seen)
        });
        let rest = destinations::Seen {
            count: destination.unknown(),
            last: destination.last_seen,
        };
        let others = [(Known::Opaque, destination.opaque), (Known::Nothing, rest)];
        let all = shapes.chain(others).filter(|(_, seen)| seen.count > 0);
        let part = |(known, seen): (Known<'d>, destinations::Seen)| Part {
            method: known.method(),
            path: known.path(),
            seen,
            outcome: self.outcome(destination, known),
        };
        all.map(part).collect()
    }

    /// The rule that decides all of these, if rules do: the first of them.
    pub(super) fn listed(&self, destinations: &[&Destination]) -> Option<String> {
        let mut first = None;
        if self.policy.rules().is_empty() {
            return None;
        }
        for destination in destinations {
            for part in self.parts(destination) {
                if part.outcome.uncertain {
                    return None;
                }
                let rule = part.outcome.rule_id?;
                first.get_or_insert(rule);
            }
        }
        first
    }

    /// Of one host what the policy says, of every address that it led to,
    /// because any may be where the next request goes.
    fn outcome(&self, destination: &Destination, known: Known<'_>) -> Outcome {
        let addresses = destination.addresses.first();
        let outcome = self.wherever(destination, known, addresses);
        if destination.many.is_some() && !addresses.is_empty() {
            // Which of the many led there nobody kept apart.
            return better(self.wherever(destination, known, &[]), outcome);
        }
        let uncertain = destination.addresses.has_more() && outcome.action != Action::Reject;
        Outcome {
            uncertain: outcome.uncertain || uncertain,
            ..outcome
        }
    }

    /// Of many hosts the best that the policy says of any.
    fn wherever(&self, destination: &Destination, known: Known<'_>, addresses: &[IpAddr]) -> Outcome {
        let ports = match destination.port {
            // Several; those that nearly everybody uses.
            0 => &[443, 80][..],
            ref port => std::slice::from_ref(port),
        };
        let outcomes = candidates(destination)
            .into_iter()
            .flat_map(|host| ports.iter().map(move |port| authority(&host, *port)))
            .map(|authority| self.decide(&authority, known, addresses));
        let best = outcomes.reduce(better);
        best.unwrap_or_else(|| self.decide(&destination.host, known, addresses))
    }

    fn decide(&self, authority: &str, known: Known<'_>, addresses: &[IpAddr]) -> Outcome {
        let (hidden, seen) = match known {
            Known::Opaque => (None, opaque(authority)),
            Known::Whole(method, path) => (None, request(authority, method, path)),
            Known::Method(method) => (self.path.as_ref(), request(authority, method, "/")),
            Known::Nothing => (self.request.as_ref(), opaque(authority)),
        };
        let Some(Bounds { best, worst }) = hidden else {
            return self.outcome_by(self.policy, &seen, addresses);
        };
        let (best, worst) = (
            self.outcome_by(best, &seen, addresses),
            self.outcome_by(worst, &seen, addresses),
        );
        if worst.action < best.action {
            // A trial that may apply stands before a rule that surely does.
            return Outcome {
                uncertain: true,
                ..worst
            };
        }
        let uncertain = best.action != worst.action;
        Outcome { uncertain, ..best }
    }

    fn outcome_by(&self, policy: &Policy, seen: &Seen<'_>, addresses: &[IpAddr]) -> Outcome {
        let own = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
        let record = policy
            .decide_resolved(seen, &self.around, addresses, self.circumstances)
            .record()
            .into_owned();
        Outcome {
            action: record.action,
            rule_id: own(record.rule_id),
            rejected_by: own(record.rejected_by),
            nearest: record.nearest,
            uncertain: false,
        }
    }
}

/// The better one, which is uncertain if the other is another one.
fn better(one: Outcome, other: Outcome) -> Outcome {
    let agree = one.action == other.action;
    let uncertain = one.uncertain || other.uncertain || !agree;
    let best = if other.action < one.action { other } else { one };
    Outcome { uncertain, ..best }
}

impl<'d> Known<'d> {
    fn method(self) -> Option<&'d str> {
        match self {
            Self::Whole(method, _) | Self::Method(method) => Some(method),
            Self::Opaque | Self::Nothing => None,
        }
    }

    fn path(self) -> Option<&'d str> {
        match self {
            Self::Whole(_, path) => Some(path),
            _ => None,
        }
    }
}

fn request<'s>(authority: &'s str, method: &'s str, path: &'s str) -> Seen<'s> {
    Seen::Request {
        authority: authority.as_bytes(),
        method: method.as_bytes(),
        path: Some(path.as_bytes()),
    }
}

/// The hosts to judge: of a destination that stands for many its samples, and
/// one that nobody has listed by name.
fn candidates(destination: &Destination) -> Vec<Cow<'_, str>> {
    let (Some(of), Some(samples)) = (destination.of(), &destination.many) else {
        return vec![Cow::Borrowed(&destination.host)];
    };
    let mut hosts: Vec<Cow<'_, str>> = samples.iter().map(|sample| sample.as_str().into()).collect();
    match of {
        "0.0.0.0/0" => hosts.push("192.0.2.1".into()),
        "::/0" => hosts.push("2001:db8::1".into()),
        "*" => hosts.push("any.invalid".into()),
        name => hosts.push(format!("any-other-name.{name}").into()),
    }
    hosts
}

fn defect(problems: Problems) -> Error {
    Error::Internal(problems.to_string())
}
