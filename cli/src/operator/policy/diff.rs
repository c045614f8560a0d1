//! What differs between two policies: mode, default, and rules by their ids.

use std::fmt::Write;

use serde_json::{Value, json};

use super::DiffArguments;
use super::history::revisions;
use super::show::document;
use crate::client::Fields;
use crate::failure::Failure;
use crate::operator::each;
use crate::operator::resources::Misuse;
use crate::operator::session::{Format, print_object};
use crate::outcome::Outcome;
use crate::{output, policy};

/// Compares and prints.
pub(super) fn run(arguments: &DiffArguments) -> Result<Outcome, Failure> {
    let candidate = arguments.file.as_deref().map(policy::load).transpose()?;
    let (session, format) = arguments.common.open()?;
    let client = &session.client;
    let resource = arguments.targets.one(&session, "a comparison")?;
    let policy = each::policy_needed(client, &resource)?;
    let (from, to) = match candidate {
        Some(candidate) => (document(client, &policy, None)?, json!(candidate)),
        None => {
            let newer = arguments.to.unwrap_or_else(|| policy.number("revision"));
            let older = match arguments.from {
                Some(from) => from,
                None => {
                    let all = revisions(client, &policy)?;
                    let older = all
                        .iter()
                        .map(|row| row.number("revision"))
                        .find(|revision| *revision < newer);
                    older.ok_or(Misuse::OneRevision(resource))?
                }
            };
            (
                document(client, &policy, Some(older))?,
                document(client, &policy, Some(newer))?,
            )
        }
    };
    let changes = changes(&from, &to);
    match format {
        Format::Json => print_object(&changes)?,
        Format::Table => output::result(|out| out.write_all(text(&changes).as_bytes()))?,
    }
    Ok(Outcome::Done)
}

fn changes(from: &Value, to: &Value) -> Value {
    let words = ["mode", "default_effect"].into_iter();
    let words = words.filter(|name| from.field(name) != to.field(name));
    let words = words.map(|name| json!({"field": name, "from": from.field(name), "to": to.field(name)}));
    let find = |policy: &Value, id: &str| policy.list("rules").iter().find(|rule| rule.text("id") == id).cloned();
    let (mut removed, mut added, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for old in from.list("rules") {
        match find(to, old.text("id")) {
            None => removed.push(old.clone()),
            Some(new) if plain(&new) != plain(old) => changed.push(json!({"from": plain(old), "to": plain(&new)})),
            Some(_) => {}
        }
    }
    for new in to.list("rules") {
        if find(from, new.text("id")).is_none() {
            added.push(new.clone());
        }
    }
    json!({"fields": words.collect::<Vec<_>>(), "removed": removed, "added": added, "changed": changed})
}

/// A rule without what says nothing: absent, null, empty and false are the same.
fn plain(rule: &Value) -> Value {
    let says = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    let members = rule.as_object().into_iter().flatten();
    let members = members.filter(|(_, value)| says(value));
    members.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn text(changes: &Value) -> String {
    let mut text = String::new();
    for field in changes.list("fields") {
        let (from, to) = (output::ascii(field.field("from")), output::ascii(field.field("to")));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}: {from} -> {to}", output::cell(field.text("field")));
    }
    for rule in changes.list("removed") {
        let _ = writeln!(text, "- {}", output::ascii(&plain(rule)));
    }
    for rule in changes.list("added") {
        let _ = writeln!(text, "+ {}", output::ascii(&plain(rule)));
    }
    for rule in changes.list("changed") {
        let _ = writeln!(text, "- {}", output::ascii(rule.field("from")));
        let _ = writeln!(text, "+ {}", output::ascii(rule.field("to")));
    }
    if text.is_empty() {
        text.push_str("nothing differs\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_compared_by_what_they_say() {
        let from = json!({"mode": "audit_only", "rules": [
            {"id": "a", "effect": "allow", "host": "a.example.com", "ports": [], "note": null},
            {"id": "b", "effect": "allow", "host": "b.example.com"},
            {"id": "c", "effect": "allow", "host": "c.example.com"}]});
        let to = json!({"mode": "enforce", "rules": [
            {"id": "a", "effect": "allow", "host": "a.example.com", "warn_only": false},
            {"id": "c", "effect": "deny", "host": "c.example.com"},
            {"id": "d", "effect": "allow", "host": "d.example.com"}]});
        let changes = changes(&from, &to);
        assert_eq!(
            changes["fields"],
            json!([{"field": "mode", "from": "audit_only", "to": "enforce"}])
        );
        let ids = |name: &str| -> Vec<String> {
            changes
                .list(name)
                .iter()
                .map(|rule| rule.text("id").to_owned())
                .collect()
        };
        assert_eq!(
            (ids("removed"), ids("added")),
            (vec!["b".to_owned()], vec!["d".to_owned()])
        );
        assert_eq!(changes["changed"][0]["to"]["effect"], "deny");
        assert_eq!(changes.list("changed").len(), 1);
        assert_eq!(text(&super::changes(&to, &to)), "nothing differs\n");
        assert_eq!(text(&changes).lines().count(), 5);
    }
}
