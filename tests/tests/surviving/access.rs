//! Each role and each call, from the API's own description: a call that is not in the table fails.

use serde_json::{Value, json};
use sluice_tests::events::{batch, pending, record};
use sluice_tests::otlp::Client;
use sluice_tests::playbook::Api;
use sluice_tests::sluice::Sluice;
use sluice_tests::watching::Watching;
use tonic::Code;

use crate::support::token;

/// Whom a call takes at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Takes {
    Anybody,
    Viewer,
    Operator,
    Admin,
    /// Nobody: it asks in its body who it is, and what is here is wrong.
    Itself,
}
use Takes::{Admin, Anybody, Itself, Operator, Viewer};

/// All roles: what they may at most, in the order in which they are tried.
const ROLES: [(&str, Takes); 5] = [
    ("filter", Anybody),
    ("relay", Anybody),
    ("viewer", Viewer),
    ("operator", Operator),
    ("admin", Admin),
];

/// Calls, whom they take, and a body that makes sense.
const CALLS: [(&str, Takes, &str); 57] = [
    ("get /computers/{id}", Viewer, ""),
    ("get /computers/{id}/events", Viewer, ""),
    ("get /egress/allowlist", Viewer, ""),
    (
        "post /egress/allowlist",
        Operator,
        r#"{"host": "n.example.com", "resource_type": "sandbox", "resource_id": "sb_1"}"#,
    ),
    ("delete /egress/allowlist/{id}", Operator, ""),
    ("get /egress/allowlist/{id}", Viewer, ""),
    ("get /egress/audit", Viewer, ""),
    ("get /egress/audit/export", Viewer, ""),
    ("get /egress/audit/stream", Viewer, ""),
    ("get /egress/audit/suggestions", Viewer, ""),
    (
        "post /egress/audit/suggestions/policy",
        Viewer,
        r#"{"resource_type": "sandbox", "resource_id": "sb_1"}"#,
    ),
    ("get /egress/audit/suggestions/summary", Viewer, ""),
    ("get /egress/audit/{id}", Viewer, ""),
    ("get /egress/changes", Viewer, ""),
    ("get /egress/coverage", Viewer, ""),
    ("get /egress/destinations", Viewer, ""),
    (
        "post /egress/explain",
        Viewer,
        r#"{"target": "a.example.com", "resource_type": "sandbox", "resource_id": "sb_1"}"#,
    ),
    ("post /egress/lint", Viewer, r#"{"policy": {"rules": []}}"#),
    ("get /egress/overview", Viewer, ""),
    ("get /egress/pending", Viewer, ""),
    ("post /egress/pending/{id}/approve", Operator, "{}"),
    ("post /egress/pending/{id}/block", Operator, "{}"),
    ("post /egress/pending/{id}/dismiss", Operator, "{}"),
    ("get /egress/policies", Viewer, ""),
    ("post /egress/policies", Operator, r#"{"name": "new"}"#),
    ("get /egress/policies/{id}", Viewer, ""),
    ("patch /egress/policies/{id}", Operator, r#"{"description": "changed"}"#),
    (
        "post /egress/policies/{id}/apply",
        Operator,
        r#"{"policy": {"rules": [{"host": "applied.example.com"}]}}"#,
    ),
    (
        "post /egress/policies/{id}/clone",
        Operator,
        r#"{"targets": [{"resource_type": "computer", "resource_id": "c_1"}]}"#,
    ),
    ("get /egress/policies/{id}/export", Viewer, ""),
    ("post /egress/policies/{id}/lockdown", Operator, "{}"),
    ("post /egress/policies/{id}/observe", Operator, "{}"),
    ("get /egress/policies/{id}/revisions", Viewer, ""),
    ("get /egress/policies/{id}/revisions/{revision}", Viewer, ""),
    ("post /egress/policies/{id}/rollback", Operator, "{}"),
    ("get /egress/proxies", Viewer, ""),
    ("get /egress/resources", Viewer, ""),
    ("get /egress/resources/{type}/{id}", Viewer, ""),
    ("put /egress/resources/{type}/{id}", Operator, r#"{"name": "named"}"#),
    (
        "post /egress/simulate",
        Viewer,
        r#"{"resource_type": "sandbox", "resource_id": "sb_1", "lockdown": true}"#,
    ),
    ("get /egress/timeseries", Viewer, ""),
    ("get /operator-log", Admin, ""),
    ("get /sandboxes/{id}", Viewer, ""),
    ("get /sandboxes/{id}/events", Viewer, ""),
    ("get /sessions", Viewer, ""),
    ("post /sessions", Itself, r#"{"token": "sluice_wrong"}"#),
    ("get /sessions/self", Viewer, ""),
    ("delete /sessions/self", Viewer, ""),
    // Of somebody else.
    ("delete /sessions/{id}", Admin, ""),
    ("get /tokens", Admin, ""),
    ("post /tokens", Admin, r#"{"name": "new", "role": "viewer"}"#),
    ("get /tokens/self", Anybody, ""),
    ("delete /tokens/{id}", Admin, ""),
    ("get /users", Admin, ""),
    (
        "post /users",
        Admin,
        r#"{"name": "new", "password": "correct horse battery", "role": "viewer"}"#,
    ),
    // Of somebody else.
    ("patch /users/{id}", Admin, r#"{"role": "operator"}"#),
    ("delete /users/{id}", Admin, ""),
];

/// A collector that has one of everything, and three that wait for an operator.
struct Full {
    _sluice: Sluice,
    grpc: u16,
    api: Api,
    ids: Vec<(&'static str, String)>,
}

impl Full {
    fn start() -> Self {
        let sluice = Sluice::sqlite();
        let at = sluice.addresses();
        let api = Api::new(at.http, &at.token);
        for resource in ["sandbox/sb_1", "sandbox/sb_2", "computer/c_1"] {
            let _ = api.put(&format!("/egress/resources/{resource}"), &json!({})).ok();
        }
        let relay = Client::of(at.grpc.port()).token(&token(&api, "relay", "tenant"));
        let mut records: Vec<_> = (1..=3)
            .map(|seq| pending("vm/1", seq, json!({"server.address": format!("w{seq}.example.com")})))
            .collect();
        records.push(record("vm/1", 4, json!({})));
        let sent = relay.export(&batch("sandbox/sb_1", "vm/1", &records)).unwrap();
        assert_eq!(sent.partial_success, None);
        let policy = json!({"name": "own", "resource_type": "sandbox", "resource_id": "sb_1", "mode": "audit_only",
            "rules": [{"host": "a.example.com"}]});
        let policy = api.post("/egress/policies", &policy).ok()["data"].clone();
        let rows = api.get("/egress/pending").ok()["data"].clone();
        let of = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let throwaway = api.post("/tokens", &json!({"name": "old", "role": "viewer"})).ok();
        let session = api.post("/sessions", &json!({"token": at.token})).ok();
        let user = json!({"name": "ann", "password": "correct horse battery", "role": "viewer"});
        let user = api.post("/users", &user).ok();
        let ids = vec![
            ("/sessions/{id}", of(&session["data"])),
            ("/users/{id}", of(&user["data"])),
            ("/egress/allowlist/{id}", of(&policy["rules"][0])),
            ("/egress/audit/{id}", of(&api.get("/egress/audit").ok()["data"][0])),
            ("/egress/pending/{id}/approve", of(&rows[0])),
            ("/egress/pending/{id}/block", of(&rows[1])),
            ("/egress/pending/{id}/dismiss", of(&rows[2])),
            ("/egress/policies/{id}", of(&policy)),
            ("/egress/resources/{type}/{id}", "sb_1".to_owned()),
            ("/sandboxes/{id}", "sb_1".to_owned()),
            ("/computers/{id}", "c_1".to_owned()),
            ("/tokens/{id}", of(&throwaway["data"])),
            ("{revision}", policy["revision"].to_string()),
        ];
        Self {
            grpc: at.grpc.port(),
            _sluice: sluice,
            api,
            ids,
        }
    }

    fn path(&self, template: &str) -> String {
        let id = self.ids.iter().find(|(path, _)| template.starts_with(path));
        let revision = &self.ids.iter().find(|(name, _)| *name == "{revision}").unwrap().1;
        let filled = template.replace("{type}", "sandbox").replace("{revision}", revision);
        id.map_or_else(|| filled.clone(), |(_, id)| filled.replace("{id}", id))
    }
}

/// `method path` of all that is described.
fn described(api: &Api) -> Vec<String> {
    let document = api.get("/openapi.json");
    assert_eq!(document.status, 200);
    let mut calls = Vec::new();
    for (path, item) in document.body["paths"].as_object().unwrap() {
        let methods = ["get", "put", "post", "patch", "delete", "head", "options"];
        for method in methods.into_iter().filter(|method| item.get(*method).is_some()) {
            calls.push(format!("{method} {}", path.strip_prefix("/api/v1").unwrap_or(path)));
        }
    }
    calls
}

#[test]
fn each_role_and_each_call() {
    let full = Full::start();
    let tokens = ROLES.map(|(role, most)| (role, most, token(&full.api, role, "tenant")));
    let mut wrong = Vec::new();
    let described = described(&full.api);
    for (name, ..) in CALLS {
        assert!(described.iter().any(|call| call == name), "{name} is no call");
    }
    for call in described {
        let Some((_, takes, body)) = CALLS.into_iter().find(|(name, ..)| *name == call) else {
            wrong.push(format!("{call}: nobody said here whom it takes"));
            continue;
        };
        let (method, template) = call.split_once(' ').unwrap();
        let (method, path) = (method.to_uppercase(), full.path(template));
        assert!(!path.contains('{'), "{path}");
        let body = (!body.is_empty()).then(|| serde_json::from_str::<Value>(body).unwrap());
        let ask = |token: &str| full.api.with_token(token).status(&method, &path, body.as_ref());
        for (who, token) in [("nobody", ""), ("somebody unknown", "sluice_unknown")] {
            let status = ask(token);
            if status != 401 {
                wrong.push(format!("{call}: {who} gets {status}"));
            }
        }
        if takes == Itself {
            let statuses: Vec<u16> = tokens.iter().map(|(.., token)| ask(token)).collect();
            if statuses.iter().any(|status| *status != 401) {
                wrong.push(format!("{call}: {statuses:?}"));
            }
            continue;
        }
        // Those who may not are tried first, so that they find what others may change.
        let mut first = true;
        for (role, most, token) in &tokens {
            let status = ask(token);
            let is_right = match most {
                most if *most >= takes => {
                    let found = if std::mem::take(&mut first) { 200..300 } else { 200..500 };
                    found.contains(&status) && !matches!(status, 401 | 403 | 405)
                }
                _ => status == 403,
            };
            if !is_right {
                wrong.push(format!("{call}: {role} gets {status}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_role_over_grpc() {
    let full = Full::start();
    let records = [record("other/1", 1, json!({}))];
    let events = batch("sandbox/sb_1", "other/1", &records);
    for (role, sends, watches) in [
        ("filter", true, true),
        ("relay", true, false),
        ("viewer", false, false),
        ("operator", false, false),
        ("admin", false, false),
    ] {
        let token = token(&full.api, role, "tenant");
        let sent = Client::of(full.grpc)
            .token(&token)
            .export(&events)
            .map_err(|status| status.code());
        assert_eq!(
            sent.map(drop),
            if sends { Ok(()) } else { Err(Code::PermissionDenied) },
            "{role}"
        );
        let watched = Watching::start(full.grpc, &token, "sandbox/sb_1").and_then(|mut stream| stream.heard());
        let watched = watched.map(drop).map_err(|status| status.code());
        assert_eq!(
            watched,
            if watches { Ok(()) } else { Err(Code::PermissionDenied) },
            "{role}"
        );
    }
    let unknown = Client::of(full.grpc).token("sluice_unknown").export(&events);
    assert_eq!(unknown.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(
        Client::of(full.grpc).export(&events).unwrap_err().code(),
        Code::Unauthenticated
    );
    let watched = Watching::start(full.grpc, "sluice_unknown", "sandbox/sb_1");
    assert_eq!(watched.unwrap_err().code(), Code::Unauthenticated);
    // Another's policy is not for its eyes, whatever it may watch.
    let narrow = token(&full.api, "filter", "sandbox/sb_2");
    let watched = Watching::start(full.grpc, &narrow, "sandbox/sb_1").and_then(|mut stream| stream.heard());
    assert_eq!(watched.unwrap_err().code(), Code::PermissionDenied);
}

#[test]
fn a_scope_ends_where_it_ends() {
    let full = Full::start();
    let policy = full.path("/egress/policies/{id}");
    let other = json!({"name": "other", "resource_type": "sandbox", "resource_id": "x_1"});
    let other = full.api.post("/egress/policies", &other).ok()["data"]["id"].clone();
    let other = format!("/egress/policies/{}", other.as_str().unwrap());
    let rule = |kind: &str, id: &str| json!({"host": "n.example.com", "resource_type": kind, "resource_id": id});
    for scope in ["sandbox/sb_1", "sandbox/sb_*"] {
        let own = |role: &str| full.api.with_token(&token(&full.api, role, scope));
        let (viewer, operator, admin) = (own("viewer"), own("operator"), own("admin"));
        let change = json!({"description": scope});
        assert_eq!(viewer.get(&policy).status, 200);
        assert_eq!(viewer.get(&other).status, 403);
        assert_eq!(
            viewer.get("/egress/audit?resource_type=sandbox&resource_id=x_1").status,
            403
        );
        assert_eq!(operator.patch(&policy, &change).status, 200);
        assert_eq!(operator.patch(&other, &change).status, 403);
        assert_eq!(
            operator.post("/egress/allowlist", &rule("sandbox", "sb_1")).status / 100,
            2
        );
        assert_eq!(operator.post("/egress/allowlist", &rule("sandbox", "x_1")).status, 403);
        assert_eq!(
            operator.post("/egress/allowlist", &rule("computer", "sb_1")).status,
            403
        );
        assert_eq!(
            operator
                .post(
                    "/egress/allowlist",
                    &json!({"host": "n.example.com", "resource_type": "tenant"})
                )
                .status,
            403
        );
        assert_eq!(
            operator.post("/egress/policies", &json!({"name": "to nothing"})).status,
            403
        );
        let spread = json!({"targets": [{"resource_type": "sandbox", "resource_id": "x_1"}]});
        assert_eq!(operator.post(&format!("{policy}/clone"), &spread).status, 403);
        let rows = viewer.get("/egress/policies").ok();
        assert!(
            rows["data"]
                .as_array()
                .unwrap()
                .iter()
                .all(|row| row["resource_id"] == "sb_1"),
            "{rows}"
        );
        let rows = viewer.get("/egress/resources").ok();
        let within =
            |row: &Value| row["resource_type"] == "sandbox" && row["resource_id"].as_str().unwrap().starts_with("sb_");
        assert!(rows["data"].as_array().unwrap().iter().all(within), "{rows}");
        for wider in ["tenant", "sandbox/*", "sandbox/x_1"] {
            let body = json!({"name": "wider", "role": "viewer", "scope": wider});
            assert_eq!(admin.post("/tokens", &body).status, 403, "{scope} gives away {wider}");
        }
        let body = json!({"name": "own", "role": "viewer", "scope": scope});
        assert_eq!(admin.post("/tokens", &body).status, 201);
        let tokens = admin.get("/tokens").ok();
        assert!(
            tokens["data"]
                .as_array()
                .unwrap()
                .iter()
                .all(|row| row["scope"].as_str().unwrap().starts_with("sandbox/sb_"))
        );
    }
}
