//! Decisions in the words of the table.

use sluice_policy::{Action, DecisionRecord};

/// What was done and why, as the table says it.
#[must_use]
pub fn words(record: &DecisionRecord<'_>) -> String {
    let by = match (&record.rejected_by, &record.rule_id) {
        (Some(reason), _) => reason.to_string(),
        (None, Some(rule)) => rule.to_string(),
        (None, None) => "default".to_owned(),
    };
    let nearest = record.nearest.as_ref().map_or_else(String::new, |nearest| {
        let why = serde_json::to_value(nearest.why).expect("a word serialises");
        format!(" ({}: {})", nearest.rule_id, why.as_str().unwrap_or_default())
    });
    let action = match (record.action, record.would_reject) {
        (Action::Allow, true) => "allow, would reject",
        (Action::Allow, false) => "allow",
        (Action::Warn, _) => "warn",
        (Action::Reject, _) => "reject",
    };
    format!("{action} {by}{nearest}")
}

/// What was decided on, as host and port; empty for what is no target.
#[must_use]
pub fn target(record: &DecisionRecord<'_>) -> String {
    match (&record.host, record.port) {
        (Some(host), Some(port)) if host.contains(':') => format!("[{host}]:{port}"),
        (Some(host), Some(port)) => format!("{host}:{port}"),
        _ => String::new(),
    }
}
