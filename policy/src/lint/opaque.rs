//! Rules that look at method or path, where `CONNECT` tunnels and TLS
//! passthrough show neither.

use hashbrown::HashMap;

use super::survey::{BOUND, Shelves, Subject, Survey, common_ports, forms, named, passed_by};
use super::{Kind, Report};
use crate::decision::{Rejection, Verdict};
use crate::host::Host;
use crate::index::Group;
use crate::pattern::HostPattern;
use crate::rule::Rule;
use crate::words::Effect;

pub(super) fn check(survey: &Survey<'_>, report: &mut Report<'_>) {
    let mut denies = Denies {
        survey,
        open: HashMap::new(),
        shelves: Shelves::new(),
    };
    for subject in survey.live() {
        let rule = subject.rule;
        match (rule.effect(), rule.needs_request()) {
            (Effect::Deny, true) if !rule.terminated_only() => denies.below_an_allow(&subject),
            (Effect::Allow, false) => denies.around_an_allow(&subject),
            (Effect::Allow, true) => allow(survey, report, &subject),
            _ => {}
        }
    }
    for (number, opening) in denies.open {
        let Some(rule) = survey.rule(number) else { continue };
        let message = format!(
            "host {}: {} lets CONNECT and TLS passthrough reach {}, where this deny does not match because method and path are hidden; deny the host without methods and path_glob, or set terminated_only if its TLS is terminated by the proxy",
            rule.host(),
            named(opening.by),
            opening.what,
        );
        report.error(number, Kind::OpaqueDeny, opening.by, message);
    }
}

/// Constrained denies, and for those that opaque connections get past, how.
struct Denies<'s, 'p> {
    survey: &'s Survey<'p>,
    open: HashMap<u32, Opening<'p>>,
    /// Constrained denies that nothing was found about yet.
    shelves: Shelves,
}

struct Opening<'p> {
    by: Option<&'p Rule>,
    /// What is reached.
    what: String,
}

impl<'p> Denies<'_, 'p> {
    /// Hosts of the deny: are they reached by rules about the same or more hosts, or by default?
    fn below_an_allow(&mut self, deny: &Subject<'p>) {
        let survey = self.survey;
        let own = deny.rule.ports();
        for host in hosts(deny).into_iter().chain(leading_to(deny.host)) {
            let mut ports = common_ports(own, &[], survey.free_port);
            if own.is_empty() {
                let allows = survey.naming(&host, Effect::Allow);
                let theirs = allows.filter(|allow| !allow.needs_request()).flat_map(Rule::ports);
                ports.extend(theirs.take(BOUND));
            }
            for port in ports {
                if let Some(by) = passed_by(survey.opaque(deny, host, port)) {
                    let what = reached(survey, deny, host, port);
                    self.open.insert(deny.number, Opening { by, what });
                    return;
                }
            }
        }
    }

    /// Hosts of an allow: are they some that a constrained deny is about?
    fn around_an_allow(&mut self, allow: &Subject<'p>) {
        for host in hosts(allow) {
            for group in self.survey.groups(&host, Effect::Deny) {
                self.around(allow, host, group);
            }
        }
    }

    fn around(&mut self, allow: &Subject<'p>, host: Host, group: Group) {
        let survey = self.survey;
        let waiting = self.shelves.entry(group).or_insert_with(|| {
            let constrained = |number: &u32| {
                survey.rule(*number).is_some_and(|rule| {
                    let constrained = rule.needs_request() && !rule.terminated_only();
                    rule.effect() == Effect::Deny && constrained && survey.is_live(rule)
                })
            };
            let numbers = survey.numbers(group).iter().copied();
            // Taken from the end, so that the first are looked at first.
            numbers.filter(constrained).rev().collect()
        });
        let looked_at = waiting.split_off(waiting.len().saturating_sub(BOUND));
        for number in looked_at {
            if self.open.contains_key(&number) {
                continue;
            }
            let Some(deny) = survey.rule(number) else { continue };
            let ports = common_ports(deny.ports(), allow.rule.ports(), survey.free_port);
            let opening = ports.into_iter().find_map(|port| {
                let by = passed_by(survey.opaque(allow, host, port))?;
                let what = reached(survey, allow, host, port);
                Some(Opening { by, what })
            });
            match opening {
                Some(opening) => _ = self.open.insert(number, opening),
                None => waiting.push(number),
            }
        }
    }
}

fn reached(survey: &Survey<'_>, subject: &Subject<'_>, host: Host, port: u16) -> String {
    let host = subject.shown(host);
    if port == survey.free_port {
        host
    } else {
        format!("{host} on port {port}")
    }
}

/// Hosts of a pattern: of a block one address of each eighth too, because the
/// one may be denied for itself.
fn hosts(subject: &Subject<'_>) -> Vec<Host> {
    let eighths = match subject.pattern {
        HostPattern::Network(net) => {
            let len = net.prefix_len().saturating_add(3).min(net.max_prefix_len());
            net.subnets(len).ok()
        }
        _ => None,
    };
    let addresses = eighths.into_iter().flatten().map(|net| Host::Ip(net.broadcast()));
    std::iter::once(subject.host).chain(addresses).collect()
}

/// The IPv6 addresses that lead to a host, which denies of it are about too.
fn leading_to(host: Host) -> Vec<Host> {
    match host {
        Host::Ip(ip) => forms(ip).into_iter().skip(1).map(Host::Ip).collect(),
        Host::Name(_) => Vec::new(),
    }
}

/// An allow is reported where it is likely to be used through TLS: not if it is
/// about port 80 alone.
fn allow<'p>(survey: &Survey<'p>, report: &mut Report<'_>, subject: &Subject<'p>) {
    let rule = subject.rule;
    let ports = rule.ports();
    let port = match ports {
        [80] => return,
        [first, ..] if !ports.contains(&443) => *first,
        _ => 443,
    };
    let what = format!(
        "host {}: methods and path_glob do not match CONNECT and TLS passthrough, where both are hidden",
        rule.host()
    );
    match survey.opaque(subject, subject.host, port) {
        Verdict::Reject(Rejection::Default(_)) => report.warning(
            subject.number,
            Kind::OpaqueAllow,
            None,
            format!("{what}: there the host is rejected by default_deny; it needs the proxy to terminate TLS, or a rule without them"),
        ),
        Verdict::Reject(_) => {}
        passed => {
            let by = passed.rule();
            let message = format!("{what}: there {} allows the host whole, so that they limit nothing", named(by));
            report.warning(subject.number, Kind::OpaqueAllow, by, message);
        }
    }
}
