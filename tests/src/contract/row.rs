//! A row of a table, and reading them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One step: a call and its answer, or events that arrive.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What it shows.
    pub says: String,
    /// `METHOD /path?query`, below `/api/v1` but for the paths that are not.
    pub call: Option<String>,
    /// Whose token: the name of a kept value, or `nobody`. An admin's if absent.
    #[serde(rename = "as")]
    pub caller: Option<String>,
    /// Headers of the call.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A JSON body.
    pub body: Option<Value>,
    /// A body as it is, with its `content-type` among the headers.
    pub text: Option<String>,
    /// Events that arrive; before the answer is read, if it is a stream.
    pub send: Option<Send>,
    /// The answer's status.
    pub status: Option<u16>,
    /// What the answer looks like, at the top without further members. One that is
    /// no JSON is a list of lines. Without it the answer is not looked at, or empty if the status is 204.
    pub answer: Option<Value>,
    /// What its headers look like, `$absent` included.
    #[serde(default)]
    pub answer_headers: BTreeMap<String, Value>,
    /// Reads server-sent events, as a list of what their `data:` says.
    pub stream: Option<Stream>,
    /// What to remember of the answer: names and JSON pointers.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
}

/// Events of one resource.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// Whose token.
    #[serde(rename = "as")]
    pub caller: String,
    /// `TYPE/ID`
    pub resource: String,
    /// Which VM; events are numbered for each.
    pub instance: String,
    /// Attributes of records, beside what an audit record of an allowed request would have.
    pub events: Vec<BTreeMap<String, Value>>,
    /// What the refusal says, if there is to be one: of the call, with its gRPC code, or of a record.
    pub refused: Option<String>,
}

/// How much of a stream is read.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// So many events.
    pub events: usize,
    /// And so many comments.
    #[serde(default)]
    pub comments: usize,
}

/// Reads a table.
///
/// # Panics
/// If it is none, with where.
#[must_use]
pub fn read(name: &str, yaml: &str) -> Vec<Row> {
    let mut table: yaml_serde::Value = yaml_serde::from_str(yaml).unwrap_or_else(|error| panic!("{name}: {error}"));
    // `<<: *other` takes over what another row has.
    let merged = table.apply_merge().and_then(|()| yaml_serde::from_value(table));
    let rows: Vec<Row> = merged.unwrap_or_else(|error| panic!("{name}: {error}"));
    for Row { says, call, send, .. } in &rows {
        assert!(
            call.is_some() || send.is_some(),
            "{name}: {says}: neither calls nor sends"
        );
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_mistakes_are_found() {
        let rows = read("t", "- {says: it lives, call: GET /healthz, as: nobody, status: 200}");
        assert_eq!((rows[0].status, rows[0].caller.as_deref()), (Some(200), Some("nobody")));
        for wrong in [
            "- {says: x, call: GET /x, stauts: 200}",
            "- {says: x}",
            "- {call: GET /x}",
        ] {
            assert!(std::panic::catch_unwind(|| read("t", wrong)).is_err(), "{wrong}");
        }
    }
}
