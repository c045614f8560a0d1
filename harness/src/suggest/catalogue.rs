//! The catalogue of known services, and looking a destination up in it.
//!
//! Its patterns are compiled into a policy of deny rules: so they match as
//! rules do, the most specific first, and an IPv6 form of a metadata address
//! is found as well.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sluice_policy::{
    Decision, Effect, Host, HostPattern, InvalidPattern, Mode, Policy, PolicyDocument, Problems, Rejection,
    RuleDocument, Seen, Specificity, Surroundings, Timestamp, Verdict,
};

use super::advice::Class;

/// The services that Sluice knows by name. The only place where they stand.
const BUILT_IN: &str = include_str!("../../catalogue/destinations.json");

/// Known services, ready for look-up.
#[derive(Debug)]
pub struct Catalogue {
    entries: Vec<Entry>,
    services: Policy,
    shared: Policy,
    /// Whose names are below a name: the entries that list them, `None` for strangers.
    below: HashMap<String, BTreeSet<Option<usize>>>,
}

/// Where a look-up led.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// The entry's number.
    pub(super) entry: usize,
    /// Whether the entry lists this very host, so that a wildcard would widen it.
    pub(super) listed: bool,
}

/// One role of a service, such as its index or its file hosts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// What people call it.
    pub(super) name: String,
    pub(super) class: Class,
    /// Host patterns as in rules; any of them means that the role was seen. The
    /// first stands for all where the role is named as a companion.
    pub(super) patterns: Vec<String>,
    /// Entries of one group need each other: an index and its file hosts.
    #[serde(default)]
    pub(super) group: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    #[serde(default)]
    entries: Vec<Entry>,
    /// Patterns below which each name belongs to somebody else, beyond what the
    /// public suffix list says: never grouped under a wildcard.
    #[serde(default)]
    shared: Vec<String>,
}

/// Why a catalogue file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It cannot be read.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// It is not JSON of the catalogue's shape.
    #[error("{}: {error}; expected {{\"entries\": [{{\"name\", \"class\", \"patterns\", \"group\"}}], \"shared\": []}}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        error: serde_json::Error,
    },
    /// An entry without patterns.
    #[error("entry {entry:?}: patterns is empty, expected one host pattern or more")]
    NoPatterns {
        /// The entry's name.
        entry: String,
    },
    /// Not a host pattern.
    #[error("entry {entry:?}: pattern {pattern:?}, expected {expected}")]
    Pattern {
        /// The entry's name, or `shared`.
        entry: String,
        /// The pattern as written.
        pattern: String,
        /// What would be right.
        expected: InvalidPattern,
    },
    /// The patterns do not make a policy, for a reason of the policy's own.
    #[error("the catalogue's patterns do not load: {0}")]
    Policy(#[from] Problems),
}

impl Catalogue {
    /// The services that Sluice comes with.
    pub fn built_in() -> Self {
        let shape = serde_json::from_str(BUILT_IN).expect("the embedded catalogue has its shape; a test loads it");
        Self::new(shape).expect("the embedded catalogue has valid patterns; a test loads it")
    }

    /// The services that Sluice comes with and those of a file of the same
    /// shape; where both have the same pattern, the file's entry counts.
    ///
    /// # Errors
    /// [`CatalogueError`], which names the file or the entry.
    pub fn with_file(path: &Path) -> Result<Self, CatalogueError> {
        let text = std::fs::read_to_string(path).map_err(|error| CatalogueError::Io {
            path: path.to_owned(),
            error,
        })?;
        let mut shape: Shape = serde_json::from_str(&text).map_err(|error| CatalogueError::Shape {
            path: path.to_owned(),
            error,
        })?;
        let built_in = Self::built_in();
        shape.entries.extend(built_in.entries);
        shape
            .shared
            .extend(built_in.shared.rules().iter().map(|rule| rule.host().to_owned()));
        Self::new(shape)
    }

    fn new(shape: Shape) -> Result<Self, CatalogueError> {
        let mut services = Vec::new();
        for (number, entry) in shape.entries.iter().enumerate() {
            if entry.patterns.is_empty() {
                return Err(CatalogueError::NoPatterns {
                    entry: entry.name.clone(),
                });
            }
            let id = |place| format!("{number}.{place}");
            services.extend(rules(&entry.name, &entry.patterns, id)?);
        }
        let shared = rules("shared", &shape.shared, |place| place.to_string())?;
        Ok(Self {
            below: below(&shape),
            entries: shape.entries,
            services: compile(services)?,
            shared: compile(shared)?,
        })
    }

