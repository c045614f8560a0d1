//! The revisions of a policy.

use serde_json::Value;

use super::HistoryArguments;
use crate::client::{Call, Client, ClientError, Fields};
use crate::failure::Failure;
use crate::operator::each;
use crate::operator::session::{Format, print_list};
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// Prints them, the newest first.
pub(super) fn run(arguments: &HistoryArguments) -> Result<Outcome, Failure> {
    let (session, format) = arguments.common.open()?;
    let resource = arguments.targets.one(&session, "a history")?;
    let policy = each::policy_needed(&session.client, &resource)?;
    let mut rows = revisions(&session.client, &policy)?;
    rows.truncate(arguments.limit);
    match format {
        Format::Json => print_list(&rows)?,
        Format::Table => {
            let text = table(&rows);
            output::result(|out| writeln!(out, "{text}"))?;
        }
    }
    Ok(Outcome::Done)
}

/// All revisions, the newest first, whatever their order in the answer.
pub(super) fn revisions(client: &Client, policy: &Value) -> Result<Vec<Value>, ClientError> {
    let path = format!("/egress/policies/{}/revisions", policy.text("id"));
    let mut rows = client.list(&Call::new(&path))?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.number("revision")));
    Ok(rows)
}

fn table(rows: &[Value]) -> Columns {
    let mut columns = Columns::new(&["REVISION#", "TIME", "AUTHOR", "OPERATION", "MODE", "RULES#", "NOTE"]);
    for row in rows {
        columns.row(&[
            &row.number("revision"),
            &output::when(row.text("at")),
            &output::cell(row.text("author")),
            &output::cell(row.text("operation")),
            &output::cell(row.text("mode")),
            &row.number("rule_count"),
            &output::cell(row.text("note")),
        ]);
    }
    columns
}
