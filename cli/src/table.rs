//! Tables for people: as wide as the terminal, and plain where there is none.

use std::fmt::Display;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::output;

/// Columns under headings. Nothing of it depends on colours or lines, so that
/// it reads the same in a terminal, a log and a pipe.
pub(crate) struct Columns(Table);

impl Columns {
    /// No rows yet. A heading that ends in `#` is that of a column of numbers.
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self::fitting(headings, output::terminal_width())
    }

    fn fitting(headings: &[&str], width: Option<u16>) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(headings.iter().map(|heading| heading.trim_end_matches('#')));
        if let Some(width) = width {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width);
        }
        for (column, heading) in table.column_iter_mut().zip(headings) {
            column.set_padding((0, 2));
            if heading.ends_with('#') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self(table)
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[&dyn Display]) {
        self.0.add_row(cells.iter().map(ToString::to_string));
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Display for Columns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.trim_fmt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(width: Option<u16>) -> String {
        let mut columns = Columns::fitting(&["HOST", "COUNT#", "WHY"], width);
        columns.row(&[&"a.example.com", &7, &"no rule allows it"]);
        columns.row(&[&"b.example.com", &1234, &""]);
        columns.to_string()
    }

    #[test]
    fn without_a_terminal_it_is_as_wide_as_it_needs() {
        let expected = "\
HOST           COUNT  WHY
a.example.com      7  no rule allows it
b.example.com   1234";
        assert_eq!(sample(None), expected);
    }

    #[test]
    fn it_fits_the_terminal() {
        for width in [30, 40, 80] {
            let text = sample(Some(width));
            let widest = text.lines().map(str::len).max().unwrap_or_default();
            assert!(widest <= usize::from(width), "{width}: {text}");
        }
        assert_eq!(sample(Some(80)), sample(None));
    }
}
