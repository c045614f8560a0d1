//! Databases to test on, and exports made by hand.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource as OtlpResource;
use serde_json::{Value as Json, json};
use sluice_collector::access::{Caller, Role};
use sluice_collector::error::Error;
use sluice_collector::ingest::{Accepted, Ingest, Limits, Room};
use sluice_collector::moment::Moment;
use sluice_collector::store::Store;
use sluice_tests::postgres;
use sqlx::{AssertSqlSafe, Column, Row};

/// A database of its own, and what takes events in.
pub(crate) struct Bed {
    pub(crate) store: Store,
    pub(crate) ingest: Ingest,
    _folder: tempfile::TempDir,
}

/// Small caps, so that tests can be small.
pub(crate) const LIMITS: Limits = Limits {
    waiting_bytes: 1 << 20,
    group_records: 4_096,
    destinations: Room { hosts: 5, domains: 4 },
    pending: Room { hosts: 3, domains: 2 },
};

impl Bed {
    pub(crate) async fn open(url: &str, limits: Limits) -> Self {
        let store = Store::open(url).await.unwrap();
        Self {
            ingest: Ingest::start(store.clone(), limits),
            store,
            _folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Of a filter that may write for all resources.
    pub(crate) async fn send(&self, resource: &str, records: impl IntoIterator<Item = Json>) -> Accepted {
        self.send_as(&filter("tok_1", "tenant"), resource, records)
            .await
            .unwrap()
    }

    pub(crate) async fn send_as(
        &self,
        caller: &Caller,
        resource: &str,
        records: impl IntoIterator<Item = Json>,
    ) -> Result<Accepted, Error> {
        self.ingest.export(caller, export(resource, records), 100).await
    }

    /// What a query finds, each row as `a|b|c`.
    pub(crate) async fn rows(&self, query: &str) -> Vec<String> {
        let rows = sqlx::query(AssertSqlSafe(query.to_owned()))
            .fetch_all(self.store.read())
            .await
            .unwrap();
        let text = |row: &sqlx::any::AnyRow, at: usize| match row.try_get::<Option<i64>, _>(at) {
            Ok(number) => number.map_or("-".to_owned(), |number| number.to_string()),
            Err(_) => row
                .try_get::<Option<String>, _>(at)
                .unwrap()
                .unwrap_or_else(|| "-".to_owned()),
        };
        let line = |row: &sqlx::any::AnyRow| {
            let texts: Vec<String> = row.columns().iter().map(|column| text(row, column.ordinal())).collect();
            texts.join("|")
        };
        rows.iter().map(line).collect()
    }

    /// A single value.
    pub(crate) async fn value(&self, query: &str) -> String {
        self.rows(query).await.join("\n")
    }

    pub(crate) async fn run(&self, statement: &str) {
        let mut tx = self.store.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut *tx)
            .await
            .unwrap();
        self.store.commit(tx, &[]).await.unwrap();
    }
}

/// Both databases, empty.
pub(crate) async fn beds() -> [Bed; 2] {
    beds_with(LIMITS).await
}

pub(crate) async fn beds_with(limits: Limits) -> [Bed; 2] {
    [sqlite(limits).await, Bed::open(&postgres::fresh(), limits).await]
}

pub(crate) async fn sqlite(limits: Limits) -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let bed = Bed::open(&format!("sqlite:{}/db", folder.path().display()), limits).await;
    Bed { _folder: folder, ..bed }
}

pub(crate) fn filter(id: &str, scope: &str) -> Caller {
    Caller {
        id: id.to_owned(),
        name: format!("name of {id}"),
        role: Role::Filter,
        scope: scope.parse().unwrap(),
    }
}

/// An audit record: allowed, over http, in clear.
pub(crate) fn audit(seq: i64, host: &str) -> Json {
    json!({
        "sluice.event": "audit", "sluice.instance": "p1/v1", "sluice.seq": seq, "log.record.uid": format!("p1/v1/{seq}"),
        "server.address": host, "server.port": 443, "sluice.action": "allow", "sluice.would_reject": false,
        "sluice.policy.mode": "enforce", "network.protocol.name": "http", "http.request.method": "GET",
        "url.path": "/", "sluice.outcome": "ok", "http.response.status_code": 200, "http.request.size": 10,
        "http.response.size": 100, "sluice.duration_us": 1_500,
    })
}

