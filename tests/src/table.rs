//! Reads `behaviour.md`: documentation whose tables are run.

mod row;
mod sequence;
mod text;
mod with;
mod words;

pub use row::{Form, InEnvoy, Row, Shown};
pub use sequence::{Sequence, sequences};
pub use with::With;
pub use words::{target, words};

use sequence::SEQUENCES;
use text::cells;

/// One policy and the requests that it decides.
#[derive(Debug)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// The policy document, as JSON.
    pub policy: String,
    /// Its requests.
    pub rows: Vec<Row>,
}

/// The sections of the file that have a policy.
///
/// # Panics
/// If the file is not what its introduction says.
#[must_use]
pub fn read(markdown: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut in_policy = false;
    let mut columns = Vec::new();
    for (number, line) in (1..).zip(markdown.lines()) {
        if let Some(title) = line.strip_prefix("## ") {
            if title == SEQUENCES {
                break;
            }
            sections.push(Section {
                title: title.to_owned(),
                policy: String::new(),
                rows: Vec::new(),
            });
        }
        let Some(section) = sections.last_mut() else { continue };
        match line {
            "```json" => in_policy = true,
            "```" => in_policy = false,
            _ if in_policy => section.policy.extend([line, "\n"]),
            _ if line.starts_with("| sent as") => columns = cells(line),
            _ if line.starts_with("|---") => {}
            _ if line.starts_with('|') => section.rows.push(Row::read(number, line, &columns)),
            _ => {}
        }
    }
    sections
}

#[cfg(test)]
mod tests;
