//! What came of a row in Envoy, against what was to come of it.

use std::thread;

use sluice_policy::{Action, DecisionRecord};
use sluice_tests::envoy::Envoy;
use sluice_tests::table::{Form, InEnvoy, Row};
use sluice_tests::wait;

use crate::sending::{PASSED, Sent};

/// Mismatches of all rows, so that one run shows them all.
#[derive(Default)]
pub(crate) struct Mismatches(Vec<String>);

impl Mismatches {
    pub(crate) fn expect<T: PartialEq + std::fmt::Debug>(&mut self, row: &Row, what: &str, found: T, expected: T) {
        if found != expected {
            let text = &row.text;
            self.0.push(format!(
                "{text}\n  {what}: found    {found:?}\n  {what}: expected {expected:?}"
            ));
        }
    }
}

impl Drop for Mismatches {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert!(self.0.is_empty(), "{} mismatches:\n{}", self.0.len(), self.0.join("\n"));
        }
    }
}

/// Compares the answer, and the decision in Envoy's log.
pub(crate) fn check(row: &Row, sent: &Sent, expected: &DecisionRecord<'_>, envoy: &Envoy, mismatches: &mut Mismatches) {
    mismatches.expect(row, "answer", sent.answer, answer(row, expected));
    let line = || {
        wait::within(wait::PATIENCE, || {
            envoy.access_log().into_iter().find(|entry| sent.is_logged_by(entry))
        })
    };
    match row.envoy {
        InEnvoy::Same | InEnvoy::Sees(_) | InEnvoy::Routeless(_) => {
            let verdict = line().and_then(|entry| entry.verdict);
            let verdict = verdict.as_deref().unwrap_or("nothing");
            match serde_json::from_str::<DecisionRecord<'_>>(verdict) {
                Ok(found) => mismatches.expect(row, "record", &found, expected),
                Err(_) => mismatches.expect(row, "verdict", verdict, "a decision"),
            }
        }
        InEnvoy::Answers(_) => {
            // The line that Envoy itself writes about it.
            mismatches.expect(row, "there is a line in the log", line().is_some(), true);
            not_asked(row, sent, envoy, mismatches);
        }
        // There may be no line; the one of a marker came after it.
        InEnvoy::Resets => not_asked(row, sent, envoy, mismatches),
    }
}

fn not_asked(row: &Row, sent: &Sent, envoy: &Envoy, mismatches: &mut Mismatches) {
    let log = envoy.access_log();
    let asked = log
        .iter()
        .any(|entry| sent.is_logged_by(entry) && entry.verdict.is_some());
    mismatches.expect(row, "the filter was asked", asked, false);
}

fn answer(row: &Row, expected: &DecisionRecord<'_>) -> Option<u16> {
    let because = expected.rejected_by.as_deref().unwrap_or_default();
    match (&row.envoy, row.form) {
        (InEnvoy::Answers(status), _) => Some(*status),
        (InEnvoy::Resets, _) => None,
        (InEnvoy::Routeless(status), _) if expected.action != Action::Reject => Some(*status),
        _ if expected.action != Action::Reject => Some(PASSED),
        (_, Form::Tls | Form::Dialled) => None,
        // The tunnel was open: its target was allowed.
        (_, Form::Inside) if because.starts_with("sni_") => None,
        (_, Form::Terminated) if because == "sni_mismatch" => Some(421),
        _ => Some(403),
    }
}
