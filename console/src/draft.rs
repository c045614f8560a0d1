//! A rule while it is written: what its fields hold, and what is wrong with them, by `sluice_policy` itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sluice_policy::{PolicyDocument, RuleDocument};

use crate::model::Rule;

/// The id under which a rule is judged and linted while it is written.
pub const THIS_RULE: &str = "this-rule";

/// The longest name that the collector keeps, in characters.
const MAX_NAME: usize = 255;

/// What the fields hold. Lists are separated by commas or spaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// The pattern.
    pub host: String,
    /// `allow` or `deny`.
    pub effect: String,
    /// Lets pass, and says so.
    pub warn_only: bool,
    /// Ports.
    pub ports: String,
    /// Methods.
    pub methods: String,
    /// The pattern of paths; empty for any.
    pub path_glob: String,
    /// When it ends, RFC 3339; empty for never.
    pub expires_at: String,
    /// Private blocks that the name may lead to.
    pub resolves_to: String,
    /// A deny that is meant for requests in clear only.
    pub terminated_only: bool,
    /// The id in files.
    pub name: String,
    /// Why it is there.
    pub note: String,
}

/// What is wrong, by field.
pub type Wrong = BTreeMap<String, String>;

impl Draft {
    /// Of a rule that is there.
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        let ports: Vec<String> = rule.ports.iter().map(ToString::to_string).collect();
        Self {
            host: rule.host.clone(),
            effect: rule.effect.clone(),
            warn_only: rule.warn_only,
            ports: ports.join(", "),
            methods: rule.methods.join(", "),
            path_glob: rule.path_glob.clone().unwrap_or_default(),
            expires_at: rule.expires_at.clone().unwrap_or_default(),
            resolves_to: rule.resolves_to.join(", "),
            terminated_only: rule.terminated_only,
            name: rule.name.clone(),
            note: rule.note.clone().unwrap_or_default(),
        }
    }

    /// An allow rule about nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            effect: "allow".to_owned(),
            ..Self::default()
        }
    }

    /// As a policy document has it, under this id. What says nothing is left out, and so is what belongs to the other
    /// effect only, because its field is not shown.
    #[must_use]
    pub fn body(&self, id: &str) -> Value {
        let is_allow = self.effect == "allow";
        let text = |text: &str| (!text.trim().is_empty()).then(|| json!(text.trim()));
        let list = |items: Vec<Value>| (!items.is_empty()).then_some(Value::Array(items));
        let ports = split(&self.ports).map(|word| word.parse::<u64>().map_or_else(|_| json!(word), Value::from));
        let constrained = !self.methods.trim().is_empty() || !self.path_glob.trim().is_empty();
        let members = [
            ("methods", list(split(&self.methods).map(Value::from).collect())),
            ("path_glob", text(&self.path_glob)),
            ("ports", list(ports.collect())),
            ("warn_only", (is_allow && self.warn_only).then_some(json!(true))),
            ("expires_at", text(&self.expires_at)),
            (
                "resolves_to",
                list(split(&self.resolves_to).map(Value::from).collect()).filter(|_| is_allow),
            ),
            (
                "terminated_only",
                (!is_allow && constrained && self.terminated_only).then_some(json!(true)),
            ),
            ("note", text(&self.note)),
        ];
        let mut body = Map::new();
        body.insert("id".to_owned(), json!(id));
        body.insert("effect".to_owned(), json!(self.effect));
        body.insert("host".to_owned(), json!(self.host.trim()));
        for (member, value) in members {
            if let Some(value) = value {
                body.insert(member.to_owned(), value);
            }
        }
        Value::Object(body)
    }

    /// The rule as it would be judged.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn document(&self) -> Result<RuleDocument, Wrong> {
        let mut wrong = Wrong::new();
        if self.host.trim().is_empty() {
            wrong.insert(
                "host".to_owned(),
                "A name, *.name, *, an address or a CIDR block".to_owned(),
            );
        } else if !self.host.is_ascii() {
            // Whoever decides knows the ASCII form only.
            wrong.insert("host".to_owned(), "This name has no ASCII form (xn--…)".to_owned());
        }
        if self.name.chars().count() > MAX_NAME {
            wrong.insert("name".to_owned(), format!("At most {MAX_NAME} characters"));
        }
        let whole = json!({"rules": [self.body(THIS_RULE)]}).to_string();
        let read = match PolicyDocument::from_json(whole.as_bytes()) {
            Ok(read) => read.rules.into_iter().next(),
            Err(problems) => {
                for problem in problems {
                    let said = format!("{}: expected {}", problem.value, problem.expected);
                    wrong.entry(problem.field).or_insert(said);
                }
                None
            }
        };
        match read {
            Some(rule) if wrong.is_empty() => Ok(rule),
            _ => Err(wrong),
        }
    }
}

/// The words of a list.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| character == ',' || character.is_whitespace())
        .filter(|word| !word.is_empty())
}

/// What of a host has to be converted by UTS 46, which the browser does: the prefix that stays, and the name. Only
/// names are: nothing that a parser of addresses could take for something else than a host.
#[must_use]
pub fn to_convert(host: &str) -> Option<(&str, &str)> {
    let host = host.trim();
    if host.is_ascii() {
        return None;
    }
    let (prefix, name) = match host.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", host),
    };
    let is_name =
        |character: char| !character.is_ascii() || character.is_ascii_alphanumeric() || "-_.".contains(character);
    name.chars().all(is_name).then_some((prefix, name))
}

#[cfg(test)]
mod tests;
