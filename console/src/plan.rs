//! What a lockdown is about to do: the list, and what it would have done to what was seen.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::model::{Affected, ListToApply, Resource, Simulation};

/// A list, and its simulation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The rules.
    pub list: ListToApply,
    /// What they would have done.
    pub trial: Simulation,
}

impl Plan {
    /// The question what a list would do.
    #[must_use]
    pub fn simulation(list: &ListToApply, resource: &Resource, since: &str) -> Value {
        json!({
            "resource_type": resource.kind,
            "resource_id": resource.id,
            "since": since,
            "policy": {"mode": "enforce", "default_effect": list.default_effect, "rules": list.rules},
        })
    }

    /// The change that puts the list in force: in one revision, and only if nothing changed since it was made. Without
    /// a mode the mode stays.
    #[must_use]
    pub fn change(&self, mode: Option<&str>, note: &str) -> Value {
        let mut change = json!({"rules": self.list.rules});
        if let Some(mode) = mode {
            change["mode"] = mode.into();
        }
        if let Some(revision) = self.list.expected_revision {
            change["expected_revision"] = revision.into();
        }
        if !note.trim().is_empty() {
            change["note"] = note.trim().into();
        }
        change
    }

    /// The rules, each with whether it is new.
    pub fn rules(&self) -> impl Iterator<Item = (&Value, bool)> {
        let had = (self.list.rules.len() as u64).saturating_sub(self.list.added);
        let rules = self.list.rules.iter().zip(0_u64..);
        rules.map(move |(rule, place)| (rule, place >= had))
    }

    /// What passes today, was seen in the last day, and would be rejected.
    pub fn breaks(&self) -> impl Iterator<Item = &Affected> {
        self.trial.breaks.iter()
    }

    /// What else would be rejected.
    #[must_use]
    pub fn rejected(&self) -> Vec<&Affected> {
        let breaks: HashSet<_> = self.trial.breaks.iter().map(key).collect();
        let rejected = self.trial.destinations.iter();
        rejected
            .filter(|affected| affected.action == "reject" && !breaks.contains(&key(affected)))
            .collect()
    }

    /// What would pass on trial.
    #[must_use]
    pub fn warned(&self) -> Vec<&Affected> {
        let all = self.trial.destinations.iter();
        all.filter(|affected| affected.action == "warn").collect()
    }
}

fn key(affected: &Affected) -> (&str, Option<u16>, Option<&str>, Option<&str>, &str) {
    let nearest = affected.nearest.as_ref().map(|nearest| nearest.rule_id.as_str());
    (
        &affected.host,
        affected.port,
        affected.rejected_by.as_deref(),
        nearest,
        &affected.last_seen,
    )
}

/// How a rule of a list reads in a line: its effect, what it names, and what it asks for besides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// `allow` or `deny`.
    pub effect: String,
    /// The pattern.
    pub host: String,
    /// Ports, methods, path, blocks, time.
    pub only: String,
    /// Why it is there.
    pub note: String,
}

impl Line {
    /// Of a rule as policy files have it.
    #[must_use]
    pub fn of(rule: &Value) -> Self {
        let text = |name: &str| rule[name].as_str().unwrap_or_default().to_owned();
        let list = |name: &str| {
            let values = rule[name].as_array().map_or(&[][..], Vec::as_slice);
            let texts = values.iter().map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            texts.collect::<Vec<_>>().join(" ")
        };
        let (ports, methods) = (list("ports"), list("methods"));
        let (path, leads, until) = (text("path_glob"), list("resolves_to"), text("expires_at"));
        let said = |word: &str, value: &str| (!value.is_empty()).then(|| format!("{word}{value}"));
        let mut only: Vec<String> = [
            said("port ", &ports),
            said("", &methods),
            said("", &path),
            said("may lead to ", &leads),
            said("until ", &until),
        ]
        .into_iter()
        .flatten()
        .collect();
        if rule["warn_only"] == true {
            only.push("on trial".to_owned());
        }
        Self {
            effect: text("effect"),
            host: text("host"),
            only: only.join(", "),
            note: text("note"),
        }
    }

    /// Whether somebody who looks for this means it.
    #[must_use]
    pub fn has(&self, part: &str) -> bool {
        let part = part.trim().to_lowercase();
        [&self.effect, &self.host, &self.only, &self.note]
            .iter()
            .any(|text| text.to_lowercase().contains(&part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn affected(host: &str, action: &str) -> Affected {
        Affected {
            host: host.to_owned(),
            action: action.to_owned(),
            ..Affected::default()
        }
    }

    #[test]
    fn new_rules_are_the_last_ones() {
        let plan = Plan {
            list: ListToApply {
                rules: vec![json!({"id": "a"}), json!({"id": "b"}), json!({"id": "c"})],
                added: 2,
                ..ListToApply::default()
            },
            ..Plan::default()
        };
        let new: Vec<bool> = plan.rules().map(|(_, new)| new).collect();
        assert_eq!(new, [false, true, true]);
    }

    #[test]
    fn each_destination_is_shown_in_one_place() {
        let plan = Plan {
            trial: Simulation {
                destinations: vec![
                    affected("a.example.com", "reject"),
                    affected("b.example.com", "warn"),
                    affected("c.example.com", "reject"),
                ],
                breaks: vec![affected("a.example.com", "reject")],
                ..Simulation::default()
            },
            ..Plan::default()
        };
        let hosts = |rows: Vec<&Affected>| rows.into_iter().map(|row| row.host.clone()).collect::<Vec<_>>();
        assert_eq!(hosts(plan.breaks().collect()), ["a.example.com"]);
        assert_eq!(hosts(plan.rejected()), ["c.example.com"]);
        assert_eq!(hosts(plan.warned()), ["b.example.com"]);
    }

    #[test]
    fn a_change_says_what_it_goes_on_from_and_keeps_the_mode_unless_told() {
        let plan = Plan {
            list: ListToApply {
                rules: vec![json!({"id": "a"})],
                expected_revision: Some(7),
                ..ListToApply::default()
            },
            ..Plan::default()
        };
        assert_eq!(
            plan.change(Some("enforce"), " why "),
            json!({"rules": [{"id": "a"}], "mode": "enforce", "expected_revision": 7, "note": "why"})
        );
        assert_eq!(
            plan.change(None, " "),
            json!({"rules": [{"id": "a"}], "expected_revision": 7})
        );
    }

    #[test]
    fn a_rule_reads_in_a_line() {
        let rule = json!({
            "id": "gh", "effect": "allow", "host": "api.example.com", "methods": ["GET", "HEAD"], "ports": [443],
            "path_glob": "/repos/**", "warn_only": true, "note": "Needed",
        });
        let line = Line::of(&rule);
        assert_eq!(line.only, "port 443, GET HEAD, /repos/**, on trial");
        assert!(line.has("API.ex") && line.has("needed ") && line.has("") && !line.has("deny"));
    }
}
