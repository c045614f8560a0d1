//! Reads a policy field by field, and keeps going after a mistake, so that one
//! look at a document finds everything that is wrong with it.

use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{PolicyDocument, RuleDocument};
use crate::policy::Policy;
use crate::problem::{Problem, Problems, shown};
use crate::words::Effect;

/// A policy as it was read, with what could not be: so that one look at a
/// document finds everything that is wrong with it.
#[derive(Debug, Clone, Default)]
pub struct PolicyRead {
    document: PolicyDocument,
    problems: Vec<Problem>,
}

impl PolicyRead {
    /// Reads JSON.
    ///
    /// # Errors
    /// One problem, with its line and column, if it is not JSON or no object.
    pub fn from_json(json: &[u8]) -> Result<Self, Problems> {
        serde_json::from_slice(json).map_err(|error| {
            Problem {
                at: None,
                rule: None,
                field: String::new(),
                value: error.to_string(),
                expected: "a JSON object with mode, default_effect and rules".to_owned(),
            }
            .into()
        })
    }

    /// The document, of which [`PolicyRead::policy`] has said that it is sound.
    pub(super) fn into_document(self) -> PolicyDocument {
        self.document
    }

    /// What was read, and what was wrong with it.
    pub(crate) fn parts(&self) -> (&PolicyDocument, &[Problem]) {
        (&self.document, &self.problems)
    }

    /// Compiles what was read.
    ///
    /// # Errors
    /// What could not be read and what could not be compiled, together.
    pub fn policy(&self) -> Result<Policy, Problems> {
        Policy::compile_read(&self.document, &self.problems)
    }
}

impl<'de> Deserialize<'de> for PolicyRead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PolicyVisitor)
    }
}

struct PolicyVisitor;

impl<'de> Visitor<'de> for PolicyVisitor {
    type Value = PolicyRead;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a policy object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PolicyRead, A::Error> {
        let mut read = PolicyRead::default();
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<String>()? {
            if !fields.first(&key) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            match key.as_str() {
                "mode" => read.document.mode = fields.value(&mut map, &key, "\"audit_only\" or \"enforce\"")?,
                "default_effect" => {
                    read.document.default_effect = fields.value(&mut map, &key, "\"allow\" or \"deny\"")?;
                }
                "rules" => {
                    let rules: Rules = map.next_value()?;
                    read.document.rules = rules.documents;
                    read.problems.extend(rules.problems);
                    if let Some(value) = rules.no_list {
                        fields.problem(&key, value, "a list of rules");
                    }
                }
                _ => {
                    let value: Value = map.next_value()?;
                    fields.problem(&key, shown(&value), "one of mode, default_effect, rules");
                }
            }
        }
        // The policy's own problems come before those of its rules.
        let rules = std::mem::replace(&mut read.problems, fields.problems);
        read.problems.extend(rules);
        Ok(read)
    }
}

/// The list of rules; something else in its place is remembered.
#[derive(Default)]
struct Rules {
    documents: Vec<RuleDocument>,
    problems: Vec<Problem>,
    no_list: Option<String>,
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RulesVisitor)
    }
}

struct RulesVisitor;

/// A scalar where something else belongs, as errors show it.
trait Shown {
    fn text(&self) -> String;
}

impl<T: Serialize> Shown for T {
    fn text(&self) -> String {
        shown(self)
    }
}

/// Scalars are no reason to stop reading: they become a problem like any other.
macro_rules! other {
    ($type:ty, $make:expr) => {
        other!(@ $type, $make, visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
    };
    (@ $type:ty, $make:expr, $($visit:ident: $scalar:ty),*) => {
        $(fn $visit<E>(self, value: $scalar) -> Result<$type, E> {
            Ok($make(&value))
        })*
    };
}

impl<'de> Visitor<'de> for RulesVisitor {
    type Value = Rules;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rules")
    }

    other!(Rules, |value: &dyn Shown| Rules {
        no_list: Some(value.text()),
        ..Rules::default()
    });

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rules, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Rules {
            no_list: Some("an object".to_owned()),
            ..Rules::default()
        })
    }

    /// `null` is absence: no rules.
    fn visit_unit<E>(self) -> Result<Rules, E> {
        Ok(Rules::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rules, A::Error> {
        let mut rules = Rules::default();
        let mut at = 0_usize;
        while let Some(item) = list.next_element::<RuleItem>()? {
            let (document, fields) = item.read();
            let name = rule_name(document.as_ref().map(|rule| rule.id.as_str()), at);
            rules
                .problems
                .extend(fields.problems.into_iter().map(|problem| Problem {
                    at: Some(at),
                    rule: Some(name.clone()),
                    ..problem
                }));
            // A rule that could not be read keeps its place, so that the
            // others keep their numbers in errors.
            rules
                .documents
                .push(document.unwrap_or_else(|| RuleDocument::new("", Effect::Deny, "")));
            at = at.saturating_add(1);
        }
        Ok(rules)
    }
}

/// How errors call a rule: by its id, or by its place where it has none.
pub(crate) fn rule_name(id: Option<&str>, at: usize) -> String {
    match id {
        Some(id) if !id.is_empty() => id.to_owned(),
        _ => format!("#{at}"),
    }
}

/// One element of the list of rules: an object with its keys as they stand,
/// so that a second one of the same name is noticed.
enum RuleItem {
    Object(Vec<(String, Value)>),
    Other(String),
}

impl<'de> Deserialize<'de> for RuleItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RuleItemVisitor)
    }
}

