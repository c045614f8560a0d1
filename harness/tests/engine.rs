//! The real filter in its VM, and the deciding crate alone: the same answers.

use std::collections::BTreeMap;

use proxy_wasm_host::abi::v0_2_1::types::StreamType;
use sluice_harness::engine::{Act, CompiledFilter, Engine, EngineError, NativeEngine, Resource, Setup, WasmEngine};
use sluice_harness::recording::Sighting;
use sluice_policy::{Action, PolicyDocument, Timestamp};

const POLICY: &str = r#"{"mode": "MODE", "default_effect": "DEFAULT", "rules": [
    {"id": "gh", "effect": "allow", "host": "api.github.com", "methods": ["GET"], "path_glob": "/repos/**"},
    {"id": "ai", "effect": "allow", "host": "*.openai.com"},
    {"id": "ai-http", "effect": "deny", "host": "*.openai.com", "ports": [80]},
    {"id": "trial", "effect": "allow", "host": "trial.example.com", "warn_only": true},
    {"id": "old", "effect": "allow", "host": "old.example.com", "expires_at": "2026-06-01T00:00:00Z"},
    {"id": "net", "effect": "allow", "host": "192.0.2.0/24"},
    {"id": "six", "effect": "allow", "host": "2001:db8::/32"},
    {"id": "meta", "effect": "deny", "host": "169.254.169.254"}]}"#;

const BEFORE: i64 = 1_780_000_000_000_000;
const AFTER: i64 = 1_790_000_000_000_000;

fn setup(mode: &str, default_effect: &str) -> Setup {
    let json = POLICY.replace("MODE", mode).replace("DEFAULT", default_effect);
    Setup {
        resource: Some(Resource {
            kind: "sandbox".to_owned(),
            id: "sb_1".to_owned(),
        }),
        ..Setup::new(PolicyDocument::from_json(json.as_bytes()).unwrap())
    }
}

fn request(authority: &str, method: &str, path: Option<&str>) -> Sighting {
    raw_request(authority.as_bytes(), method, path.map(str::as_bytes))
}

fn raw_request(authority: &[u8], method: &str, path: Option<&[u8]>) -> Sighting {
    Sighting::Request {
        authority: authority.to_vec(),
        method: method.as_bytes().to_vec(),
        path: path.map(<[u8]>::to_vec),
    }
}

fn connection(server_name: &[u8], port: u16) -> Sighting {
    Sighting::Connection {
        server_name: server_name.to_vec(),
        port,
    }
}

/// What a filter is shown: every kind of target, and what tries to look like one.
fn sightings() -> Vec<Sighting> {
    let mut sightings = Vec::new();
    for authority in [
        "api.github.com",
        "API.GitHub.com.:443",
        "api.github.com:0443",
        "chat.openai.com:443",
        "chat.openai.com:80",
        "openai.com",
        "trial.example.com:8443",
        "old.example.com",
        "192.0.2.7",
        "198.51.100.7:443",
        "169.254.169.254",
        "[2001:db8::7]:443",
        "[::ffff:169.254.169.254]:80",
        "[64:ff9b::a9fe:a9fe]",
        "127.1",
        "0x7f.1",
        "2130706433",
        "user@api.github.com",
        "a.example.com,b.example.com",
        "host%2eexample.com",
        "..",
        "",
        ":443",
        "b\u{fc}cher.example",
        "unlisted.example.com:99999",
    ] {
        for (method, path) in [
            ("GET", Some("/repos/a/b?c=d")),
            ("GET", Some("/repos/%2e%2e/users")),
            ("GET", Some("/other")),
            ("POST", Some("/repos/a")),
            ("get", Some("/repos/a")),
            ("GET", None),
            ("CONNECT", None),
        ] {
            sightings.push(request(authority, method, path));
        }
    }
    sightings.push(raw_request(b"caf\xe9.example.com", "GET", Some(b"/")));
    sightings.push(raw_request(b"api.github.com", "GET", Some(b"/repos/\xff\0")));
    sightings.push(raw_request(&[b'a'; 4_000], "GET", Some(b"/")));
    for name in [
        &b"api.github.com"[..],
        b"CHAT.openai.com.",
        b"trial.example.com",
        b"192.0.2.7",
        b"a b",
        b"\xff",
        b"",
    ] {
        for port in [443, 80, 8443] {
            sightings.push(connection(name, port));
        }
    }
    sightings
}

