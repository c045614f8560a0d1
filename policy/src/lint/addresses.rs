//! Allowed addresses that are no ordinary destination: cloud metadata, and the
//! machine itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hashbrown::HashMap;
use ipnet::IpNet;

use super::survey::{Ask, Subject, Survey, forms, passed_by, request_of};
use super::{Kind, Report};
use crate::address::{self, METADATA};
use crate::host::Host;
use crate::pattern::HostPattern;
use crate::words::Effect;

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

pub(super) fn check(survey: &Survey<'_>, report: &mut Report<'_>) {
    metadata(survey, report);
    for subject in survey.live() {
        if subject.rule.effect() == Effect::Allow {
            own(report, &subject);
            resolves_to(survey, report, &subject);
        }
    }
}

/// Asks for every metadata address, in the forms in which it can be written,
/// whether some rule lets it pass. A block is an error: it may have been meant
/// for its neighbours. A single address can only be meant: a warning.
fn metadata(survey: &Survey<'_>, report: &mut Report<'_>) {
    let mut reached: HashMap<u32, Vec<IpAddr>> = HashMap::new();
    for address in METADATA {
        for form in forms(address) {
            let host = Host::Ip(form);
            for group in survey.groups(&host, Effect::Allow) {
                for &number in survey.numbers(group) {
                    let Some(rule) = survey.rule(number) else { continue };
                    if rule.effect() != Effect::Allow
                        || reached.get(&number).is_some_and(|known| known.contains(&address))
                    {
                        continue;
                    }
                    // Metadata services are asked in clear; a deny that names
                    // that port leaves the others.
                    let ports = match rule.ports() {
                        [] => &[80, 443, 8080],
                        ports => ports,
                    };
                    let passes = ports.iter().any(|&port| {
                        let request = request_of(rule);
                        let ask = Ask { host, port, request };
                        ask.passes(rule, survey.now) && passed_by(survey.verdict(&ask)).is_some()
                    });
                    if passes {
                        reached.entry(number).or_default().push(address);
                    }
                }
            }
        }
    }
    for (number, addresses) in reached {
        let Some(rule) = survey.rule(number) else { continue };
        let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let problem = format!(
            "host {}: allows {}, where clouds hand out credentials",
            rule.host(),
            list.join(", ")
        );
        match HostPattern::parse(rule.host()) {
            Ok(HostPattern::Exact(_)) => report.warning(
                number,
                Kind::Metadata,
                None,
                format!("{problem}; remove the rule unless the workload is to have them"),
            ),
            _ => report.error(
                number,
                Kind::Metadata,
                None,
                format!("{problem}; narrow the block, or deny these addresses in rules of their own"),
            ),
        }
    }
}

/// The machine itself is rejected as `self` in every mode.
fn own(report: &mut Report<'_>, subject: &Subject<'_>) {
    let host = subject.rule.host();
    let whole = match subject.pattern {
        HostPattern::Exact(Host::Name(name)) | HostPattern::Below(name) => name.is_localhost(),
        HostPattern::Exact(Host::Ip(ip)) => address::is_own(ip),
        HostPattern::Network(net) => within_own(&net),
        HostPattern::Any => false,
    };
    let message = if whole {
        format!(
            "host {host}: is the proxy's own machine, which is rejected as self in every mode, so the rule never matches; remove it"
        )
    } else if let HostPattern::Network(net) = subject.pattern
        && LOOPBACK.iter().any(|loopback| net.contains(loopback))
    {
        format!(
            "host {host}: covers loopback addresses, which are rejected as self in every mode; narrow the block to what is meant"
        )
    } else {
        return;
    };
    report.warning(subject.number, Kind::OwnAddress, None, message);
}

/// Whether every address of a block is the machine's own. Own addresses are
/// blocks of at least this length, so both ends of a longer one tell.
fn within_own(net: &IpNet) -> bool {
    let least = match net {
        IpNet::V4(_) => 8,
        IpNet::V6(_) => 24,
    };
    net.prefix_len() >= least && address::is_own(net.network()) && address::is_own(net.broadcast())
}

/// `resolves_to` is what lets a name resolve to addresses that are not public.
fn resolves_to(survey: &Survey<'_>, report: &mut Report<'_>, subject: &Subject<'_>) {
    let rule = subject.rule;
    if rule.resolves_to().is_empty() {
        return;
    }
    let ask = Ask {
        host: subject.host,
        port: rule.ports().first().copied().unwrap_or(survey.free_port),
        request: request_of(rule),
    };
    let reached: Vec<String> = METADATA
        .iter()
        .filter(|address| rule.may_resolve_to(**address))
        .filter(|address| passed_by(survey.verdict_resolved(&ask, &[**address])).is_some())
        .map(ToString::to_string)
        .collect();
    if !reached.is_empty() {
        let message = format!(
            "resolves_to: lets {} resolve to {}, where clouds hand out credentials; narrow the blocks, or deny these addresses",
            rule.host(),
            reached.join(", ")
        );
        report.error(subject.number, Kind::ResolvesTo, None, message);
    }
    let loopback = LOOPBACK.iter().find(|address| {
        rule.may_resolve_to(**address) && passed_by(survey.verdict_resolved(&ask, &[**address])).is_some()
    });
    if let Some(loopback) = loopback {
        let message = format!(
            "resolves_to: lets {} resolve to {loopback}, which is the proxy's own machine; narrow the blocks to what is meant",
            rule.host()
        );
        report.warning(subject.number, Kind::ResolvesTo, None, message);
    }
}
