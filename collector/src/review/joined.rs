//! The rules a policy has and those that are suggested, in one list.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

/// What makes a rule another rule.
const MEANING: [&str; 7] = [
    "effect",
    "host",
    "methods",
    "path_glob",
    "ports",
    "warn_only",
    "expires_at",
];

/// A policy's own rules, then the suggested ones that it does not have, under
/// ids that no other has; rules as a policy file has them.
#[must_use]
pub fn joined(own: &[Value], suggested: &[Value]) -> Vec<Value> {
    let mut rules = own.to_vec();
    let mut ids: BTreeSet<String> = own.iter().map(|rule| text(rule, "id").to_owned()).collect();
    // By host, because there may be very many.
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, rule) in own.iter().enumerate() {
        places.entry(text(rule, "host").to_owned()).or_default().push(place);
    }
    for rule in suggested {
        let of_host = places.entry(text(rule, "host").to_owned()).or_default();
        // Of rules for one host the first decides, and with it where the host may lead.
        for place in of_host.iter() {
            if let Some(had) = rules.get_mut(*place).filter(|had| both_allow(had, rule)) {
                permit(had, list(rule, "resolves_to"));
            }
        }
        let mut had = of_host.iter().filter_map(|place| own.get(*place));
        if had.any(|had| means_the_same(had, rule)) {
            continue;
        }
        let mut rule = rule.clone();
        let id = free(text(&rule, "id"), &ids);
        if let Some(members) = rule.as_object_mut() {
            members.insert("id".to_owned(), id.as_str().into());
        }
        ids.insert(id);
        of_host.push(rules.len());
        rules.push(rule);
    }
    rules
}

fn text<'r>(rule: &'r Value, name: &str) -> &'r str {
    rule[name].as_str().unwrap_or_default()
}

fn list<'r>(rule: &'r Value, name: &str) -> &'r [Value] {
    rule[name].as_array().map_or(&[], Vec::as_slice)
}

fn both_allow(one: &Value, other: &Value) -> bool {
    text(one, "effect") == "allow" && text(other, "effect") == "allow"
}

/// Lets a rule's host lead to these blocks too.
fn permit(rule: &mut Value, blocks: &[Value]) {
    let mut all = list(rule, "resolves_to").to_vec();
    let missing = blocks.iter().filter(|block| !all.contains(block));
    let missing: Vec<Value> = missing.cloned().collect();
    if let (false, Some(members)) = (missing.is_empty(), rule.as_object_mut()) {
        all.extend(missing);
        members.insert("resolves_to".to_owned(), all.into());
    }
}

fn means_the_same(one: &Value, other: &Value) -> bool {
    // Absent, null, false and empty all say nothing.
    let said = |rule: &Value, name: &str| match &rule[name] {
        Value::Bool(false) => Value::Null,
        Value::Array(list) if list.is_empty() => Value::Null,
        value => value.clone(),
    };
    MEANING.iter().all(|name| said(one, name) == said(other, name))
}

/// The id, or one like it that no other rule has.
fn free(id: &str, taken: &BTreeSet<String>) -> String {
    let mut free = id.to_owned();
    let mut number = 2_u64;
    while taken.contains(&free) {
        // Ids have at most 64 characters, all of them ASCII.
        let stem: String = id.chars().take(56).collect();
        free = format!("{stem}-{number}");
        number += 1;
    }
    free
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn suggestions_are_added_once_and_under_ids_of_their_own() {
        let own = [
            json!({"id": "api", "effect": "allow", "host": "api.example.com"}),
            json!({"id": "cdn", "effect": "deny", "host": "cdn.example.com"}),
        ];
        let suggested = [
            json!({"id": "x", "effect": "allow", "host": "api.example.com", "ports": [], "warn_only": false, "note": "n"}),
            json!({"id": "cdn", "effect": "allow", "host": "cdn.example.com", "ports": [443]}),
            json!({"id": "new", "effect": "allow", "host": "new.example.com"}),
        ];
        let rules = joined(&own, &suggested);
        let ids: Vec<&str> = rules.iter().map(|rule| text(rule, "id")).collect();
        assert_eq!(ids, ["api", "cdn", "cdn-2", "new"]);
        assert_eq!(rules[2]["ports"], json!([443]));
        assert_eq!(joined(&rules, &suggested), rules);
        let inside = [
            json!({"id": "y", "effect": "allow", "host": "api.example.com", "ports": [443],
            "resolves_to": ["10.2.3.4/32"]}),
        ];
        let rules = joined(&own, &inside);
        assert_eq!(rules.len(), 3);
        assert_eq!(rules[0]["resolves_to"], json!(["10.2.3.4/32"]), "it decides first");
        assert_eq!(rules[1], own[1]);
        let long = "a".repeat(64);
        assert_eq!(free(&long, &BTreeSet::from([long.clone()])).len(), 58);
    }

    #[test]
    fn a_rule_that_was_added_gets_what_a_later_one_permits() {
        let of = |ports: u16, blocks: &[&str]| json!({"id": "a", "effect": "allow", "host": "a.example.com", "ports": [ports], "resolves_to": blocks});
        let rules = joined(&[], &[of(443, &[]), of(8443, &["10.0.0.1/32"])]);
        assert_eq!(rules[0]["resolves_to"], json!(["10.0.0.1/32"]));
        assert_eq!((rules.len(), &rules[1]["id"]), (2, &json!("a-2")));
    }
}