#[test]
fn the_filter_and_the_deciding_crate_agree() {
    let filter = filter();
    let mut seen = BTreeMap::new();
    for (mode, default_effect) in [
        ("enforce", "deny"),
        ("enforce", "allow"),
        ("audit_only", "deny"),
        ("audit_only", "allow"),
    ] {
        let setup = setup(mode, default_effect);
        let mut native = NativeEngine::new(&setup).unwrap();
        let mut wasm = WasmEngine::new(&filter, &setup).unwrap();
        for sighting in sightings() {
            for at in [BEFORE, AFTER].map(Timestamp::from_micros) {
                let expected = native.decide(&sighting, at).unwrap();
                let decided = wasm.decide(&sighting, at).unwrap();
                assert_eq!(decided, expected, "{mode} {default_effect} {at} {sighting:?}");
                let what = (
                    expected.action,
                    expected.rejected_by.map(String::from),
                    expected.rule_id.map(String::from),
                );
                *seen.entry(what).or_insert(0) += 1;
            }
        }
    }
    // The table is worth something only if it leads everywhere.
    let rejected_by = |by: &str| {
        seen.keys()
            .any(|(_, rejected_by, _)| rejected_by.as_deref() == Some(by))
    };
    for by in ["default_deny", "invalid_authority", "sni_missing", "meta", "ai-http"] {
        assert!(rejected_by(by), "nothing was rejected by {by}: {seen:?}");
    }
    for rule in ["gh", "ai", "trial", "old", "net", "six"] {
        assert!(
            seen.keys().any(|(_, _, id)| id.as_deref() == Some(rule)),
            "{rule}: {seen:?}"
        );
    }
}

/// What names led to is decided on by `sluice.address` in the same VM.
#[test]
fn the_filter_and_the_deciding_crate_agree_on_addresses() {
    let filter = filter();
    let json = r#"{"mode": "MODE", "default_effect": "DEFAULT", "rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com", "methods": ["GET"], "resolves_to": ["10.2.0.0/16"]},
        {"id": "ai", "effect": "allow", "host": "*.openai.com"},
        {"id": "trial", "effect": "allow", "host": "trial.example.com", "warn_only": true},
        {"id": "ip", "effect": "allow", "host": "192.0.2.7"},
        {"id": "no", "effect": "deny", "host": "198.51.100.0/24"}]}"#;
    let at = Timestamp::from_micros(AFTER);
    let mut seen = BTreeMap::new();
    for (mode, default_effect) in [("enforce", "deny"), ("enforce", "allow"), ("audit_only", "deny")] {
        let json = json.replace("MODE", mode).replace("DEFAULT", default_effect);
        let setup = Setup {
            resolves_to: vec!["10.9.0.0/16".to_owned()],
            ..Setup::new(PolicyDocument::from_json(json.as_bytes()).unwrap())
        };
        let mut native = NativeEngine::new(&setup).unwrap();
        let mut wasm = WasmEngine::new(&filter, &setup).unwrap();
        for sighting in sightings() {
            for addresses in [
                &["203.0.113.1"][..],
                &["10.2.3.4"],
                &["10.9.3.4"],
                &["::ffff:10.2.3.4"],
                &["127.0.0.1"],
                &["169.254.169.254"],
                &["fd00::1"],
                &["198.51.100.7"],
                &["10.2.3.4", "10.3.3.4"],
                &[],
            ] {
                let addresses: Vec<_> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
                let expected = native.decide_resolved(&sighting, &addresses, at).unwrap();
                let decided = wasm.decide_resolved(&sighting, &addresses, at).unwrap();
                assert_eq!(decided, expected, "{mode} {default_effect} {addresses:?} {sighting:?}");
                let what = (expected.action, expected.rejected_by.map(String::from));
                *seen.entry(what).or_insert(0) += 1;
            }
        }
    }
    for (action, by) in [
        (Action::Reject, "private_address"),
        (Action::Allow, "private_address"),
        (Action::Reject, "no"),
        (Action::Allow, "no"),
    ] {
        assert!(
            seen.contains_key(&(action, Some(by.to_owned()))),
            "{action} {by}: {seen:?}"
        );
    }
}

/// The names of what was done, in order, without the values.
fn kinds(engine: &WasmEngine) -> Vec<&'static str> {
    engine
        .acts()
        .iter()
        .map(|entry| match entry.act {
            Act::Log(_) => "log",
            Act::SetProperty { .. } => "verdict",
            Act::LocalResponse { .. } => "reply",
            Act::Close(_) => "close",
            Act::Count { .. } => "count",
            Act::Answer(_) => "answer",
            _ => "other",
        })
        .collect()
}

fn started(mode: &str) -> WasmEngine {
    WasmEngine::new(&filter(), &setup(mode, "deny")).unwrap()
}

