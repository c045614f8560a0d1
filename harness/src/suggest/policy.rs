//! Makes a policy of suggestions.

use std::collections::BTreeSet;

use sluice_policy::{Effect, HostPattern, Mode, PolicyDocument, Reason, RuleDocument};

use super::advice::Recommendation;
use super::suggestion::Suggestion;

/// The longest id a rule may have.
const LONGEST_ID: usize = 64;

/// The policy that follows from suggestions: it enforces, denies by default,
/// denies what is recommended to be denied, and allows all else that was seen,
/// with a note where a question is open.
pub fn policy_of(suggestions: &[Suggestion]) -> PolicyDocument {
    let mut ids = BTreeSet::new();
    let mut denied = BTreeSet::new();
    PolicyDocument {
        mode: Some(Mode::Enforce),
        default_effect: Some(Effect::Deny),
        rules: suggestions
            .iter()
            // Hosts that have nothing in common that a rule could name.
            .filter(|suggestion| !suggestion.subject().is_empty())
            // A deny is about the host whatever the port, so one is enough.
            .filter(|suggestion| {
                suggestion.recommendation != Recommendation::Deny || denied.insert(canonical(suggestion.subject()))
            })
            .map(|suggestion| rule(suggestion, &mut ids))
            .collect(),
    }
}

fn rule(suggestion: &Suggestion, ids: &mut BTreeSet<String>) -> RuleDocument {
    let effect = match suggestion.recommendation {
        Recommendation::Deny => Effect::Deny,
        Recommendation::Keep | Recommendation::Question => Effect::Allow,
    };
    let mut note = match suggestion.recommendation {
        Recommendation::Keep => String::new(),
        Recommendation::Deny => suggestion.reason.clone(),
        Recommendation::Question => format!("Question: {}", suggestion.reason),
    };
    if !suggestion.companions.is_empty() {
        let hosts = suggestion.companions.join(", ");
        note = format!("{note} Usually comes with {hosts}, not seen.")
            .trim_start()
            .to_owned();
    }
    let id = unique(suggestion, ids);
    // What was seen of a host to be denied says nothing of where else it answers.
    let ports = match effect {
        Effect::Deny => Vec::new(),
        Effect::Allow => suggestion.ports.clone(),
    };
    RuleDocument {
        methods: suggestion.methods.clone(),
        path_glob: suggestion.path_glob.clone(),
        ports,
        resolves_to: suggestion.resolves_to.clone(),
        note: (!note.is_empty()).then_some(note),
        ..RuleDocument::new(id, effect, suggestion.subject())
    }
}

/// As rules read it: an IPv4-mapped address is the IPv4 address.
fn canonical(subject: &str) -> String {
    HostPattern::parse(subject).map_or_else(|_| subject.to_owned(), |pattern| pattern.to_string())
}

/// An id that reads as what the rule is about: the host, `any.` before a
/// wildcard's, with the port or a number behind it where that is taken.
fn unique(suggestion: &Suggestion, ids: &mut BTreeSet<String>) -> String {
    let name = match suggestion.subject().strip_prefix("*.") {
        Some(name) => format!("any.{name}"),
        None => suggestion.subject().to_owned(),
    };
    let port = suggestion.ports.first().map(|port| format!(":{port}"));
    let endings = std::iter::once(String::new())
        .chain(port)
        .chain((2..).map(|number: u64| format!("-{number}")));
    let id = endings
        .map(|ending| {
            let room = LONGEST_ID.saturating_sub(ending.len());
            format!("{}{ending}", &name[..name.len().min(room)])
        })
        .find(|id| !ids.contains(id) && !Reason::ALL.iter().any(|reason| reason.as_str() == id))
        .expect("endings never run out");
    ids.insert(id.clone());
    id
}
