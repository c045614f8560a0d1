//! A configuration that cannot be carried out is refused at the start, with the reason.

use serde_json::{Value, json};
use sluice_tests::envoy::Setup;
use sluice_tests::world::World;

#[test]
fn envoy_refuses_mistakes_and_says_why() {
    let world = World::start();
    let resource = json!({"type": "sandbox", "id": "sb_1"});
    let cases: [(Value, &str); 7] = [
        (
            json!({"policy_service": {"cluster": "c"}}),
            "policies are asked for by resource",
        ),
        (
            json!({"resource": resource, "policy_service": {}}),
            "expected one of cluster and queue",
        ),
        (
            json!({"resource": resource, "policy_service": {"cluster": "c", "idle_ms": 1}}),
            "policy_service.idle_ms: 1: expected milliseconds, 1000 and more",
        ),
        (
            json!({"resource": resource, "policy_service": {"cluster": "c", "token_env": "NOT_THERE"}}),
            "the VM has no such environment variable",
        ),
        (
            json!({"resource": {"type": "tenant", "id": "x"}}),
            "and not \\\"tenant\\\"",
        ),
        (json!({"hold_ms": 60_001}), "hold_ms: 60001: expected milliseconds"),
        (
            json!({"on_unknown": "allow"}),
            "on_unknown: \"allow\": expected reject or observe",
        ),
    ];
    for (configuration, reason) in cases {
        let setup = Setup::shipped("forward-proxy", &world.dns).configuration(&configuration);
        let refused = setup.inline().try_start().expect_err(&configuration.to_string());
        assert!(refused.log.contains("configuration refused: "), "{}", refused.log);
        let reason = reason.replace("\\\"", "\"");
        assert!(refused.log.contains(&reason), "{configuration}: {}", refused.log);
    }
}
