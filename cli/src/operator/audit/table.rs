//! Decisions in a table, and one by one.

use serde_json::Value;

use crate::bytes::printable;
use crate::client::Fields;
use crate::operator::resources::shown;
use crate::operator::simulate::{by_cell, host_cell, port_cell};
use crate::output;
use crate::table::Columns;

/// Rows in a table.
pub(super) fn of(rows: &[Value]) -> Columns {
    let mut columns = Columns::new(&[
        "TIME", "ACTION", "HOST", "PORT#", "REQUEST", "BY", "STATUS#", "RESOURCE",
    ]);
    for row in rows {
        columns.row(&[
            &output::when(row.text("timestamp")),
            &action(row),
            &host_cell(row),
            &port_cell(row),
            &request(row),
            &by_cell(row),
            &status(row),
            &shown(row),
        ]);
    }
    columns
}

/// One row on one line, for output that goes on.
pub(super) fn line(row: &Value) -> String {
    let parts = [
        output::when(row.text("timestamp")),
        format!("{:<19}", action(row)),
        shown(row),
        host_cell(row),
        port_cell(row),
        request(row),
        format!("by {}", by_cell(row)),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("  ")
}

fn action(row: &Value) -> String {
    let action = output::cell(row.text("action"));
    if row.flag("would_reject") && action != "reject" {
        format!("{action}, would reject")
    } else {
        action
    }
}

fn request(row: &Value) -> String {
    let parts = [row.some("method"), row.some("path")].into_iter().flatten();
    let parts: Vec<String> = parts.map(printable).collect();
    parts.join(" ")
}

fn status(row: &Value) -> String {
    match row.number("status_code") {
        0 => String::new(),
        status => status.to_string(),
    }
}
