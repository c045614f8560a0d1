//! The audit trail as a file, streamed page by page however long it is.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header;
use serde_json::Value;

use super::audit::filter;
use super::input::Query;
use super::who::Who;
use super::{App, shapes};
use crate::audit::{self, Filter, Order, Row};
use crate::error::Error;
use crate::moment::Moment;
use crate::store::Store;

/// How many rows are read at a time.
const PAGE: i64 = 1_000;

/// The columns of a CSV file: the members of a row that are no objects.
const COLUMNS: [&str; 28] = [
    "id",
    "inserted_at",
    "timestamp",
    "host",
    "port",
    "raw",
    "method",
    "path",
    "action",
    "effect",
    "would_reject",
    "status_code",
    "duration_ms",
    "bytes_in",
    "bytes_out",
    "rule_id",
    "rule_host",
    "rule_scope",
    "rejected_by",
    "policy_id",
    "revision",
    "mode",
    "sni",
    "client",
    "outcome",
    "resource_id",
    "resource_type",
    "count",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    JsonLines,
}

/// Where an export has got to.
struct Export {
    store: Store,
    filter: Filter,
    format: Format,
    begun: bool,
    done: bool,
}

/// The audit trail as CSV or JSON lines, which sluice replay reads
#[utoipa::path(get, path = "/egress/audit/export", params(
    ("format" = Option<String>, Query, description = "csv or jsonl (default)"),
    ("resource_id" = Option<String>, Query), ("resource_type" = Option<String>, Query), ("host" = Option<String>, Query),
    ("action" = Option<String>, Query), ("would_reject" = Option<bool>, Query), ("mode" = Option<String>, Query),
    ("method" = Option<String>, Query), ("rule_id" = Option<String>, Query), ("rejected_by" = Option<String>, Query),
    ("since" = Option<String>, Query), ("until" = Option<String>, Query),
    ("external_user_id" = Option<String>, Query), ("external_workspace_id" = Option<String>, Query),
), responses((status = 200, description = "One row a line, the oldest first",
    content((String = "text/csv"), (shapes::AuditRow = "application/jsonl")))))]
pub(super) async fn export(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let (format, kind, name) = match query.text("format") {
        None | Some("jsonl") => (Format::JsonLines, "application/jsonl", "audit.jsonl"),
        Some("csv") => (Format::Csv, "text/csv; charset=utf-8", "audit.csv"),
        Some(other) => return Err(Error::field("format", other, "csv or jsonl")),
    };
    let mut filter = filter(&caller, &query)?;
    // What comes in meanwhile is for the next export; without an end a busy one would never be done.
    filter.until.get_or_insert(Moment::now());
    let export = Export {
        store: app.store.clone(),
        filter,
        format,
        begun: false,
        done: false,
    };
    // The first page now, so that what is wrong is said with a status.
    let (first, export) = export.next().await?;
    let rest = stream::try_unfold(export, async |export| {
        if export.done {
            return Ok::<_, Error>(None);
        }
        export.next().await.map(Some)
    });
    let body = Body::from_stream(futures_util::StreamExt::chain(stream::iter([Ok(first)]), rest));
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, body).into_response())
}

impl Export {
    async fn next(mut self) -> Result<(Vec<u8>, Self), Error> {
        let (rows, has_more) = audit::page(&self.store, &self.filter, Order::Ascending, PAGE, 0).await?;
        self.done = !has_more;
        if let Some(last) = rows.last() {
            self.filter.since = Some(Moment(last.inserted_at.saturating_add(1)));
        }
        let bytes = match self.format {
            Format::JsonLines => rows
                .iter()
                .flat_map(|row| format!("{}\n", row.line()).into_bytes())
                .collect(),
            Format::Csv => csv(&rows, !self.begun)?,
        };
        self.begun = true;
        Ok((bytes, self))
    }
}

fn csv(rows: &[Row], with_header: bool) -> Result<Vec<u8>, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Internal(format!("csv: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    if with_header {
        writer.write_record(COLUMNS).map_err(|error| failed(&error))?;
    }
    for row in rows {
        let cells = COLUMNS.iter().map(|column| cell(&row.value[*column]));
        writer.write_record(cells).map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

/// Spreadsheets run what begins like a formula, and hosts and paths are anybody's text (OWASP, CSV injection).
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn formulas_are_text() {
        let value = json!({"id": "aud_1", "path": "=HYPERLINK(\"x\")", "host": "a,b", "port": 443, "raw": null});
        let text = String::from_utf8(csv(&[Row { inserted_at: 1, value }], true).unwrap()).unwrap();
        let line = text.lines().nth(1).unwrap();
        assert!(
            line.starts_with("aud_1,,,\"a,b\",443,,,\"'=HYPERLINK(\"\"x\"\")\","),
            "{line}"
        );
        for begin in ['=', '+', '-', '@', '\t', '\r', '\n'] {
            assert!(cell(&json!(format!("{begin}1"))).starts_with('\''), "{begin:?}");
        }
        assert_eq!(cell(&json!(-1)), "-1");
    }
}
