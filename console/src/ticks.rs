//! Which suggestions go into the list: what is recommended, and where somebody decided otherwise. Only the exceptions
//! are kept, so that a hundred thousand rows need no state.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{Resource, Suggestion};

/// Where somebody decided otherwise than is recommended, by what a rule would name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ticks {
    also: BTreeSet<String>,
    without: BTreeSet<String>,
}

impl Ticks {
    /// Whether it goes into the list unless somebody says otherwise: what is clear does, a question does not.
    #[must_use]
    pub fn preset(suggestion: &Suggestion) -> bool {
        matches!(suggestion.recommendation.as_str(), "keep" | "deny")
    }

    /// Whether there is something to decide: no rule can be made of what has no name in common, and what a rule in
    /// force lists stays listed until that rule is removed.
    #[must_use]
    pub fn is_open(suggestion: &Suggestion) -> bool {
        !suggestion.subject().is_empty() && suggestion.listed.is_none()
    }

    /// Whether it goes into the list.
    #[must_use]
    pub fn has(&self, suggestion: &Suggestion) -> bool {
        let subject = suggestion.subject();
        if Self::preset(suggestion) {
            !self.without.contains(subject)
        } else {
            self.also.contains(subject)
        }
    }

    /// Decides about one. What is decided as recommended is no exception any more.
    pub fn set(&mut self, suggestion: &Suggestion, ticked: bool) {
        if !Self::is_open(suggestion) {
            return;
        }
        let subject = suggestion.subject();
        self.also.remove(subject);
        self.without.remove(subject);
        match (Self::preset(suggestion), ticked) {
            (false, true) => self.also.insert(subject.to_owned()),
            (true, false) => self.without.insert(subject.to_owned()),
            _ => false,
        };
    }

    /// How many go in, and how many are left out, otherwise than is recommended.
    #[must_use]
    pub fn exceptions(&self) -> (u64, u64) {
        (self.also.len() as u64, self.without.len() as u64)
    }

    /// Whether all is as recommended.
    #[must_use]
    pub fn is_as_recommended(&self) -> bool {
        self.also.is_empty() && self.without.is_empty()
    }

    /// As the question for the list that follows from them.
    #[must_use]
    pub fn question(&self, resource: &Resource, since: &str) -> Value {
        json!({
            "resource_type": resource.kind,
            "resource_id": resource.id,
            "since": since,
            "also": self.also,
            "without": self.without,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn suggestion(host: &str, recommendation: &str) -> Suggestion {
        Suggestion {
            host: Some(host.to_owned()),
            recommendation: recommendation.to_owned(),
            ..Suggestion::default()
        }
    }

    #[test]
    fn what_is_clear_is_ticked_and_a_question_is_not() {
        let ticks = Ticks::default();
        for (recommendation, ticked) in [("keep", true), ("deny", true), ("question", false), ("", false)] {
            assert_eq!(
                ticks.has(&suggestion("a.example.com", recommendation)),
                ticked,
                "{recommendation}"
            );
        }
    }

    #[test]
    fn only_exceptions_are_kept() {
        let (keep, question) = (
            suggestion("a.example.com", "keep"),
            suggestion("b.example.com", "question"),
        );
        let mut ticks = Ticks::default();
        ticks.set(&keep, true);
        ticks.set(&question, false);
        assert!(ticks.is_as_recommended());
        ticks.set(&keep, false);
        ticks.set(&question, true);
        assert!(!ticks.has(&keep) && ticks.has(&question));
        assert_eq!(ticks.exceptions(), (1, 1));
        ticks.set(&keep, true);
        ticks.set(&question, false);
        assert!(ticks.is_as_recommended());
    }

    #[test]
    fn a_group_goes_by_its_pattern_and_the_question_names_both_ways() {
        let group = Suggestion {
            pattern: Some("*.example.com".to_owned()),
            members: vec!["a.example.com".to_owned()],
            recommendation: "question".to_owned(),
            ..Suggestion::default()
        };
        let mut ticks = Ticks::default();
        ticks.set(&group, true);
        ticks.set(&suggestion("c.example.com", "deny"), false);
        assert_eq!(
            ticks.question(&Resource::new("sandbox", "sb_1"), "30d"),
            json!({
                "resource_type": "sandbox", "resource_id": "sb_1", "since": "30d",
                "also": ["*.example.com"], "without": ["c.example.com"],
            })
        );
    }

    #[test]
    fn what_is_listed_or_has_no_name_is_not_open() {
        let mut listed = suggestion("a.example.com", "keep");
        listed.listed = Some("gh".to_owned());
        let nameless = Suggestion {
            recommendation: "question".to_owned(),
            ..Suggestion::default()
        };
        let mut ticks = Ticks::default();
        for suggestion in [&listed, &nameless] {
            assert!(!Ticks::is_open(suggestion));
            ticks.set(suggestion, true);
            ticks.set(suggestion, false);
        }
        assert!(ticks.is_as_recommended());
    }

    #[test]
    fn a_recommendation_that_changes_meanwhile_leaves_no_wrong_answer() {
        let mut ticks = Ticks::default();
        ticks.set(&suggestion("a.example.com", "question"), true);
        let now = suggestion("a.example.com", "keep");
        assert!(ticks.has(&now));
        ticks.set(&now, false);
        assert!(!ticks.has(&now) && !ticks.has(&suggestion("a.example.com", "question")));
        assert_eq!(ticks.exceptions(), (0, 1));
    }
}
