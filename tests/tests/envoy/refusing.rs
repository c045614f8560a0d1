//! A configuration with a mistake never rules: Envoy does not start with it, or keeps what it had, and the log says where the mistake is.

use serde_json::{Value, json};
use sluice_tests::envoy::Setup;
use sluice_tests::world::World;

fn policy() -> Value {
    json!({"default_port": 80, "policy": {"mode": "enforce", "rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com"},
    ]}})
}

/// Configurations that must be refused, and what the log line has to name: the field, and why.
fn mistakes() -> Vec<(String, &'static [&'static str])> {
    let with = |pointer: &str, value: Value| {
        let mut policy = policy();
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer has a slash");
        let object = policy.pointer_mut(parent).and_then(Value::as_object_mut);
        object.expect("the parent exists").insert(field.to_owned(), value);
        policy.to_string()
    };
    vec![
        (
            with("/policy/mode", json!("enforced")),
            &["mode", "enforced", "audit_only"],
        ),
        (with("/polcy", json!({})), &["polcy"]),
        (with("/default_port", json!(0)), &["default_port", "0"]),
        (
            with("/policy/rules/0/host", json!("*.*.example.com")),
            &["gh", "host", "*.*.example.com"],
        ),
        (
            with("/policy/rules/0/methods", json!(["CONNECT"])),
            &["gh", "methods", "CONNECT"],
        ),
        (with("/policy/rules/0/hosts", json!("x")), &["hosts"]),
        ("{\"policy\":".to_owned(), &["configuration", "line 1 column 10"]),
    ]
}

#[test]
fn a_bad_update_is_refused_and_the_old_policy_still_rules() {
    let world = World::start();
    let mut envoy = Setup::shipped("forward-proxy", &world.dns)
        .configuration(&policy())
        .start();
    let curl = world.curl(envoy.listener("forward_proxy"));
    let listed = format!("http://api.github.com:{}/", world.plain.port());
    let unlisted = format!("http://unlisted.example.com:{}/", world.plain.port());

    for (configuration, named) in mistakes() {
        let before = envoy.log().len();
        envoy.switch_refused(&configuration);
        assert_names(&envoy.log()[before..], named, &configuration);
        assert_eq!(curl.get(&listed).http_code, 200, "after {configuration}");
        assert_eq!(curl.get(&unlisted).http_code, 403, "after {configuration}");
    }

    // And Envoy is not stuck: a good one is still taken.
    let mut observe = policy();
    observe["policy"]["mode"] = json!("audit_only");
    envoy.switch(&observe);
    assert_eq!(curl.get(&unlisted).http_code, 200);
}

#[test]
fn envoy_does_not_start_with_a_mistake_in_its_own_configuration() {
    let world = World::start();
    for (configuration, named) in mistakes() {
        let setup = Setup::shipped("forward-proxy", &world.dns)
            .configuration_text(&configuration)
            .inline();
        let refused = setup.try_start().expect_err(&configuration);
        assert_eq!(refused.status.code(), Some(1), "{}", refused.log);
        assert_names(&refused.log, named, &configuration);
    }
}

#[test]
fn with_a_mistake_in_the_watched_file_nothing_passes() {
    let world = World::start();
    let (configuration, named) = mistakes().remove(0);
    let envoy = Setup::shipped("forward-proxy", &world.dns)
        .configuration_text(&configuration)
        .start();
    assert_names(&envoy.log(), named, &configuration);
    let curl = world.curl(envoy.listener("forward_proxy"));
    let url = format!("http://api.github.com:{}/", world.plain.port());
    assert_eq!(curl.get(&url).http_code, 500);
    assert_eq!(world.plain.accepted(), 0);
}

/// One line of the filter's must hold all the words.
fn assert_names(log: &str, words: &[&str], configuration: &str) {
    let mut lines = log.lines().skip_while(|line| !line.contains("wasm log sluice.http"));
    // A message of several lines follows its first one.
    let message: String = lines
        .by_ref()
        .take_while(|line| line.contains("wasm log sluice.http") || !line.starts_with('['))
        .collect::<Vec<_>>()
        .join("\n");
    for word in words {
        assert!(
            message.contains(word),
            "{configuration} gave {message:?}, which lacks {word:?}"
        );
    }
}
