//! Rules whose time is over, and what their end opened or closed.

use hashbrown::{HashMap, HashSet};

use super::survey::{Ask, BOUND, Shelves, Subject, Survey, common_ports, named, passed_by, request_of};
use super::{Kind, Report};
use crate::decision::{Rejection, Verdict};
use crate::host::Host;
use crate::rule::Rule;
use crate::timestamp::Timestamp;
use crate::words::{Effect, Scope};

pub(super) fn check(survey: &Survey<'_>, report: &mut Report<'_>) {
    let mut ended = Ended {
        survey,
        opened: HashMap::new(),
        shelves: Shelves::new(),
    };
    for subject in survey.subjects() {
        match (subject.rule.effect(), survey.is_live(subject.rule)) {
            (Effect::Deny, false) => ended.deny(&subject),
            (Effect::Allow, true) => ended.around_an_allow(&subject),
            _ => {}
        }
    }
    let opened = ended.opened;
    for subject in survey.subjects() {
        let rule = subject.rule;
        let Some(end) = rule.expires_at().filter(|_| !survey.is_live(rule)) else {
            continue;
        };
        let (message, related) = match rule.effect() {
            Effect::Deny => after_deny(survey, &subject, opened.get(&subject.number)),
            Effect::Allow => after_allow(survey, &subject),
        };
        let message = format!("expired at {end}: {message}");
        report.warning(subject.number, Kind::Expired, related, message);
    }
}

fn after_deny<'p>(
    survey: &Survey<'p>,
    subject: &Subject<'p>,
    opened: Option<&Opened<'p>>,
) -> (String, Option<&'p Rule>) {
    let Some(Opened { what, by, others }) = opened else {
        let (what, related) = outcome_of(survey, subject);
        return (format!("{what} all the same; remove it"), related);
    };
    let more = match others.len() {
        0 => String::new(),
        1 => " and 1 other rule's hosts with it".to_owned(),
        more => format!(" and {more} other rules' hosts with it"),
    };
    let message = format!(
        "what it denied is open: {what} is allowed by {}{more}; renew it, or remove it if that is meant",
        named(*by)
    );
    (message, *by)
}

fn after_allow<'p>(survey: &Survey<'p>, subject: &Subject<'p>) -> (String, Option<&'p Rule>) {
    let (what, related) = outcome_of(survey, subject);
    (format!("{what} now; renew it or remove it"), related)
}

/// What becomes of a target that the rule matched.
fn outcome_of<'p>(survey: &Survey<'p>, subject: &Subject<'p>) -> (String, Option<&'p Rule>) {
    let ask = ask(subject.host, subject.rule, None, survey.free_port)
        .into_iter()
        .next();
    let (what, related) = ask.map(|ask| outcome(survey.verdict(&ask))).unwrap_or_default();
    (format!("{} {what}", subject.rule.host()), related)
}

fn outcome(verdict: Verdict<'_>) -> (String, Option<&Rule>) {
    let rule = verdict.rule();
    let words = match verdict {
        Verdict::Reject(Rejection::Rule(rule)) => format!("is rejected by rule {}", rule.id()),
        Verdict::Reject(rejection) => format!("is rejected by {}", rejection.rejected_by()),
        Verdict::Allow(by) => format!("is allowed by {}", named(by)),
        Verdict::Warn(by) => format!("is allowed on trial by rule {}", by.id()),
    };
    (words, rule)
}

/// What the end of a deny opened.
struct Opened<'p> {
    what: String,
    by: Option<&'p Rule>,
    /// The other allow rules that decide now where it did.
    others: HashSet<(Scope, &'p str)>,
}

struct Ended<'s, 'p> {
    survey: &'s Survey<'p>,
    opened: HashMap<u32, Opened<'p>>,
    /// The expired denies of each group.
    shelves: Shelves,
}

impl<'p> Ended<'_, 'p> {
    /// A host of the deny, as rules about the same or more hosts see it.
    fn deny(&mut self, deny: &Subject<'p>) {
        let survey = self.survey;
        let mut allows: Vec<Option<&Rule>> = survey.naming(&deny.host, Effect::Allow).map(Some).collect();
        allows.push(None);
        for allow in allows {
            self.try_open(deny.number, deny.rule, deny, allow);
        }
    }

    /// A host of an allow, as expired denies about the same or more hosts saw it.
    fn around_an_allow(&mut self, allow: &Subject<'p>) {
        let survey = self.survey;
        for group in survey.groups(&allow.host, Effect::Deny) {
            let ended = self.shelves.entry(group).or_insert_with(|| {
                let ended = |rule: &Rule| rule.effect() == Effect::Deny && !survey.is_live(rule);
                let numbers = survey.numbers(group).iter().copied();
                numbers
                    .filter(|&number| survey.rule(number).is_some_and(ended))
                    .take(BOUND)
                    .collect()
            });
            for number in ended.clone() {
                if let Some(deny) = survey.rule(number) {
                    self.try_open(number, deny, allow, Some(allow.rule));
                }
            }
        }
    }

    /// Asks for a target at the host of `at` that the deny matched and, if given,
    /// the allow matches.
    fn try_open(&mut self, number: u32, deny: &Rule, at: &Subject<'p>, allow: Option<&'p Rule>) {
        let survey = self.survey;
        let Some(before) = deny
            .expires_at()
            .map(|end| Timestamp::from_micros(end.micros().saturating_sub(1)))
        else {
            return;
        };
        for ask in ask(at.host, deny, allow, survey.free_port) {
            if !ask.passes(deny, before) {
                continue;
            }
            let Some(by) = passed_by(survey.verdict(&ask)) else {
                continue;
            };
            match self.opened.get_mut(&number) {
                None => {
                    let what = at.shown(at.host);
                    let others = HashSet::new();
                    self.opened.insert(number, Opened { what, by, others });
                }
                Some(opened) => {
                    // Only the rule that was asked for is told of: others have their turn.
                    let is = |rule: Option<&Rule>| allow.zip(rule).is_some_and(|(a, b)| std::ptr::eq(a, b));
                    if is(by) && !is(opened.by) {
                        opened.others.extend(by.map(|rule| (rule.scope(), rule.id())));
                    }
                }
            }
            return;
        }
    }
}

/// Targets at a host that both rules may match: opaque ones, and requests that
/// either of them describes.
fn ask(host: Host, rule: &Rule, other: Option<&Rule>, free_port: u16) -> Vec<Ask> {
    let ports = common_ports(rule.ports(), other.map(Rule::ports).unwrap_or_default(), free_port);
    let requests = [Some(rule), other].into_iter().flatten().filter_map(request_of);
    let mut requests: Vec<Option<(String, String)>> = requests.map(Some).collect();
    if requests.is_empty() {
        requests.push(None);
    }
    if let [Some((method, _)), Some((_, path))] = requests.as_slice() {
        let mixed = Some((method.clone(), path.clone()));
        requests.push(mixed);
    }
    if let [Some((_, path)), Some((method, _)), ..] = requests.as_slice() {
        let mixed = Some((method.clone(), path.clone()));
        requests.push(mixed);
    }
    let ask = |port| {
        requests.iter().map(move |request| Ask {
            host,
            port,
            request: request.clone(),
        })
    };
    ports.into_iter().flat_map(ask).collect()
}
