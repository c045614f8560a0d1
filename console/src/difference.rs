//! What tells two revisions of a policy apart: mode, default, and rules by their members.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::{RevisionDocument, Rule};

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// The mode and the default effect.
    pub policy: Vec<Change>,
    /// Rules that are new.
    pub added: Vec<Rule>,
    /// Rules that are not there any more.
    pub removed: Vec<Rule>,
    /// Rules that say something else.
    pub changed: Vec<Changed>,
    /// Whether rules that are in both stand in another order.
    pub is_reordered: bool,
}

/// A rule that says something else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// As it is now.
    pub rule: Rule,
    /// Its members.
    pub members: Vec<Change>,
}

/// A member, before and after, in words; empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Which.
    pub member: &'static str,
    /// Before.
    pub from: String,
    /// After.
    pub to: String,
}

impl Difference {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// From one revision to another.
    #[must_use]
    pub fn of(from: &RevisionDocument, to: &RevisionDocument) -> Self {
        let policy = [
            ("mode", &from.mode, &to.mode),
            ("default_effect", &from.default_effect, &to.default_effect),
        ];
        let (old, new) = (rules(from), rules(to));
        let pairs = paired(&old, &new);
        let mut difference = Self {
            policy: policy
                .into_iter()
                .filter_map(|(member, from, to)| change(member, from, to))
                .collect(),
            is_reordered: !pairs.is_sorted_by_key(|(_, new)| *new),
            ..Self::default()
        };
        let (kept_old, kept_new): (BTreeSet<usize>, BTreeSet<usize>) = pairs.iter().copied().unzip();
        let left = |rules: &[Rule], kept: &BTreeSet<usize>| -> Vec<Rule> {
            let rest = rules.iter().enumerate().filter(|(place, _)| !kept.contains(place));
            rest.map(|(_, rule)| rule.clone()).collect()
        };
        difference.removed = left(&old, &kept_old);
        difference.added = left(&new, &kept_new);
        for (from, to) in pairs {
            if let (Some(from), Some(to)) = (old.get(from), new.get(to)) {
                let members = members(from, to);
                if !members.is_empty() {
                    difference.changed.push(Changed {
                        rule: to.clone(),
                        members,
                    });
                }
            }
        }
        difference
    }
}

/// The rules of a revision; what is none is left out.
#[must_use]
pub fn rules(document: &RevisionDocument) -> Vec<Rule> {
    let read = |rule: &Value| serde_json::from_value(rule.clone()).ok();
    document.rules.iter().filter_map(read).collect()
}

/// The same rules on both sides, by place, in the order of the old ones. A rule that is changed gets another id, so those
/// that are left are known by their name, and then by effect and host.
fn paired(old: &[Rule], new: &[Rule]) -> Vec<(usize, usize)> {
    type Key = fn(&Rule) -> (&str, &str);
    let keys: [Key; 3] = [
        |rule| (rule.id.as_str(), ""),
        |rule| (rule.name.as_str(), ""),
        |rule| (rule.effect.as_str(), rule.host.as_str()),
    ];
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    let (mut left_old, mut left_new): (BTreeSet<usize>, BTreeSet<usize>) =
        ((0..old.len()).collect(), (0..new.len()).collect());
    for key in keys {
        let mut places: std::collections::HashMap<(&str, &str), Vec<usize>> = std::collections::HashMap::new();
        // The first of equal ones is taken first.
        for place in left_new.iter().rev().copied() {
            if let Some(rule) = new.get(place) {
                places.entry(key(rule)).or_default().push(place);
            }
        }
        for place in left_old.clone() {
            let Some(rule) = old.get(place) else { continue };
            let of = key(rule);
            if of.0.is_empty() {
                continue;
            }
            if let Some(other) = places.get_mut(&of).and_then(Vec::pop) {
                left_old.remove(&place);
                left_new.remove(&other);
                pairs.push((place, other));
            }
        }
    }
    pairs.sort_unstable();
    pairs
}

