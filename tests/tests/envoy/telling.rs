//! Where a decision can be seen besides its own log field: code details and counters.

use serde_json::json;
use sluice_tests::envoy::Setup;
use sluice_tests::world::World;

#[test]
fn code_details_and_counters_tell_what_was_decided() {
    let rules = json!([
        {"id": "gh", "effect": "allow", "host": "api.github.com"},
        {"id": "new", "effect": "allow", "host": "new.example.com", "warn_only": true},
        {"id": "no-ai", "effect": "deny", "host": "*.openai.com"},
    ]);
    let policy = |mode: &str| json!({"policy": {"mode": mode, "rules": rules}});
    let world = World::start();
    let mut envoy = Setup::shipped("forward-proxy", &world.dns)
        .configuration(&policy("enforce"))
        .start();
    let curl = world.curl(envoy.listener("forward_proxy"));
    let port = world.plain.port();
    let get = |host: &str| curl.get(&format!("http://{host}:{port}/")).http_code;

    assert_eq!(
        [get("api.github.com"), get("api.github.com"), get("new.example.com")],
        [200; 3]
    );
    assert_eq!([get("api.openai.com"), get("unlisted.example.com")], [403; 2]);
    for (host, details) in [
        ("api.openai.com", "sluice_rejected{no-ai}"),
        ("unlisted.example.com", "sluice_rejected{default_deny}"),
        ("api.github.com", "via_upstream"),
    ] {
        let entry = envoy.logged(host, |entry| entry.is_for(&format!("{host}:{port}")));
        assert_eq!(entry.response_code_details.as_deref(), Some(details));
    }

    envoy.switch(&policy("audit_only"));
    assert_eq!(get("unlisted.example.com"), 200);

    let metrics = envoy.admin("GET", "/stats/prometheus");
    for line in [
        "# TYPE sluice_decisions_total counter",
        r#"sluice_decisions_total{action="allow",mode="enforce"} 2"#,
        r#"sluice_decisions_total{action="warn",mode="enforce"} 1"#,
        r#"sluice_decisions_total{action="reject",mode="enforce"} 2"#,
        r#"sluice_decisions_total{action="allow",mode="audit_only"} 1"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "no {line} in {metrics}");
    }
}