#[test]
fn a_rejected_request_is_counted_recorded_and_answered_with_the_reason() {
    let mut engine = started("enforce");
    let sighting = request("unlisted.example.com", "GET", Some("/"));
    let record = engine.decide(&sighting, Timestamp::from_micros(AFTER)).unwrap();
    assert_eq!((record.action, record.would_reject), (Action::Reject, true));
    let expected = ["count", "verdict", "reply", "answer"];
    assert_eq!(kinds(&engine)[..4], expected, "{:?}", engine.acts());
    for entry in engine.acts() {
        match &entry.act {
            Act::Count { metric, by } => {
                assert_eq!(metric, "sluice_decisions_action_=_reject_;_mode_=_enforce_;_total");
                assert_eq!(*by, 1);
            }
            Act::LocalResponse {
                status,
                details,
                headers,
                body,
            } => {
                assert_eq!(
                    (*status, details.as_slice()),
                    (403, &b"sluice_rejected{default_deny}"[..])
                );
                let header = |name: &[u8]| {
                    headers
                        .iter()
                        .find(|(key, _)| key == name)
                        .map(|(_, value)| value.as_slice())
                };
                assert_eq!(header(b"content-type"), Some(&b"application/json"[..]));
                assert_eq!(header(b"x-sluice-rejected-by"), Some(&b"default_deny"[..]));
                let body: serde_json::Value = serde_json::from_slice(body).unwrap();
                assert_eq!(body["error"]["code"], "EGRESS_HOST_NOT_ALLOWED");
                assert_eq!(body["error"]["details"]["host"], "unlisted.example.com");
                assert_eq!(body["error"]["details"]["resource"]["id"], "sb_1");
            }
            _ => {}
        }
    }
}

#[test]
fn a_rejected_connection_is_closed_at_once() {
    let mut engine = started("enforce");
    let record = engine
        .decide(&connection(b"", 443), Timestamp::from_micros(AFTER))
        .unwrap();
    assert_eq!(record.rejected_by.as_deref(), Some("sni_missing"));
    assert_eq!(kinds(&engine), ["count", "verdict", "close", "answer"]);
    assert!(
        engine
            .acts()
            .iter()
            .any(|entry| entry.act == Act::Close(StreamType::Downstream))
    );
}

#[test]
fn what_audit_only_would_reject_passes_and_is_recorded() {
    let mut engine = started("audit_only");
    for sighting in [
        request("unlisted.example.com", "GET", Some("/")),
        connection(b"unlisted.example.com", 443),
    ] {
        let record = engine.decide(&sighting, Timestamp::from_micros(AFTER)).unwrap();
        assert_eq!((record.action, record.would_reject), (Action::Allow, true));
        assert_eq!(kinds(&engine), ["count", "verdict", "answer"], "{:?}", engine.acts());
    }
}

/// Each connection is decided for the port it dials, however many there are.
#[test]
fn every_port_has_its_listener() {
    let filter = filter();
    let policy = r#"{"mode": "enforce", "rules": [
        {"id": "tls", "effect": "allow", "host": "a.example.com", "ports": [443, 1003]}]}"#;
    let setup = Setup::new(PolicyDocument::from_json(policy.as_bytes()).unwrap());
    let mut engine = WasmEngine::new(&filter, &setup).unwrap();
    for round in 0..2 {
        for port in (1_000..1_012).chain([443]) {
            let record = engine
                .decide(&connection(b"a.example.com", port), Timestamp::from_micros(AFTER))
                .unwrap();
            assert_eq!(record.port, Some(port));
            let allowed = port == 443 || port == 1_003;
            assert_eq!(record.action == Action::Allow, allowed, "{port} in round {round}");
        }
    }
}

#[test]
fn a_bad_plugin_configuration_is_refused_with_the_field_and_the_reason() {
    let filter = filter();
    for (json, said) in [
        (r#"{"policy": {"mode": "maybe"}}"#, "maybe"),
        (r#"{"polcy": {}}"#, "polcy"),
        (r#"{"default_port": 70000}"#, "default_port"),
        (
            r#"{"policy": {"rules": [{"id": "a", "effect": "allow", "host": "a:1"}]}}"#,
            "a:1",
        ),
        ("[", "expected an object"),
        ("{", "EOF"),
    ] {
        let error = WasmEngine::with_plugin_config(&filter, json.as_bytes())
            .err()
            .unwrap_or_else(|| panic!("accepted {json}"));
        assert!(matches!(error, EngineError::Refused { .. }), "{json}: {error:?}");
        assert!(error.to_string().contains(said), "{json}: {error}");
    }
}

#[test]
fn a_policy_that_does_not_compile_fails_both_engines() {
    let mut setup = setup("enforce", "deny");
    setup.policy.rules[1].host = "*.*.com".to_owned();
    let native = NativeEngine::new(&setup).err().unwrap();
    assert!(matches!(native, EngineError::Policy(_)), "{native:?}");
    let wasm = WasmEngine::new(&filter(), &setup).err().unwrap();
    assert!(matches!(wasm, EngineError::Refused { .. }), "{wasm:?}");
    for error in [native.to_string(), wasm.to_string()] {
        assert!(error.contains("*.*.com"), "{error}");
    }
}

fn filter() -> CompiledFilter {
    CompiledFilter::embedded().unwrap()
}