struct RuleItemVisitor;

impl<'de> Visitor<'de> for RuleItemVisitor {
    type Value = RuleItem;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a rule object")
    }

    other!(RuleItem, |value: &dyn Shown| RuleItem::Other(value.text()));

    fn visit_unit<E>(self) -> Result<RuleItem, E> {
        Ok(RuleItem::Other("null".to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RuleItem, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(RuleItem::Other("a list".to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RuleItem, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(RuleItem::Object(entries))
    }
}

impl RuleItem {
    fn read(self) -> (Option<RuleDocument>, Fields) {
        let mut fields = Fields::default();
        let entries = match self {
            Self::Object(entries) => entries,
            Self::Other(found) => {
                fields.problem("", found, "a rule object with id, effect and host");
                return (None, fields);
            }
        };
        let mut rule = RuleDocument::new("", Effect::Deny, "");
        let (mut id, mut effect, mut host) = (false, false, false);
        for (key, value) in entries {
            let key = key.as_str();
            if !fields.first(key) {
                continue;
            }
            match key {
                "id" => id = fields.set(key, value, &mut rule.id, "a string"),
                "effect" => effect = fields.set(key, value, &mut rule.effect, "\"allow\" or \"deny\""),
                "host" => host = fields.set(key, value, &mut rule.host, "a string"),
                "methods" => _ = fields.set(key, value, &mut rule.methods, "a list of methods such as [\"GET\"]"),
                "path_glob" => _ = fields.set(key, value, &mut rule.path_glob, "a string such as \"/repos/**\""),
                "ports" => _ = fields.set(key, value, &mut rule.ports, "a list of ports, 1 to 65535"),
                "warn_only" => _ = fields.set(key, value, &mut rule.warn_only, "true or false"),
                "expires_at" => _ = fields.set(key, value, &mut rule.expires_at, "an RFC 3339 time with a zone"),
                "resolves_to" => _ = fields.set(key, value, &mut rule.resolves_to, "a list of CIDR blocks"),
                "terminated_only" => _ = fields.set(key, value, &mut rule.terminated_only, "true or false"),
                "note" => _ = fields.set(key, value, &mut rule.note, "a string"),
                _ => fields.problem(key, shown(&value), FIELDS),
            }
        }
        for (field, found, expected) in [
            ("id", id, "an id: 1 to 64 of A-Z a-z 0-9 . _ : -"),
            ("effect", effect, "\"allow\" or \"deny\""),
            ("host", host, "a name, *.name, *, an IP address or a CIDR block"),
        ] {
            if !found && !fields.reported(field) {
                fields.problem(field, "missing".to_owned(), expected);
            }
        }
        (Some(rule), fields)
    }
}

const FIELDS: &str =
    "one of id, effect, host, methods, path_glob, ports, warn_only, expires_at, resolves_to, terminated_only, note";

/// The fields of one object: which have been seen, and what was wrong with them.
#[derive(Default)]
struct Fields {
    seen: Vec<String>,
    problems: Vec<Problem>,
}

impl Fields {
    fn problem(&mut self, field: &str, value: String, expected: &str) {
        self.problems.push(Problem {
            at: None,
            rule: None,
            field: field.to_owned(),
            value,
            expected: expected.to_owned(),
        });
    }

    fn reported(&self, field: &str) -> bool {
        self.problems.iter().any(|problem| problem.field == field)
    }

    /// Whether the key is new; a second one is a problem, because readers
    /// disagree about which of the two counts.
    fn first(&mut self, key: &str) -> bool {
        let first = !self.seen.iter().any(|seen| seen == key);
        if first {
            self.seen.push(key.to_owned());
        } else {
            self.problem(key, "twice".to_owned(), "the field once");
        }
        first
    }

    fn value<'de, A: MapAccess<'de>, T: DeserializeOwned>(
        &mut self,
        map: &mut A,
        key: &str,
        expected: &str,
    ) -> Result<Option<T>, A::Error> {
        let value: Value = map.next_value()?;
        if value.is_null() {
            return Ok(None);
        }
        let read = T::deserialize(&value).ok();
        if read.is_none() {
            self.problem(key, shown(&value), expected);
        }
        Ok(read)
    }

    /// Whether `value` was there and has been read; `null` is absence.
    fn set<T: DeserializeOwned>(&mut self, key: &str, value: Value, to: &mut T, expected: &str) -> bool {
        if value.is_null() {
            return false;
        }
        match T::deserialize(&value) {
            Ok(read) => *to = read,
            Err(_) => {
                self.problem(key, shown(&value), expected);
                return false;
            }
        }
        true
    }
}
