//! The table of suggestions, one part for each recommendation.

use std::io::{self, Write};

use sluice_harness::recording::Skipped;
use sluice_harness::suggest::{LeftOut, Recommendation, Suggestion, Suggestions};

use crate::bytes::printable;
use crate::output;
use crate::recordings::LISTED;
use crate::table::Columns;

/// The recommendations in the order in which they want to be looked at.
const PARTS: [(Recommendation, &str); 3] = [
    (Recommendation::Deny, "deny"),
    (Recommendation::Question, "question: allowed until you have found out"),
    (Recommendation::Keep, "keep"),
];

/// Writes the suggestions, what none is made for, and what was skipped.
pub(super) fn write(suggestions: &Suggestions, skipped: &[Skipped], out: &mut dyn Write) -> io::Result<()> {
    for (recommendation, title) in PARTS {
        let part = suggestions.suggestions.iter();
        let part: Vec<_> = part
            .filter(|suggestion| suggestion.recommendation == recommendation)
            .collect();
        if !part.is_empty() {
            writeln!(out, "{title}\n\n{}\n", columns(&part))?;
        }
    }
    writeln!(out, "{}", sums(suggestions, skipped.len()))?;
    if !suggestions.left_out.is_empty() {
        let targets: Vec<String> = suggestions.left_out.iter().map(left_out).collect();
        writeln!(out, "\nno suggestion for:{}", output::some(&targets, LISTED))?;
    }
    if !skipped.is_empty() {
        writeln!(out, "\nskipped:{}", output::some(skipped, LISTED))?;
    }
    Ok(())
}

/// A target that no suggestion is made for, in one line.
pub(super) fn left_out(left_out: &LeftOut) -> String {
    let times = output::counted(left_out.request_count, "time", "times");
    format!("{:?}, {times}: {}", printable(&left_out.target), left_out.reason)
}

fn columns(suggestions: &[&Suggestion]) -> Columns {
    let mut columns = Columns::new(&["COUNT#", "DAYS#", "HOST", "PORTS", "WHY"]);
    for suggestion in suggestions {
        columns.row(&[
            &suggestion.request_count,
            &suggestion.days_active,
            &host(suggestion),
            &ports(suggestion),
            &why(suggestion),
        ]);
    }
    columns
}

fn host(suggestion: &Suggestion) -> String {
    match &suggestion.pattern {
        Some(pattern) => format!("{pattern} ({} hosts)", suggestion.members.len()),
        None => suggestion.subject().to_owned(),
    }
}

fn ports(suggestion: &Suggestion) -> String {
    let ports: Vec<String> = suggestion.ports.iter().map(u16::to_string).collect();
    ports.join(" ")
}

fn why(suggestion: &Suggestion) -> String {
    let mut why = printable(&suggestion.reason);
    if !suggestion.methods.is_empty() {
        let methods: Vec<String> = suggestion.methods.iter().map(|method| printable(method)).collect();
        why.push_str(&format!(" Methods: {}.", methods.join(" ")));
    }
    if let Some(glob) = &suggestion.path_glob {
        why.push_str(&format!(" Paths: {}", printable(glob)));
    }
    if !suggestion.resolves_to.is_empty() {
        why.push_str(&format!(" Resolves to: {}.", suggestion.resolves_to.join(" ")));
    }
    if !suggestion.companions.is_empty() {
        why.push_str(&format!(
            " Usually comes with {}, not seen.",
            suggestion.companions.join(", ")
        ));
    }
    why
}

fn sums(suggestions: &Suggestions, skipped: usize) -> String {
    let of = |recommendation| {
        let all = suggestions.suggestions.iter();
        all.filter(|suggestion| suggestion.recommendation == recommendation)
            .count()
    };
    format!(
        "{}: deny {}, question {}, keep {}; left out {}; skipped {skipped}",
        output::counted(suggestions.suggestions.len() as u64, "suggestion", "suggestions"),
        of(Recommendation::Deny),
        of(Recommendation::Question),
        of(Recommendation::Keep),
        suggestions.left_out.len()
    )
}
