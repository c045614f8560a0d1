//! An explanation for people.

use std::fmt::Write;

use sluice_harness::recording::Sighting;
use sluice_policy::{Canonical, Explanation, HostKind, Match, Why};

use crate::bytes::printable;
use crate::decisions::{Destination, action_words, by_cell};
use crate::table::Columns;

/// The decision in one line, then what it rests on.
pub(super) fn of(explanation: &Explanation<'_>, sighting: &Sighting) -> String {
    let decision = &explanation.decision;
    let destination = Destination {
        host: decision.host.as_deref(),
        port: decision.port,
        raw: decision.raw.as_deref(),
    };
    let by = decision.rejected_by.as_deref().or(decision.rule_id.as_deref());
    let mut text = format!(
        "{}: {destination} by {} ({})\n\n",
        action_words(decision.action, decision.would_reject),
        by_cell(by),
        decision.mode
    );
    let mut line = |name: &str, said: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<11}{said}");
    };
    line("seen", &seen(sighting));
    line("canonical", &canonical(&explanation.canonical));
    if let Some(nearest) = &decision.nearest {
        line(
            "nearest",
            &format!("rule {}, which {}", nearest.rule_id, short_of(nearest.why)),
        );
    }
    if explanation.matches.is_empty() {
        line("matches", "no rule");
    } else {
        line("matches", &format!("{}\n", rules(explanation.matches.len())));
        text.push_str(&matches(&explanation.matches));
        text.push('\n');
    }
    text
}

fn rules(number: usize) -> String {
    match number {
        1 => "1 rule".to_owned(),
        more => format!("{more} rules, the strongest first"),
    }
}

fn seen(sighting: &Sighting) -> String {
    match (sighting, sighting.method(), sighting.path()) {
        (_, Some(method), path) => {
            let path = path.unwrap_or_default();
            format!("a request in clear: {} {}", printable(&method), printable(&path))
        }
        (Sighting::Connection { .. } | Sighting::Dialled { .. } | Sighting::Inside { .. }, ..) => {
            "a TLS connection by its server name; method and path are not visible".to_owned()
        }
        (Sighting::Request { .. } | Sighting::Terminated { .. }, ..) => {
            "an opaque connection (CONNECT); method and path are not visible".to_owned()
        }
    }
}

fn canonical(canonical: &Canonical) -> String {
    match canonical {
        Canonical::Target { host, port, kind } => {
            let kind = match kind {
                HostKind::Name => "name",
                HostKind::Ipv4 => "IPv4 address",
                HostKind::Ipv6 => "IPv6 address",
            };
            format!("{kind} {host}, port {port}")
        }
        Canonical::Invalid { reason, .. } => format!("none: {reason}"),
    }
}

fn short_of(why: Why) -> &'static str {
    match why {
        Why::Expired => "names the host and has expired",
        Why::Port => "names the host, but not this port",
        Why::Opaque => "names the host, but looks at method or path, which are not visible here",
        Why::Method => "names the host, but not this method",
        Why::Path => "names the host, but does not match this path, or the path is ambiguous",
    }
}

fn matches(matches: &[Match<'_>]) -> String {
    let mut columns = Columns::new(&["", "RULE", "EFFECT", "HOST", "WHY"]);
    for rule in matches {
        let fate = if rule.won { "won" } else { "lost" };
        columns.row(&[&fate, &rule.rule_id, &rule.effect, &rule.host, &rule.why]);
    }
    columns.to_string()
}