/// Decisions that a filter summed up, all rejected.
pub(crate) fn summary(seq: i64, host: &str, count: i64) -> Json {
    let port = (!host.starts_with('*')).then_some(443);
    let summary = json!({
        "sluice.event": "summary", "sluice.instance": "p1/v1", "sluice.seq": seq, "server.address": host,
        "sluice.action": "reject", "sluice.would_reject": true, "sluice.rejected_by": "default_deny",
        "sluice.policy.mode": "enforce", "sluice.count": count,
    });
    with(summary, json!({"server.port": port}))
}

pub(crate) fn pending(seq: i64, host: &str, count: i64) -> Json {
    let own = json!({"sluice.event": "pending", "sluice.count": count});
    with(with(rejected(seq, host), own), json!({"sluice.outcome": null}))
}

pub(crate) fn rejected(seq: i64, host: &str) -> Json {
    with(
        audit(seq, host),
        json!({"sluice.action": "reject", "sluice.would_reject": true, "sluice.rejected_by": "default_deny"}),
    )
}

pub(crate) fn heartbeat(seq: i64, decisions: i64) -> Json {
    json!({
        "sluice.event": "heartbeat", "sluice.instance": "p1/v1", "sluice.seq": seq, "sluice.policy.mode": "enforce",
        "sluice.heartbeat.decisions": decisions, "sluice.heartbeat.merged": 0, "sluice.heartbeat.dropped": 0,
        "sluice.heartbeat.refused": 0, "sluice.heartbeat.unsent_bytes": 0, "sluice.heartbeat.memory_bytes": 1,
    })
}

/// With other attributes; `null` takes one away.
pub(crate) fn with(mut record: Json, more: Json) -> Json {
    let attributes = record.as_object_mut().unwrap();
    for (key, value) in more.as_object().unwrap() {
        match value {
            Json::Null => attributes.remove(key),
            value => attributes.insert(key.clone(), value.clone()),
        };
    }
    record
}

/// As another VM's.
pub(crate) fn of(instance: &str, record: Json) -> Json {
    let uid = format!("{instance}/{}", record["sluice.seq"]);
    with(record, json!({"sluice.instance": instance, "log.record.uid": uid}))
}

/// All of one resource, `TYPE/ID`, or of none. `at` is the time in microseconds, now without it.
pub(crate) fn export(resource: &str, records: impl IntoIterator<Item = Json>) -> ExportLogsServiceRequest {
    let text = |key: &str, text: &str| attribute(key, &json!(text));
    let attributes = match resource.split_once('/') {
        Some((kind, id)) => vec![text("sluice.resource.type", kind), text("sluice.resource.id", id)],
        None => vec![text("service.name", "sluice")],
    };
    let records = records.into_iter().map(|record| LogRecord {
        time_unix_nano: record["at"].as_u64().unwrap_or(Moment::now().0.unsigned_abs()) * 1_000,
        attributes: record
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, value)| attribute(key, value))
            .collect(),
        ..LogRecord::default()
    });
    let logs = ResourceLogs {
        resource: Some(OtlpResource {
            attributes,
            ..OtlpResource::default()
        }),
        scope_logs: vec![ScopeLogs {
            log_records: records.collect(),
            ..ScopeLogs::default()
        }],
        ..ResourceLogs::default()
    };
    ExportLogsServiceRequest {
        resource_logs: vec![logs],
    }
}

fn attribute(key: &str, value: &Json) -> KeyValue {
    let value = match value {
        Json::String(text) => Value::StringValue(text.clone()),
        Json::Bool(flag) => Value::BoolValue(*flag),
        Json::Number(number) => Value::IntValue(number.as_i64().unwrap()),
        other => panic!("no attribute: {other}"),
    };
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
