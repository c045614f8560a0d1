//! `*.x` without `x`, and `x` without `*.x`: a wildcard never names what it is below.

use hashbrown::HashSet;

use super::survey::{Subject, Survey};
use super::{Kind, Report};
use crate::domain;
use crate::host::{Host, Name};
use crate::pattern::HostPattern;
use crate::rule::Rule;
use crate::words::Effect;

/// `x` without `*.x` is reported for registrable domains only: `api.example.com`
/// alone is a complete rule, `example.com` alone is often one that was to hold
/// for `www.example.com` too. And only if no rule is about any name below.
pub(super) fn check(survey: &Survey<'_>, report: &mut Report<'_>) {
    let rules = survey.policy.rules();
    let deeper: HashSet<&str> = rules.iter().filter_map(|rule| domain_above(rule.host())).collect();
    for subject in survey.live() {
        match subject.pattern {
            HostPattern::Exact(Host::Name(name)) | HostPattern::Below(name) if name.is_localhost() => {}
            HostPattern::Below(name) if !domain::is_public_suffix(name.as_str()) => {
                apex(survey, report, &subject, &name);
            }
            HostPattern::Exact(Host::Name(name)) => {
                let text = name.as_str();
                if domain::registrable(text) == Some(text) && !deeper.contains(text) {
                    subdomains(survey, report, &subject, &name);
                }
            }
            _ => {}
        }
    }
}

/// The registrable domain of a pattern that is about names below it.
fn domain_above(host: &str) -> Option<&str> {
    let (wildcard, name) = match host.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, host),
    };
    domain::registrable(name).filter(|&domain| wildcard || domain != name)
}

fn apex(survey: &Survey<'_>, report: &mut Report<'_>, subject: &Subject<'_>, name: &Name) {
    let host = Host::Name(*name);
    let denied = survey.naming(&host, Effect::Deny).next().is_some();
    let allowed = survey.naming(&host, Effect::Allow).next();
    match subject.rule.effect() {
        Effect::Allow if !denied && allowed.is_none() => report.warning(
            subject.number,
            Kind::MissingApex,
            None,
            format!(
                "host *.{name}: does not match {name} itself, and no other rule does; add {name} if it is meant too"
            ),
        ),
        Effect::Deny if !denied => open(survey, report, subject, allowed, Kind::MissingApex, |by| {
            format!("host *.{name}: does not match {name} itself, which {by} allows; deny {name} too if it is meant")
        }),
        _ => {}
    }
}

fn subdomains(survey: &Survey<'_>, report: &mut Report<'_>, subject: &Subject<'_>, name: &Name) {
    let Ok(below) = Host::parse(format!("some-name-below.{name}").as_bytes()) else {
        return;
    };
    let denied = survey.naming(&below, Effect::Deny).next().is_some();
    let allowed = survey.naming(&below, Effect::Allow).next();
    match subject.rule.effect() {
        Effect::Allow if !denied && allowed.is_none() => report.warning(
            subject.number,
            Kind::MissingSubdomains,
            None,
            format!("host {name}: does not match names below it such as www.{name}, and no other rule does; add *.{name} if they are meant too"),
        ),
        Effect::Deny if !denied => open(survey, report, subject, allowed, Kind::MissingSubdomains, |by| {
            format!("host {name}: does not match names below it such as www.{name}, which {by} allows; deny *.{name} too if they are meant")
        }),
        _ => {}
    }
}

/// A deny that leaves something open is reported if something does allow it.
fn open(
    survey: &Survey<'_>,
    report: &mut Report<'_>,
    subject: &Subject<'_>,
    allowed: Option<&Rule>,
    kind: Kind,
    message: impl Fn(String) -> String,
) {
    if allowed.is_some() || survey.policy.default_effect() == Effect::Allow {
        let by = super::survey::named(allowed);
        report.warning(subject.number, kind, allowed, message(by));
    }
}
