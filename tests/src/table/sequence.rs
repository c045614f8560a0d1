//! The last section of `behaviour.md`: ways round that take more than one request, and the tests that try them.

use super::text::{cells, code};

/// The heading of the section.
pub(super) const SEQUENCES: &str = "Sequences";

/// One way round, and the test that tries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// The row as it stands in the file, with its line number.
    pub text: String,
    /// What a client does.
    pub sent: String,
    /// What becomes of it.
    pub expected: String,
    /// What it stands for.
    pub why: String,
    /// The test: the path of its file below `tests/tests`, and its name, with `::` between.
    pub test: String,
}

/// The sequences of the file.
///
/// # Panics
/// If a row of theirs has not four columns.
#[must_use]
pub fn sequences(markdown: &str) -> Vec<Sequence> {
    let lines = (1..).zip(markdown.lines());
    let section = lines.skip_while(|(_, line)| line.strip_prefix("## ") != Some(SEQUENCES));
    let rows = section.filter(|(_, line)| line.starts_with("| ")).skip(1);
    rows.map(|(number, line)| {
        let text = format!("behaviour.md:{number}: {line}");
        let [sent, expected, why, test] = cells(line)[..] else {
            panic!("four columns are expected: {text}");
        };
        Sequence {
            sent: sent.to_owned(),
            expected: expected.to_owned(),
            why: why.to_owned(),
            test: code(test).to_owned(),
            text,
        }
    })
    .collect()
}
