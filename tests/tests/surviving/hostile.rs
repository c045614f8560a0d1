//! Names that sandboxes and operators choose, in every output there is.

use std::process::Command;

use serde_json::{Value, json};
use sluice_tests::events::{batch, pending, record};
use sluice_tests::otlp::Client;
use sluice_tests::serve::{Serve, TOKEN, binary};

use crate::support::{Place, audit, postgresql, sqlite, token};

/// What steers terminals, spreadsheets, browsers and those who read.
fn names() -> Vec<String> {
    let mut names: Vec<String> = [
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "\u{9b}31mred",
        "\u{202e}moc.elpmaxe\u{2066}",
        "=HYPERLINK(\"http://x.example.com\",\"a\")",
        "+1+cmd|' /C calc'!A0",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u{ff1d}1",
        "<script>alert(1)</script>",
        "a\r\nset-cookie: x\n\ndata: {}\n",
        "\u{7f}\u{8}\u{0b}\u{85}\u{2028}\u{2029}",
        "\",\"b\":\"'; DROP TABLE audit; --",
        "\\u001b[2J\\x1b",
        "\u{1f600}\u{fffd}\u{200b}",
    ]
    .map(str::to_owned)
    .into();
    names.push("x".repeat(500));
    names
}

/// What may be on a terminal: nothing that steers it or turns text around.
fn assert_calm(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let loud = |character: &char| {
        (character.is_control() && *character != '\n')
            || matches!(*character, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if let Some(character) = text.chars().find(loud) {
        panic!("{what}: {character:?} in {text:?}");
    }
}

fn fill(serve: &Serve) {
    let api = serve.api();
    let client = Client::of(serve.grpc()).token(&token(&api, "relay", "tenant"));
    let mut records = Vec::new();
    let mut seq = 0;
    for name in names() {
        let start = name.chars().take(60).collect::<String>();
        let short: String = name.chars().take(15).collect();
        let members = [
            json!({"server.address": null, "server.port": null, "sluice.raw": name.chars().take(60).collect::<String>(),
                "sluice.rejected_by": "invalid_authority"}),
            json!({"url.path": format!("/{name}"), "http.request.method": name, "sluice.envoy_details": name}),
            json!({"url.path": name, "tls.client.server_name": name, "client.address": start}),
            json!({"sluice.rejected_by": short, "sluice.override": name,
                "sluice.nearest": json!({"rule_id": start, "why": short}).to_string()}),
        ];
        for members in members {
            seq += 1;
            records.push(record("vm/1", seq, members));
        }
        seq += 1;
        let example = json!({"server.address": format!("p{seq}.example.com"), "url.path": name, "http.request.method": name,
            "tls.client.server_name": name, "sluice.nearest": json!({"rule_id": start, "why": short}).to_string()});
        records.push(pending("vm/1", seq, example));
    }
    let sent = client.export(&batch("sandbox/sb_1", "vm/1", &records)).unwrap();
    assert_eq!(sent.partial_success, None);

    // What cannot be kept is refused by itself, and what is told of it is calm too.
    let odd = [
        record("vm/1", seq + 1, json!({"url.path": "/a\0b"})),
        record("vm/1", seq + 2, json!({"url.path": format!("/{}", "x".repeat(4096))})),
        record("vm/1", seq + 3, json!({"server.address": "\u{1b}[2J.example.com"})),
        record("vm/1", seq + 4, json!({"sluice.outcome": "\u{202e}"})),
        record("vm/1", seq + 5, json!({"log.record.uid": "a\u{1b}[0m"})),
        record("vm/1", seq + 6, json!({})),
    ];
    let partial = client
        .export(&batch("sandbox/sb_1", "vm/1", &odd))
        .unwrap()
        .partial_success
        .unwrap();
    assert_eq!(partial.rejected_log_records, 5);
    assert_calm("partial_success", partial.error_message.as_bytes());

    // What operators write.
    let policy = json!({"name": "own", "resource_type": "sandbox", "resource_id": "sb_1"});
    let policy = api.post("/egress/policies", &policy).data("id");
    let policy = format!("/egress/policies/{}", policy.as_str().unwrap());
    for (number, name) in names().iter().enumerate() {
        let short: String = name.chars().take(255).collect();
        let change = json!({"name": short, "description": name, "note": name});
        let changed = api.patch(&policy, &change).ok();
        assert_eq!(changed["data"]["description"], json!(name));
        let rule = json!({"host": format!("r{number}.example.com"), "note": name, "resource_type": "sandbox", "resource_id": "sb_1"});
        let added = api.post("/egress/allowlist", &rule).ok();
        assert_eq!(added["data"]["note"], json!(name));
        let _ = api
            .put(
                &format!("/egress/resources/sandbox/r_{number}"),
                &json!({"name": short}),
            )
            .ok();
        let _ = api.post("/tokens", &json!({"name": short, "role": "viewer"})).ok();
    }
}

/// The rows again, as they were sent.
fn assert_json(serve: &Serve) {
    let rows = audit(&serve.api());
    for name in names() {
        let has = |member: &str, value: &str| rows.iter().any(|row| row[member] == *value);
        assert!(has("path", &format!("/{name}")) && has("path", &name), "{name:?}");
        assert!(has("method", &name) && has("sni", &name), "{name:?}");
        assert!(has("raw", &name.chars().take(60).collect::<String>()), "{name:?}");
    }
    let lines = serve.api().text("/egress/audit/export?format=jsonl");
    assert_calm("JSON lines", lines.as_bytes());
    assert!(lines.is_ascii());
    let exported: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(exported, rows);
}

fn assert_csv(serve: &Serve) {
    let rows = audit(&serve.api());
    let text = serve.api().text("/egress/audit/export?format=csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headings = reader.headers().unwrap().clone();
    let mut count = 0;
    for (record, row) in reader.records().zip(&rows) {
        count += 1;
        for (heading, cell) in headings.iter().zip(&record.unwrap()) {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']),
                "{heading}: {cell:?}"
            );
            if let Value::String(text) = &row[heading] {
                assert!(
                    cell == text || cell.strip_prefix('\'') == Some(text),
                    "{heading}: {cell:?}"
                );
            }
        }
    }
    assert_eq!(count, rows.len());
}

fn assert_terminal(serve: &Serve) {
    for arguments in [
        &["audit"][..],
        &["audit", "--format", "json"],
        &["pending"],
        &["pending", "--by-host"],
        &["pending", "--format", "json"],
        &["rules", "--resource", "sandbox/sb_1"],
        &["policy", "show", "--resource", "sandbox/sb_1"],
        &["policy", "history", "--resource", "sandbox/sb_1"],
        &["policy", "export", "--resource", "sandbox/sb_1"],
        &["resource", "list"],
        &["token", "list"],
        &["operator-log"],
        &["operator-log", "--format", "json"],
        &["proxies"],
        &["status"],
    ] {
        let output = Command::new(binary())
            .args(arguments)
            .args(["--url", &serve.url()])
            .env("SLUICE_TOKEN", TOKEN)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(!output.stdout.is_empty() || !output.stderr.is_empty(), "{arguments:?}");
        assert_calm(&format!("{arguments:?}"), &output.stdout);
        assert_calm(&format!("{arguments:?}, stderr"), &output.stderr);
    }
    assert_calm("the log", serve.log().as_bytes());
}

/// A NUL is no text for PostgreSQL: that is said to who sent it, as of any other mistake.
fn assert_nul(serve: &Serve) {
    let api = serve.api();
    let rule = json!({"host": "nul.example.com", "note": "a\0b", "resource_type": "sandbox", "resource_id": "sb_1"});
    for answer in [
        api.post("/egress/allowlist", &rule),
        api.post("/egress/policies", &json!({"name": "a\0b"})),
        api.put("/egress/resources/sandbox/nul", &json!({"name": "a\0b"})),
        api.post("/tokens", &json!({"name": "a\0b", "role": "viewer"})),
        api.get("/egress/audit?host=a%00b"),
        api.get("/egress/audit?method=%00&external_user_id=%00"),
    ] {
        assert_eq!(
            (answer.status, answer.code()),
            (422, "VALIDATION_FAILED"),
            "{}",
            answer.body
        );
    }
    for path in [
        "/egress/policies/a%00b",
        "/egress/audit/aud_%00",
        "/egress/pending/a%00b/approve",
    ] {
        let method = if path.ends_with("approve") { "POST" } else { "GET" };
        let status = api.status(method, path, (method == "POST").then(|| json!({})).as_ref());
        assert!(matches!(status, 404 | 422), "{path}: {status}");
    }
}

fn hostile(place: &Place) {
    let serve = Serve::start(&place.url);
    fill(&serve);
    assert_json(&serve);
    assert_csv(&serve);
    assert_terminal(&serve);
    assert_nul(&serve);
}

#[test]
fn hostile_names_steer_nothing_on_sqlite() {
    hostile(&sqlite());
}

#[test]
fn hostile_names_steer_nothing_on_postgresql() {
    hostile(&postgresql());
}
