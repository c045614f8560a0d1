//! A policy that comes with a listener update (LDS) rules the connections of the listener before it, which drain for minutes.

use serde_json::{Value, json};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::raw::h1;
use sluice_tests::wait;
use sluice_tests::world::World;

fn policy(mode: &str) -> Value {
    json!({"default_port": 80, "policy": {"mode": mode, "rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com"},
    ]}})
}

struct Test {
    world: World,
    envoy: Envoy,
    kept_alive: h1::Connection,
}

impl Test {
    fn start() -> Self {
        let world = World::start();
        let envoy = Setup::shipped("forward-proxy", &world.dns)
            .concurrency(1)
            .configuration(&policy("enforce"))
            .watching_listeners()
            .start();
        let kept_alive = h1::Connection::open(envoy.listener("forward_proxy"));
        let mut test = Self {
            world,
            envoy,
            kept_alive,
        };
        assert_eq!(test.on_the_kept_connection(), Some(403));
        test
    }

    fn request(&self) -> Vec<u8> {
        h1::get(&format!("unlisted.example.com:{}", self.world.plain.port()))
    }

    fn on_the_kept_connection(&mut self) -> Option<u16> {
        let request = self.request();
        self.kept_alive.send(&request).status()
    }

    fn on_a_new_connection(&self) -> Option<u16> {
        let proxy = self.envoy.listener("forward_proxy");
        h1::Connection::open(proxy).send(&self.request()).status()
    }

    /// Waits until both are answered so: the update reaches the workers after it is accepted.
    fn becomes(&mut self, status: u16) {
        wait::until(&format!("{status} on the kept-alive connection"), || {
            (self.on_the_kept_connection() == Some(status)).then_some(())
        });
        wait::until(&format!("{status} on a new connection"), || {
            (self.on_a_new_connection() == Some(status)).then_some(())
        });
        assert_eq!(self.on_the_kept_connection(), Some(status), "and so it stays");
        let opened = self.envoy.stat("listener_manager.total_filter_chains_draining")
            + self.envoy.stat("listener_manager.total_listeners_draining");
        assert_ne!(opened, 0, "the listener of the kept-alive connection drains");
    }
}

#[test]
fn a_listener_update_rules_connections_that_drain() {
    let mut test = Test::start();
    test.envoy.update_listener(&policy("audit_only").to_string(), |_| {});
    test.becomes(200);
    let mut raised = policy("enforce");
    raised["generation"] = json!(1);
    test.envoy.update_listener(&raised.to_string(), |_| {});
    test.becomes(403);
}

/// The listener that drains still has the plugin of this text, and Envoy takes that one.
#[test]
fn a_policy_put_back_word_for_word_rules_from_the_next_connection_on() {
    let mut test = Test::start();
    test.envoy.update_listener(&policy("audit_only").to_string(), |_| {});
    test.becomes(200);
    test.envoy.update_listener(&policy("enforce").to_string(), |_| {});
    wait::until("403 on a new connection", || {
        (test.on_a_new_connection() == Some(403)).then_some(())
    });
    test.becomes(403);
}

#[test]
fn a_changed_resource_is_still_the_same_plugin() {
    let mut test = Test::start();
    let mut changed = policy("audit_only");
    changed["resource"] = json!({"type": "sandbox", "id": "sb_2"});
    test.envoy.update_listener(&changed.to_string(), |_| {});
    test.becomes(200);
}

/// A script with a mistake that shows only once the worker has been given the policy before it:
/// refused at once, the update may never get to a worker, and there would be nothing to undo.
const REFUSES_LATE: &str = r#"
    local give_up = os.clock() + 20
    repeat
        local log = io.open("envoy.log")
        local _, configured = log:read("*a"):gsub("policy in force: mode=audit_only", "")
        log:close()
    until configured >= 3 or os.clock() > give_up
    error("refused")
"#;

#[test]
fn an_update_that_is_refused_for_another_filter_changes_nothing() {
    let mut test = Test::start();
    let broken = |manager: &mut Value| {
        let filters = manager["http_filters"].as_array_mut().expect("there are filters");
        let script = json!({
            "name": "broken",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                "default_source_code": {"inline_string": REFUSES_LATE},
            },
        });
        // After ours, so that ours is configured when this one is refused.
        filters.insert(1, script);
    };
    test.envoy
        .update_listener_refused(&policy("audit_only").to_string(), broken);
    // In the VM that is thrown away, in that of the main thread, and in that of the worker.
    let configured = test.envoy.log().matches("policy in force: mode=audit_only").count();
    assert_eq!(configured, 3, "the worker had the policy that was refused");
    wait::until("the old policy on the kept-alive connection", || {
        (test.on_the_kept_connection() == Some(403)).then_some(())
    });
    assert_eq!(test.on_a_new_connection(), Some(403));
    assert_eq!(test.on_the_kept_connection(), Some(403));

    // And Envoy is not stuck: a good one is still taken.
    test.envoy.update_listener(&policy("audit_only").to_string(), |_| {});
    test.becomes(200);
}
