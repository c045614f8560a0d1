//! The table of a replay.

use std::io::{self, Write};

use sluice_harness::replay::{Replay, Summary};

use crate::decisions::{by_cell, rows};
use crate::output;
use crate::recordings::LISTED;
use crate::table::Columns;

/// Writes the destinations, the sums, and what was skipped.
pub(super) fn write(replay: &Replay, out: &mut dyn Write) -> io::Result<()> {
    let mut columns = Columns::new(&["ACTION", "COUNT#", "HOST", "PORT#", "BY", "NEAREST RULE"]);
    for row in rows(&replay.decisions) {
        columns.row(&[
            &row.judged.action(),
            &row.count,
            &row.destination.host_cell(),
            &row.destination.port_cell(),
            &by_cell(row.judged.by),
            &row.judged.nearest_cell(),
        ]);
    }
    if !columns.is_empty() {
        writeln!(out, "{columns}\n")?;
    }
    writeln!(out, "{}", sums(&replay.summary))?;
    if !replay.skipped.is_empty() {
        writeln!(out, "\nskipped:{}", output::some(&replay.skipped, LISTED))?;
    }
    Ok(())
}

fn sums(summary: &Summary) -> String {
    let Summary {
        total,
        allow,
        warn,
        reject,
        would_reject,
        skipped,
    } = summary;
    format!(
        "total {total}: allow {allow}, warn {warn}, reject {reject}; would_reject {would_reject}; skipped {skipped}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_come_first_and_sums_last() {
        let mut text = Vec::new();
        write(&super::super::sample(), &mut text).unwrap();
        let expected = r#"ACTION               COUNT  HOST             PORT  BY                 NEAREST RULE
reject                   3  api.example.com   443  default_deny       api (port)
reject                   1  "a\x00<b>"             invalid_authority
allow, would reject      1  cdn.example.com   443  default_deny
warn                     1  new.example.com   443  new
allow                    1  2001:db8::1       443  default_effect
allow                    1  api.example.com   443  api

total 8: allow 3, warn 1, reject 4; would_reject 5; skipped 1

skipped:
  a.har#6: no time was recorded, so it cannot be decided as of then
"#;
        assert_eq!(String::from_utf8(text).unwrap(), expected);
    }
}
