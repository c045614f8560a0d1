//! Rules that never decide: whatever they match, another rule wins.

use hashbrown::HashMap;

use super::survey::{BOUND, Shelves, Subject, Survey};
use super::{Kind, Report};
use crate::index::Group;
use crate::pattern::HostPattern;
use crate::rule::Rule;
use crate::timestamp::Timestamp;
use crate::words::Effect;

/// Reports a rule if *one* other rule matches all that it matches, for at
/// least as long, and wins there: a deny over an allow, or a rule of the same
/// effect and host that ranks before it. An allow below a wider allow still
/// decides (its id is recorded, its `warn_only` counts), and so does a deny
/// below a wider deny.
pub(super) fn check(survey: &Survey<'_>, report: &mut Report<'_>) {
    let mut seen = HashMap::new();
    let mut shelves = Shelves::new();
    for subject in survey.live() {
        if let Some(&first) = seen.get(&Contents::of(subject.rule)) {
            let rule = survey.rule(first);
            let id = rule.map(Rule::id).unwrap_or_default();
            let message = format!(
                "host {}: says the same as rule {id}, which is listed first; remove one",
                subject.rule.host()
            );
            report.warning(subject.number, Kind::Duplicate, rule, message);
            continue;
        }
        seen.insert(Contents::of(subject.rule), subject.number);
        if let Some(hiding) = hiding(survey, &mut shelves, &subject) {
            let message = message(subject.rule, hiding);
            report.warning(subject.number, Kind::NeverDecides, Some(hiding), message);
        }
    }
}

fn message(hidden: &Rule, hiding: &Rule) -> String {
    let (host, other) = (hidden.host(), hiding.id());
    if hidden.effect() != hiding.effect() {
        return format!(
            "host {host}: rule {other} denies {} and covers all that this rule allows; remove this rule or narrow {other}",
            hiding.host()
        );
    }
    let why = match hidden.warn_only() && !hiding.warn_only() {
        true => "is not warn_only",
        false if hidden.scope() != hiding.scope() => "is the tenant's",
        false if hidden.specificity() != hiding.specificity() => "is more specific",
        false => "is listed first",
    };
    format!(
        "host {host}: rule {other} matches all that this rule matches and wins, because it {why}; remove one of them"
    )
}

/// All that tells two rules apart but id, note and place.
#[derive(PartialEq, Eq, Hash)]
struct Contents<'p> {
    effect: Effect,
    host: &'p str,
    warn_only: bool,
    methods: Vec<&'p str>,
    ports: Vec<u16>,
    path: Option<&'p str>,
    expires_at: Option<Timestamp>,
    resolves_to: &'p [ipnet::IpNet],
}

impl<'p> Contents<'p> {
    fn of(rule: &'p Rule) -> Self {
        let mut methods: Vec<&str> = rule.methods().collect();
        methods.sort_unstable();
        methods.dedup();
        let mut ports = rule.ports().to_vec();
        ports.sort_unstable();
        ports.dedup();
        Self {
            effect: rule.effect(),
            host: rule.host(),
            warn_only: rule.warn_only(),
            methods,
            ports,
            path: rule.path_glob().map(|glob| glob.as_str()),
            expires_at: rule.expires_at(),
            resolves_to: rule.resolves_to(),
        }
    }
}

/// The first rule that hides the subject's.
fn hiding<'p>(survey: &Survey<'p>, shelves: &mut Shelves, subject: &Subject<'p>) -> Option<&'p Rule> {
    // Denies of an IPv4 address inside the host come after those of the host as
    // written, however specific they are.
    let as_written = survey.groups(&subject.host, Effect::Allow);
    for group in survey.groups(&subject.host, Effect::Deny) {
        for &number in widest(survey, shelves, group) {
            let Some(rule) = survey.rule(number) else { continue };
            let wins = match (rule.effect(), subject.rule.effect()) {
                (Effect::Deny, Effect::Allow) => true,
                (Effect::Allow, Effect::Deny) => false,
                _ => as_written.contains(&group) && (rule.rank(), number) < (subject.rule.rank(), subject.number),
            };
            if wins && survey.is_live(rule) && spans(rule, subject) && covers(rule, subject.rule) {
                return Some(rule);
            }
        }
    }
    None
}

/// The rules of a group that are worth comparing: all of them, or of a large
/// group the [`BOUND`] of each effect with the fewest limits.
fn widest<'s>(survey: &Survey<'_>, shelves: &'s mut Shelves, group: Group) -> &'s [u32] {
    shelves.entry(group).or_insert_with(|| {
        let numbers = survey.numbers(group);
        if numbers.len() <= BOUND {
            return numbers.to_vec();
        }
        let rule = |number: &u32| survey.rule(*number);
        let (denies, allows): (Vec<u32>, Vec<u32>) = numbers
            .iter()
            .partition(|number| rule(number).map(Rule::effect) == Some(Effect::Deny));
        let mut kept = Vec::with_capacity(BOUND);
        for mut numbers in [denies, allows] {
            // The sort is stable: of equally wide rules the winner stays first.
            numbers.sort_by_key(|number| rule(number).map(limits));
            kept.extend(numbers.into_iter().take(BOUND));
        }
        kept
    })
}

/// How many things a rule looks at beyond its host.
fn limits(rule: &Rule) -> u8 {
    let looks_at = [
        rule.methods().next().is_some(),
        !rule.ports().is_empty(),
        rule.path_glob().is_some(),
        rule.expires_at().is_some(),
    ];
    looks_at.into_iter().map(u8::from).fold(0, u8::saturating_add)
}

/// Whether `rule`, which names the subject's host, names every host that the
/// subject's pattern does. Patterns are nested or apart, never astride, so for
/// names the less specific one is the wider.
fn spans(rule: &Rule, subject: &Subject<'_>) -> bool {
    match subject.pattern {
        HostPattern::Exact(_) => true,
        HostPattern::Network(net) if net.prefix_len() == net.max_prefix_len() => true,
        // A deny of IPv4 addresses names the IPv6 addresses that embed them
        // too, but hardly all of a block.
        HostPattern::Network(net) => match HostPattern::parse(rule.host()) {
            Ok(HostPattern::Network(wider)) => wider.contains(&net),
            Ok(HostPattern::Any) => true,
            _ => false,
        },
        HostPattern::Below(_) | HostPattern::Any => rule.specificity() <= subject.rule.specificity(),
    }
}

/// Whether `rule` matches whatever `other` does, the host being settled.
fn covers(rule: &Rule, other: &Rule) -> bool {
    let lasts = match (rule.expires_at(), other.expires_at()) {
        (None, _) => true,
        (Some(end), Some(other_end)) => end >= other_end,
        (Some(_), None) => false,
    };
    let methods = rule.methods().next().is_none()
        || (other.methods().next().is_some() && other.methods().all(|method| rule.methods().any(|own| own == method)));
    let ports = rule.ports().is_empty()
        || (!other.ports().is_empty() && other.ports().iter().all(|port| rule.ports().contains(port)));
    let path = match (rule.path_glob(), other.path_glob()) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(glob), Some(other)) if glob.as_str() == other.as_str() => true,
        // A pattern without wildcards is the one path that it matches.
        (Some(glob), Some(other)) => !other.as_str().contains(['*', '?']) && glob.matches(other.as_str().as_bytes()),
    };
    lasts && methods && ports && path
}