fn members(from: &Rule, to: &Rule) -> Vec<Change> {
    let words = |list: &[String]| list.join(", ");
    let ports = |rule: &Rule| words(&rule.ports.iter().map(ToString::to_string).collect::<Vec<_>>());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let flag = |is: bool| if is { "yes" } else { "" }.to_owned();
    let both = [
        ("name", from.name.clone(), to.name.clone()),
        ("effect", from.effect.clone(), to.effect.clone()),
        ("host", from.host.clone(), to.host.clone()),
        ("ports", ports(from), ports(to)),
        ("methods", words(&from.methods), words(&to.methods)),
        ("path_glob", text(&from.path_glob), text(&to.path_glob)),
        ("warn_only", flag(from.warn_only), flag(to.warn_only)),
        ("expires_at", text(&from.expires_at), text(&to.expires_at)),
        ("resolves_to", words(&from.resolves_to), words(&to.resolves_to)),
        ("terminated_only", flag(from.terminated_only), flag(to.terminated_only)),
        ("note", text(&from.note), text(&to.note)),
    ];
    let changes = both.iter().filter_map(|(member, from, to)| change(member, from, to));
    changes.collect()
}

fn change(member: &'static str, from: &str, to: &str) -> Option<Change> {
    (from != to).then(|| Change {
        member,
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn revision(mode: &str, rules: Value) -> RevisionDocument {
        serde_json::from_value(json!({"mode": mode, "default_effect": "deny", "rules": rules})).unwrap()
    }

    fn hosts(rules: &[Rule]) -> Vec<&str> {
        rules.iter().map(|rule| rule.host.as_str()).collect()
    }

    #[test]
    fn nothing_is_different_where_nothing_is() {
        let rules = json!([{"id": "rule_1", "name": "a", "host": "a.example.com", "effect": "allow", "created_at": "2026-01-01T00:00:00Z"}]);
        let one = revision("enforce", rules);
        assert!(Difference::of(&one, &one).is_empty());
    }

    #[test]
    fn rules_come_go_and_change_by_member() {
        let from = revision(
            "audit_only",
            json!([
                {"id": "rule_1", "name": "same", "host": "same.example.com", "effect": "allow"},
                {"id": "rule_2", "name": "edited", "host": "edited.example.com", "effect": "allow", "ports": [443]},
                {"id": "rule_3", "name": "gone", "host": "gone.example.com", "effect": "deny"},
            ]),
        );
        let to = revision(
            "enforce",
            json!([
                {"id": "rule_1", "name": "same", "host": "same.example.com", "effect": "allow"},
                {"id": "rule_9", "name": "edited", "host": "edited.example.com", "effect": "allow", "ports": [443, 80], "warn_only": true},
                {"id": "rule_8", "name": "new", "host": "new.example.com", "effect": "allow"},
            ]),
        );
        let difference = Difference::of(&from, &to);
        assert_eq!(hosts(&difference.added), ["new.example.com"]);
        assert_eq!(hosts(&difference.removed), ["gone.example.com"]);
        let [changed] = &difference.changed[..] else {
            panic!("{:?}", difference.changed)
        };
        let told: Vec<_> = changed
            .members
            .iter()
            .map(|change| (change.member, change.from.as_str(), change.to.as_str()))
            .collect();
        assert_eq!(told, [("ports", "443", "443, 80"), ("warn_only", "", "yes")]);
        let mode = Change {
            member: "mode",
            from: "audit_only".to_owned(),
            to: "enforce".to_owned(),
        };
        assert_eq!(difference.policy, [mode]);
        assert!(!difference.is_reordered);
        let back = Difference::of(&to, &from);
        assert_eq!(hosts(&back.added), ["gone.example.com"]);
        assert_eq!(back.changed[0].members[0].to, "443");
    }

    #[test]
    fn another_order_is_a_difference_and_equal_names_are_paired_once_each() {
        let rule = |id: &str, host: &str| json!({"id": id, "name": "x", "host": host, "effect": "allow"});
        let from = revision(
            "enforce",
            json!([rule("1", "a.example.com"), rule("2", "b.example.com")]),
        );
        let to = revision(
            "enforce",
            json!([rule("2", "b.example.com"), rule("1", "a.example.com")]),
        );
        let difference = Difference::of(&from, &to);
        assert!(difference.is_reordered && !difference.is_empty());
        assert!(difference.changed.is_empty() && difference.added.is_empty() && difference.removed.is_empty());
        let fewer = revision("enforce", json!([rule("7", "a.example.com")]));
        let difference = Difference::of(&from, &fewer);
        assert_eq!(hosts(&difference.removed), ["b.example.com"]);
        assert!(difference.changed.is_empty(), "{:?}", difference.changed);
    }
}
