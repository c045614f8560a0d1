//! A credential that sends what is somebody else's.

use serde_json::json;
use sluice_tests::events::{batch, record};
use sluice_tests::otlp::Client;
use sluice_tests::playbook::Api;
use sluice_tests::sluice::Sluice;
use sqlx::Row;

use crate::support::{Place, audit, postgresql, select, sqlite, token, uid};

fn victim(place: &Place) -> Vec<(String, i64, i64, i64)> {
    let rows = select(
        &place.url,
        "SELECT credential, watermark, missing, duplicates FROM instances WHERE instance = 'vm/1' ORDER BY first_seen",
    );
    let row = |row: &sqlx::any::AnyRow| {
        (
            row.get("credential"),
            row.get("watermark"),
            row.get("missing"),
            row.get("duplicates"),
        )
    };
    rows.iter().map(row).collect()
}

fn of_somebody_else(place: &Place) {
    let sluice = Sluice::on(&place.url);
    let at = sluice.addresses();
    let api = Api::new(at.http, &at.token);
    let (own, other) = (
        token(&api, "filter", "sandbox/sb_1"),
        token(&api, "filter", "sandbox/sb_2"),
    );
    let client = Client::of(at.grpc.port());
    let (own, other) = (client.clone().token(&own), client.token(&other));
    let records = |host: &str| {
        let record = |seq| record("vm/1", seq, json!({"server.address": host}));
        (1..=3).map(record).collect::<Vec<_>>()
    };
    let sent = own.export(&batch("sandbox/sb_1", "vm/1", &records("own.example.com")));
    assert_eq!(sent.unwrap().partial_success, None);
    let before = victim(place);
    assert_eq!(before.len(), 1);

    // Another's resource: refused, with whose it is, and nothing is stored.
    let refused = other.export(&batch("sandbox/sb_1", "vm/1", &records("forged.example.com")));
    let partial = refused.unwrap().partial_success.unwrap();
    assert_eq!(partial.rejected_log_records, 3);
    assert!(
        partial.error_message.contains("sandbox/sb_1"),
        "{}",
        partial.error_message
    );
    let tenant = batch("tenant/x", "vm/1", &records("forged.example.com"));
    assert_eq!(
        other
            .export(&tenant)
            .unwrap()
            .partial_success
            .unwrap()
            .rejected_log_records,
        3
    );
    assert_eq!(victim(place), before);

    // Its own resource with another's instance, numbers and ids: its own, and counted apart.
    let far: Vec<_> = (1..=3)
        .chain([1_000_000])
        .map(|seq| record("vm/1", seq, json!({"server.address": "forged.example.com"})))
        .collect();
    let taken = other.export(&batch("sandbox/sb_2", "vm/1", &far)).unwrap();
    assert_eq!(taken.partial_success, None);
    let after = victim(place);
    assert_eq!(after.len(), 2);
    assert_eq!(after[0], before[0]);
    assert_ne!(after[1].0, before[0].0);

    // And the victim goes on as if nobody had been there.
    let next = [record("vm/1", 4, json!({"server.address": "own.example.com"}))];
    assert_eq!(
        own.export(&batch("sandbox/sb_1", "vm/1", &next))
            .unwrap()
            .partial_success,
        None
    );
    assert_eq!(victim(place)[0].1, 4);
    let rows = audit(&api);
    let of = |id: &str| {
        let rows = rows.iter().filter(|row| row["resource_id"] == *id);
        rows.map(|row| (uid(row), row["host"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert!(of("sb_1").iter().all(|(_, host)| *host == "own.example.com"));
    assert_eq!(of("sb_1").len(), 4);
    assert_eq!(of("sb_2").len(), 4);
    let credentials = select(
        &place.url,
        "SELECT resource_id, credential FROM audit GROUP BY resource_id, credential ORDER BY resource_id",
    );
    let credentials: Vec<(String, String)> = credentials.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected = [
        ("sb_1".to_owned(), after[0].0.clone()),
        ("sb_2".to_owned(), after[1].0.clone()),
    ];
    assert_eq!(credentials, expected);
}

#[test]
fn what_is_of_somebody_else_is_refused_or_counted_apart_on_sqlite() {
    of_somebody_else(&sqlite());
}

#[test]
fn what_is_of_somebody_else_is_refused_or_counted_apart_on_postgresql() {
    of_somebody_else(&postgresql());
}

/// An end of an open stream names its start by id: another's id reaches nothing.
#[test]
fn an_open_stream_is_ended_only_by_whom_it_is_of() {
    for place in [sqlite(), postgresql()] {
        let sluice = Sluice::on(&place.url);
        let at = sluice.addresses();
        let api = Api::new(at.http, &at.token);
        let client = Client::of(at.grpc.port());
        let own = client.clone().token(&token(&api, "filter", "sandbox/sb_1"));
        let other = client.token(&token(&api, "filter", "sandbox/sb_2"));
        let open = record("vm/1", 1, json!({"sluice.outcome": "open"}));
        own.export(&batch("sandbox/sb_1", "vm/1", &[open])).unwrap();
        let forged = record("vm/1", 2, json!({"log.record.uid": "vm/1/1", "sluice.outcome": "ok"}));
        other.export(&batch("sandbox/sb_2", "vm/1", &[forged])).unwrap();
        let of_victim = |rows: &[serde_json::Value]| {
            let row = rows.iter().find(|row| row["resource_id"] == "sb_1").unwrap();
            row["outcome"].as_str().unwrap().to_owned()
        };
        assert_eq!(of_victim(&audit(&api)), "open");
        let end = record(
            "vm/1",
            2,
            json!({"log.record.uid": "vm/1/1", "sluice.outcome": "client_cancel"}),
        );
        own.export(&batch("sandbox/sb_1", "vm/1", &[end])).unwrap();
        assert_eq!(of_victim(&audit(&api)), "client_cancel");
    }
}
