//! What a policy says of a recorded destination, each part of it judged as it was seen.

use std::borrow::Cow;
use std::net::IpAddr;

use sluice_policy::{
    Blocks, Bounds, Circumstances, Hidden, Mode, Policy, PolicyDocument, Problems, Seen, Surroundings, Timestamp,
};

use super::Matched;
use super::outcome::Outcome;
use crate::model::Destination;

/// A policy at a time.
#[derive(Debug)]
pub(super) struct Judge {
    policy: Policy,
    around: Surroundings,
    circumstances: Circumstances,
    /// For requests of which the path is not known, and of which nothing is.
    path: Option<Bounds>,
    request: Option<Bounds>,
}

/// How much of a request is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known<'d> {
    /// It was opaque, which is all there is to know.
    Opaque,
    /// Method and path.
    Whole(&'d str, &'d str),
    /// The method alone.
    Method(&'d str),
    /// Not even whether it was opaque.
    Nothing,
}

/// Every part of a destination, none of them empty, and how many requests it is.
pub(super) fn parts(destination: &Destination) -> Vec<(Known<'_>, u64)> {
    let in_clear = destination.seen.iter().map(|seen| {
        let known = match (seen.method.as_deref(), seen.path.as_deref()) {
            (Some(method), Some(path)) => Known::Whole(method, path),
            (Some(method), None) => Known::Method(method),
            (None, _) => Known::Nothing,
        };
        (known, seen.count)
    });
    let mut parts: Vec<_> = in_clear.chain([(Known::Opaque, destination.opaque)]).collect();
    let told = parts.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    // The API tells the most frequent only.
    parts.push((Known::Nothing, destination.requests.saturating_sub(told)));
    parts.retain(|(_, count)| *count > 0);
    parts
}

impl Known<'_> {
    /// What people read of it.
    pub(super) fn example(self) -> Option<String> {
        match self {
            Self::Whole(method, path) => Some(format!("{method} {path}")),
            Self::Method(method) => Some(method.to_owned()),
            Self::Opaque | Self::Nothing => None,
        }
    }
}

impl Judge {
    /// Judges by the merged policy at a time, as if it were enforced.
    pub(super) fn new(
        tenant: Option<&PolicyDocument>,
        resource: Option<&PolicyDocument>,
        now: Timestamp,
    ) -> Result<Self, Problems> {
        let policy = Policy::merge(tenant, resource)?;
        Ok(Self {
            // Authorities name their port, so the default does not matter.
            around: Surroundings::new(443),
            circumstances: Circumstances {
                mode: Some(Mode::Enforce),
                ..now.into()
            },
            path: Bounds::of(&policy, Hidden::Path)?,
            request: Bounds::of(&policy, Hidden::Request)?,
            policy,
        })
    }

    /// Of one host what the policy says, of every address that it led to, because any may be where the next request goes.
    pub(super) fn outcome(&self, destination: &Destination, known: Known<'_>) -> Outcome {
        let addresses: Vec<IpAddr> = destination
            .addresses
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect();
        let outcome = self.wherever(destination, known, &addresses);
        if destination.many && !addresses.is_empty() {
            // Which of the many led there nobody kept apart.
            return self.wherever(destination, known, &[]).better(outcome);
        }
        let is_uncertain = outcome.is_uncertain || (destination.more_addresses && outcome.passes());
        Outcome {
            is_uncertain,
            ..outcome
        }
    }

    /// Whether the only rule of the policy matches.
    pub(super) fn matches(&self, destination: &Destination, known: Known<'_>) -> Matched {
        let anywhere = Blocks::parse(["0.0.0.0/0", "::/0"]).unwrap_or_default();
        let around = Surroundings {
            resolves_to: anywhere,
            ..self.around.clone()
        };
        let addresses: Vec<IpAddr> = destination
            .addresses
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect();
        let mut found = None;
        for authority in authorities(destination) {
            let matched = match self.seen(&authority, known) {
                (None, seen) => self.is_rule(&self.policy, &seen, &around, &addresses).into(),
                (Some(Bounds { best, worst }), seen) => {
                    let either = [best, worst].map(|policy| self.is_rule(policy, &seen, &around, &addresses));
                    match either {
                        [false, false] => Matched::No,
                        _ => Matched::Perhaps,
                    }
                }
            };
            found = match found {
                Some(before) if before != matched => Some(Matched::Perhaps),
                _ => Some(matched),
            };
        }
        found.unwrap_or(Matched::No)
    }

