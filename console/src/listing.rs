//! The list of rules: in the order in which they decide, and the part of it that somebody looks for.

use std::cmp::Reverse;

use sluice_policy::{HostPattern, Timestamp};

use crate::model::Rule;

/// Where a rule is in its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Time {
    /// It has no end.
    Lasting,
    /// It ends later than in a day.
    Ending,
    /// It ends within a day.
    Soon,
    /// It does not exist any more.
    Past,
}

/// A day, in microseconds.
const DAY: i64 = 86_400_000_000;

impl Time {
    /// Of a rule, at a time. An end that is no time does not load, so it is shown as past.
    #[must_use]
    pub fn of(rule: &Rule, now: Timestamp) -> Self {
        let Some(text) = rule.expires_at.as_deref() else {
            return Self::Lasting;
        };
        match Timestamp::parse_rfc3339(text) {
            Ok(end) if end > Timestamp::from_micros(now.micros().saturating_add(DAY)) => Self::Ending,
            Ok(end) if end > now => Self::Soon,
            _ => Self::Past,
        }
    }
}

/// Which rules are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// All.
    #[default]
    All,
    /// Those that allow.
    Allow,
    /// Those that deny.
    Deny,
    /// Those that allow on trial.
    Warn,
    /// Those whose time is over.
    Expired,
}

impl Kind {
    /// The words of the address bar.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("", Self::All),
        ("allow", Self::Allow),
        ("deny", Self::Deny),
        ("warn", Self::Warn),
        ("expired", Self::Expired),
    ];

    /// Of a word.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map_or(Self::All, |(_, kind)| *kind)
    }

    /// Whether a rule is one.
    #[must_use]
    pub fn has(self, rule: &Rule, now: Timestamp) -> bool {
        match self {
            Self::All => true,
            Self::Allow => rule.effect == "allow",
            Self::Deny => rule.effect == "deny",
            Self::Warn => rule.warn_only,
            Self::Expired => Time::of(rule, now) == Time::Past,
        }
    }
}

/// The rules of a kind with this in host, name, note, path or id, in the order in which they decide: denies first, then
/// allows by how specific they are, those on trial behind the others. What has expired comes last.
#[must_use]
pub fn found(rules: &[Rule], kind: Kind, part: &str, now: Timestamp) -> Vec<Rule> {
    let part = part.trim().to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&part);
    let mut found: Vec<Rule> = rules
        .iter()
        .filter(|rule| kind.has(rule, now))
        .filter(|rule| {
            let optional = [rule.note.as_deref(), rule.path_glob.as_deref()];
            part.is_empty()
                || [&rule.host, &rule.name, &rule.id].into_iter().any(|text| has(text))
                || optional.into_iter().flatten().any(has)
        })
        .cloned()
        .collect();
    found.sort_by_cached_key(|rule| {
        let is_allow = rule.effect == "allow";
        let specificity = HostPattern::parse(&rule.host).ok().map(|host| host.specificity());
        // Denies are tried in the order of the list.
        let rank = is_allow.then_some((Reverse(specificity), rule.warn_only));
        (Time::of(rule, now) == Time::Past, is_allow, rank)
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn rule(name: &str, effect: &str, host: &str) -> Rule {
        Rule {
            name: name.to_owned(),
            effect: effect.to_owned(),
            host: host.to_owned(),
            ..Rule::default()
        }
    }

    fn names(rules: &[Rule]) -> Vec<&str> {
        rules.iter().map(|rule| rule.name.as_str()).collect()
    }

    #[test]
    fn rules_stand_in_the_order_in_which_they_decide() {
        let now = Timestamp::parse_rfc3339("2026-12-01T00:00:00Z").unwrap();
        let trial = Rule {
            warn_only: true,
            ..rule("trial", "allow", "api.example.com")
        };
        let gone = Rule {
            expires_at: Some("2026-12-01T00:00:00Z".to_owned()),
            ..rule("gone", "deny", "old.example.com")
        };
        let rules = [
            gone,
            rule("any", "allow", "*"),
            rule("block", "allow", "192.0.2.0/24"),
            rule("below", "allow", "*.example.com"),
            rule("deeper", "allow", "*.eu.example.com"),
            trial,
            rule("exact", "allow", "api.example.com"),
            rule("deny-all", "deny", "*"),
            rule("deny-one", "deny", "api.example.com"),
        ];
        let all = found(&rules, Kind::All, "", now);
        let order = "deny-all deny-one exact trial deeper below block any gone";
        assert_eq!(names(&all).join(" "), order);
        assert_eq!(names(&found(&rules, Kind::Warn, "", now)), ["trial"]);
        assert_eq!(names(&found(&rules, Kind::Expired, "", now)), ["gone"]);
        assert_eq!(names(&found(&rules, Kind::Deny, "API.", now)), ["deny-one"]);
        assert_eq!(names(&found(&rules, Kind::of("nonsense"), "eu.", now)), ["deeper"]);
    }

    #[test]
    fn the_end_of_a_rule_is_near_or_past() {
        let now = Timestamp::parse_rfc3339("2026-12-01T12:00:00Z").unwrap();
        let until = |end: Option<&str>| {
            let rule = Rule {
                expires_at: end.map(str::to_owned),
                ..Rule::default()
            };
            Time::of(&rule, now)
        };
        assert_eq!(until(None), Time::Lasting);
        assert_eq!(until(Some("2026-12-01T12:00:00Z")), Time::Past);
        assert_eq!(until(Some("2026-12-01T12:00:01Z")), Time::Soon);
        assert_eq!(until(Some("2026-12-02T13:00:00+01:00")), Time::Soon);
        assert_eq!(until(Some("2026-12-02T12:00:01Z")), Time::Ending);
        assert_eq!(until(Some("soon")), Time::Past);
    }
}