    /// Canonicalises what was seen and looks it up: a rule of the decision leads
    /// to the entry, and a rejection for another reason to no destination at all.
    pub(super) fn decide<'s>(&self, seen: &Seen<'s>, default_port: u16) -> Decision<'_, 's> {
        self.services
            .decide(seen, &Surroundings::new(default_port), Timestamp::from_micros(0))
    }

    /// What a decision of [`Catalogue::decide`] found.
    pub(super) fn found(decision: &Decision<'_, '_>) -> Option<Found> {
        let Verdict::Reject(Rejection::Rule(rule)) = decision.verdict() else {
            return None;
        };
        let entry = rule.id().split('.').next()?.parse().ok()?;
        Some(Found {
            entry,
            listed: rule.specificity() == Specificity::Exact,
        })
    }

    pub(super) fn entry(&self, number: usize) -> &Entry {
        &self.entries[number]
    }

    /// Whether a wildcard on `top` would take in a name that another entry
    /// lists, or names that belong to strangers.
    pub(super) fn takes_in_others(&self, top: &str, entry: Option<usize>) -> bool {
        let mut below = self.below.get(top).into_iter().flatten();
        below.any(|whose| whose.is_none() || *whose != entry)
    }

    /// Whether the names beside this one belong to others.
    pub(super) fn is_shared(&self, name: &str) -> bool {
        is_named(&self.shared, name)
    }

    /// The other roles of the entry's group, those that `seen` does not hold.
    pub(super) fn companions(&self, number: usize, seen: impl Fn(usize) -> bool) -> Vec<String> {
        let Some(group) = &self.entries[number].group else {
            return Vec::new();
        };
        let others = self.entries.iter().enumerate();
        let missing = others.filter(|(other, entry)| entry.group.as_ref() == Some(group) && !seen(*other));
        missing
            .filter_map(|(_, entry)| entry.patterns.first().cloned())
            .collect()
    }
}

/// Every name that one of a pattern is below, with whose that one is.
fn below(shape: &Shape) -> HashMap<String, BTreeSet<Option<usize>>> {
    let mut all: HashMap<String, BTreeSet<_>> = HashMap::new();
    let entries = shape.entries.iter().enumerate();
    let listed = entries.flat_map(|(number, entry)| entry.patterns.iter().map(move |pattern| (pattern, Some(number))));
    let patterns = listed.chain(shape.shared.iter().map(|pattern| (pattern, None)));
    for (pattern, whose) in patterns {
        let Ok(Host::Name(name)) = Host::parse(pattern.trim_start_matches("*.").as_bytes()) else {
            continue;
        };
        let mut rest = name.as_str();
        while let Some((_, above)) = rest.split_once('.') {
            all.entry(above.to_owned()).or_default().insert(whose);
            rest = above;
        }
    }
    all
}

/// Whether a rule of a policy made by [`compile`] names the host.
fn is_named(policy: &Policy, name: &str) -> bool {
    let seen = Seen::Connection {
        server_name: name.as_bytes(),
        port: 443,
    };
    let decision = policy.decide(&seen, &Surroundings::new(443), Timestamp::from_micros(0));
    decision.verdict().rule().is_some()
}

fn rules(name: &str, patterns: &[String], id: impl Fn(usize) -> String) -> Result<Vec<RuleDocument>, CatalogueError> {
    let rule = |(place, pattern): (usize, &String)| match HostPattern::parse(pattern) {
        Ok(_) => Ok(RuleDocument::new(id(place), Effect::Deny, pattern)),
        Err(expected) => Err(CatalogueError::Pattern {
            entry: name.to_owned(),
            pattern: pattern.clone(),
            expected,
        }),
    };
    patterns.iter().enumerate().map(rule).collect()
}

fn compile(rules: Vec<RuleDocument>) -> Result<Policy, Problems> {
    Policy::compile(&PolicyDocument {
        mode: Some(Mode::Enforce),
        default_effect: Some(Effect::Allow),
        rules,
    })
}