    fn is_rule(&self, policy: &Policy, seen: &Seen<'_>, around: &Surroundings, addresses: &[IpAddr]) -> bool {
        let decision = policy.decide_resolved(seen, around, addresses, self.circumstances);
        decision.verdict().rule().is_some()
    }

    /// Of many hosts the best that the policy says of any.
    fn wherever(&self, destination: &Destination, known: Known<'_>, addresses: &[IpAddr]) -> Outcome {
        let outcomes = authorities(destination)
            .into_iter()
            .map(|authority| self.decide(&authority, known, addresses));
        let best = outcomes.reduce(Outcome::better);
        best.unwrap_or_else(|| self.decide(&destination.host, known, addresses))
    }

    fn decide(&self, authority: &str, known: Known<'_>, addresses: &[IpAddr]) -> Outcome {
        match self.seen(authority, known) {
            (None, seen) => self.by(&self.policy, &seen, addresses),
            (Some(Bounds { best, worst }), seen) => {
                let (best, worst) = (self.by(best, &seen, addresses), self.by(worst, &seen, addresses));
                if worst.word < best.word {
                    // A trial that may apply stands before a rule that surely does.
                    return Outcome {
                        is_uncertain: true,
                        ..worst
                    };
                }
                best.better(worst)
            }
        }
    }

    /// The form in which it is decided, and by what if something is hidden.
    fn seen<'s>(&self, authority: &'s str, known: Known<'s>) -> (Option<&Bounds>, Seen<'s>) {
        let request = |method: &'s str, path: &'s str| Seen::Request {
            authority: authority.as_bytes(),
            method: method.as_bytes(),
            path: Some(path.as_bytes()),
        };
        let opaque = Seen::Request {
            authority: authority.as_bytes(),
            method: b"CONNECT",
            path: None,
        };
        match known {
            Known::Opaque => (None, opaque),
            Known::Whole(method, path) => (None, request(method, path)),
            Known::Method(method) => (self.path.as_ref(), request(method, "/")),
            Known::Nothing => (self.request.as_ref(), opaque),
        }
    }

    fn by(&self, policy: &Policy, seen: &Seen<'_>, addresses: &[IpAddr]) -> Outcome {
        let decision = policy.decide_resolved(seen, &self.around, addresses, self.circumstances);
        Outcome::of(&decision.record())
    }
}

impl From<bool> for Matched {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

/// What to judge: host and port as a client would write them. Of a destination that stands for many its members, and
/// one that nobody has listed by name.
fn authorities(destination: &Destination) -> Vec<String> {
    let ports = match &destination.port {
        // Several; those that nearly everybody uses.
        0 => &[443, 80][..],
        port => std::slice::from_ref(port),
    };
    let mut hosts: Vec<Cow<'_, str>> = Vec::new();
    if destination.many {
        hosts.extend(destination.members.iter().map(Cow::from));
        hosts.push(match destination.host.as_str() {
            "0.0.0.0/0" => "192.0.2.1".into(),
            "::/0" => "2001:db8::1".into(),
            "*" => "any.invalid".into(),
            name => format!("any-other-name.{}", name.strip_prefix("*.").unwrap_or(name)).into(),
        });
    } else {
        hosts.push(destination.host.as_str().into());
    }
    let write = |host: &Cow<'_, str>, port: u16| {
        if host.contains(':') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        }
    };
    hosts
        .iter()
        .flat_map(|host| ports.iter().map(move |port| write(host, *port)))
        .collect()
}
