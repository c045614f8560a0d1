//! What is said of decisions.

use super::*;
use crate::model::Resource;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn row() -> AuditRow {
    AuditRow {
        timestamp: "2026-11-01T00:00:00.000000Z".to_owned(),
        host: Some("api.example.com".to_owned()),
        port: Some(443),
        resource: Resource::new("sandbox", "sb_1"),
        ..AuditRow::default()
    }
}

#[test]
fn it_is_asked_for_as_it_was_seen() {
    let opaque = row();
    assert_eq!(
        question(&opaque).unwrap(),
        json!({"at": opaque.timestamp, "target": "api.example.com:443", "resource_type": "sandbox", "resource_id": "sb_1"})
    );
    let named = AuditRow {
        sni: Some("api.example.com".to_owned()),
        ..row()
    };
    assert_eq!(question(&named).unwrap()["sni"], "api.example.com");
    // In clear the server name is no part of the question.
    let clear = AuditRow {
        method: Some("POST".to_owned()),
        path: Some("/v1/\"x\"".to_owned()),
        ..named
    };
    let asked = question(&clear).unwrap();
    assert_eq!(
        (&asked["method"], &asked["path"]),
        (&json!("POST"), &json!("/v1/\"x\""))
    );
    assert!(asked.get("sni").is_none());
    let tunnel = AuditRow {
        method: Some("CONNECT".to_owned()),
        ..row()
    };
    let asked = question(&tunnel).unwrap();
    assert!(asked["method"] == "CONNECT" && asked.get("path").is_none());
}

#[test]
fn what_is_no_target_is_asked_for_too() {
    let invalid = AuditRow {
        host: None,
        port: None,
        raw: Some("127.1".to_owned()),
        ..row()
    };
    assert_eq!(question(&invalid).unwrap()["target"], "127.1");
    assert_eq!(target(&invalid), "127.1");
    let named = AuditRow {
        sni: Some("b.example.com".to_owned()),
        ..invalid
    };
    let asked = question(&named).unwrap();
    assert!(asked.get("target").is_none() && asked["sni"] == "b.example.com");
    let nothing = AuditRow { host: None, ..row() };
    assert_eq!(question(&nothing), None);
    let nobody = AuditRow {
        resource: Resource::default(),
        ..row()
    };
    assert_eq!(question(&nobody).unwrap()["resource_type"], "tenant");
}

#[test]
fn addresses_of_version_6_are_in_brackets() {
    let address = AuditRow {
        host: Some("2001:db8::1".to_owned()),
        ..row()
    };
    assert_eq!(target(&address), "[2001:db8::1]:443");
    assert_eq!(question(&address).unwrap()["target"], "[2001:db8::1]:443");
}

#[test]
fn no_member_of_a_row_is_left_out() {
    let document = json!({
        "id": "aud_1", "host": "a.example.com", "raw": null, "would_reject": true, "duration_ms": 61_000.5, "bytes_in": 1_500,
        "status_code": 0, "count": 1_000, "nearest": {"rule_id": "gh", "why": "method"}, "timestamp": "2026-11-01T00:00:00.000000Z",
        "metadata": {"uid": "1/2", "new": {"deep": [1]}, "path_cut": true}, "later": "<b>", "sni": "",
    });
    let facts = facts(document.as_object().unwrap());
    let find = |name: &str| facts.iter().find(|fact| fact.name == name).unwrap();
    let text = |text: &str| Shown::Text(text.to_owned());
    assert_eq!(facts.len(), 12 + 3);
    for (name, value) in [
        ("raw", Shown::Nothing),
        ("sni", Shown::Nothing),
        ("would_reject", text("yes")),
        ("duration_ms", text("1 min 1 s")),
        ("bytes_in", text("1.5 kB")),
        ("status_code", text("none")),
        ("count", text("1\u{2009}000")),
        ("nearest", text("Rule gh names the host, not for this method")),
        ("metadata.new", text("{\"deep\":[1]}")),
        ("later", text("<b>")),
        ("timestamp", Shown::Moment("2026-11-01T00:00:00.000000Z".to_owned())),
    ] {
        assert_eq!(find(name).value, value, "{name}");
    }
    assert_eq!(find("later").label, "later");
    assert_eq!(find("metadata.uid").label, "Record");
    assert_eq!(facts[0].name, "timestamp");
    // Members that are of another kind than expected are shown as they are.
    let odd = json!({"metadata": [1], "nearest": {"why": 1}, "bytes_in": -1, "count": "x"});
    assert_eq!(super::facts(odd.as_object().unwrap()).len(), 4);
}

#[test]
fn every_reason_has_a_sentence_and_no_rule_has() {
    let reasons = [
        "default_deny",
        "invalid_authority",
        "sni_missing",
        "sni_mismatch",
        "private_address",
        "self",
        "no_policy",
        "no_resource",
    ];
    for word in reasons {
        assert!(reason(word).is_some_and(|text| text.ends_with('.')), "{word}");
    }
    assert_eq!(reason("gh"), None);
    for why in ["method", "port", "path", "opaque", "expired", "something new"] {
        let text = nearest(&Nearest {
            rule_id: "gh".to_owned(),
            why: why.to_owned(),
        });
        assert!(text.starts_with("Rule gh names the host"), "{text}");
    }
}

#[test]
fn verdicts_are_sentences() {
    let explanation = |action: &str, would_reject, rule_id: Option<&str>, rejected_by: Option<&str>| Explanation {
        action: action.to_owned(),
        would_reject,
        rule_id: rule_id.map(str::to_owned),
        rejected_by: rejected_by.map(str::to_owned),
        ..Explanation::default()
    };
    assert_eq!(
        verdict(&explanation("allow", false, Some("gh"), None)),
        "It passes by rule gh."
    );
    assert_eq!(
        verdict(&explanation("reject", true, Some("meta"), Some("meta"))),
        "It is rejected by rule meta."
    );
    assert!(
        verdict(&explanation("allow", true, None, Some("default_deny"))).contains("enforce would reject it. No rule")
    );
    assert!(verdict(&explanation("allow", false, None, None)).ends_with("is allowed."));
}

#[test]
fn canonical_forms_and_durations_are_for_people() {
    assert_eq!(
        canonical(&json!({"host": "a.example.com", "port": 443, "kind": "name"})).as_deref(),
        Some("a.example.com:443 (name)")
    );
    assert_eq!(
        canonical(&json!({"error": "invalid_authority", "reason": "a space"})).as_deref(),
        Some("invalid_authority: a space")
    );
    assert_eq!(canonical(&Value::Null), None);
    for (milliseconds, text) in [
        (0.25, "0.2 ms"),
        (250.0, "250 ms"),
        (1_500.0, "1.5 s"),
        (125_000.0, "2 min 5 s"),
        (7_380_000.0, "2 h 3 min"),
    ] {
        assert_eq!(duration(milliseconds), text);
    }
}
