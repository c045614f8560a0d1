//! A database, and what ingest would have written to it.

use sluice_policy::{Policy, PolicyDocument};

use crate::moment::{DAY, Moment, SECOND};
use crate::resource::Resource;
use crate::store::Store;

/// A Friday.
pub(super) const TODAY: i64 = 20_000;
/// In its afternoon.
pub(super) const NOW: Moment = Moment(TODAY * DAY + DAY / 2);

pub(super) fn sandbox(id: &str) -> Resource {
    Resource::new("sandbox", id)
}

pub(super) fn policy(json: &str) -> Policy {
    Policy::compile(&PolicyDocument::from_json(json.as_bytes()).unwrap()).unwrap()
}

pub(super) struct Fixture {
    pub(super) store: Store,
    _folder: tempfile::TempDir,
}

/// A destination on a day.
#[derive(Debug, Clone)]
pub(super) struct Sight<'a> {
    resource: &'a str,
    host: &'a str,
    port: i64,
    day: i64,
    requests: i64,
    rejected: i64,
    shapes: Vec<(&'a str, &'a str, i64)>,
    samples: Option<&'a [&'a str]>,
    addresses: &'a [&'a str],
}

impl<'a> Sight<'a> {
    /// Ten opaque connections to port 443, today.
    pub(super) fn of(host: &'a str) -> Self {
        Self {
            resource: "sb_1",
            host,
            port: 443,
            day: TODAY,
            requests: 10,
            rejected: 0,
            shapes: Vec::new(),
            samples: None,
            addresses: &[],
        }
    }

    pub(super) fn by(self, resource: &'a str) -> Self {
        Self { resource, ..self }
    }

    pub(super) fn port(self, port: i64) -> Self {
        Self { port, ..self }
    }

    pub(super) fn on(self, day: i64) -> Self {
        Self { day, ..self }
    }

    pub(super) fn requests(self, requests: i64) -> Self {
        Self { requests, ..self }
    }

    pub(super) fn rejected(self, rejected: i64) -> Self {
        Self { rejected, ..self }
    }

    /// So many of the requests were in clear.
    pub(super) fn clear(self, shapes: &[(&'a str, &'a str, i64)]) -> Self {
        Self {
            shapes: shapes.to_vec(),
            ..self
        }
    }

    /// Where it led; "*" for more.
    pub(super) fn led_to(self, addresses: &'a [&'a str]) -> Self {
        Self { addresses, ..self }
    }

    pub(super) fn overflow(self, samples: &'a [&'a str]) -> Self {
        Self {
            samples: Some(samples),
            ..self
        }
    }
}

impl Fixture {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("sluice.db").display());
        Self {
            store: Store::open(&url).await.unwrap(),
            _folder: folder,
        }
    }

    pub(super) async fn with(sights: &[Sight<'_>]) -> Self {
        let fixture = Self::new().await;
        for sight in sights {
            fixture.add(sight).await;
        }
        fixture
    }

    /// All of it happens at eight in the morning, within a second.
    pub(super) async fn add(&self, sight: &Sight<'_>) {
        let first = sight.day * DAY + DAY / 3;
        let last = first + SECOND;
        let in_clear: i64 = sight.shapes.iter().map(|(.., count)| count).sum();
        let shapes: Vec<_> = sight
            .shapes
            .iter()
            .map(|(method, path, count)| (method, path, count, last))
            .collect();
        let mut tx = self.store.begin().await.unwrap();
        sqlx::query("INSERT INTO destination_days VALUES ('sandbox', $1, $2, $3, $4, $5, $6, $7, 0, $8, $8, $9, $10)")
            .bind(sight.resource)
            .bind(sight.host)
            .bind(sight.port)
            .bind(sight.day)
            .bind(first)
            .bind(last)
            .bind(sight.requests)
            .bind(sight.rejected)
            .bind(sight.requests - in_clear)
            .bind(serde_json::to_string(&shapes).unwrap())
            .execute(&mut *tx)
            .await
            .unwrap();
        sqlx::query(
            "INSERT INTO destinations VALUES ('sandbox', $1, $2, $3, $4, $2, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (resource_type, resource_id, host, port) DO UPDATE SET \
             first_seen = CASE WHEN excluded.first_seen < destinations.first_seen THEN excluded.first_seen ELSE destinations.first_seen END, \
             last_seen = CASE WHEN excluded.last_seen > destinations.last_seen THEN excluded.last_seen ELSE destinations.last_seen END",
        )
        .bind(sight.resource)
        .bind(sight.host)
        .bind(sight.port)
        .bind(i64::from(sight.samples.is_some()))
        .bind(first)
        .bind(last)
        .bind((sight.rejected > 0).then_some(last))
        .bind((sight.rejected < sight.requests).then_some(last))
        .bind(serde_json::to_string(sight.samples.unwrap_or_default()).unwrap())
        .bind(serde_json::to_string(sight.addresses).unwrap())
        .execute(&mut *tx)
        .await
        .unwrap();
        self.store.commit(tx, &[]).await.unwrap();
    }

    pub(super) async fn pending(&self, host: &str, ports: &str, methods: &str, attempts: i64) {
        let mut tx = self.store.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO pending (id, resource_type, resource_id, host, overflow, ports, methods, \
             attempts, first_seen, last_seen, example, rejected_by, nearest, state, changed_at, changed_by) VALUES ($1, 'sandbox', 'sb_1', $1, 0, $2, $3, $4, $5, $5, '{}', 'default_deny', NULL, \
             'pending', NULL, NULL)",
        )
        .bind(host)
        .bind(ports)
        .bind(methods)
        .bind(attempts)
        .bind(NOW.0 - SECOND)
        .execute(&mut *tx)
        .await
        .unwrap();
        self.store.commit(tx, &[]).await.unwrap();
    }

    pub(super) async fn traffic(&self, resource: &str, at: i64, counts: [i64; 4]) {
        let mut tx = self.store.begin().await.unwrap();
        sqlx::query("INSERT INTO traffic VALUES ('sandbox', $1, $2, $3, $4, $5, $6)")
            .bind(resource)
            .bind(at * SECOND)
            .bind(counts[0])
            .bind(counts[1])
            .bind(counts[2])
            .bind(counts[3])
            .execute(&mut *tx)
            .await
            .unwrap();
        self.store.commit(tx, &[]).await.unwrap();
    }
}
