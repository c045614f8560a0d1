//! Several plugins in one VM: each is ruled by its own policy.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::raw::h1;
use sluice_tests::world::World;

/// A policy that allows one host only.
fn policy(host: &str) -> Value {
    json!({"default_port": 80, "resolves_to": ["127.0.0.0/8"], "policy": {"mode": "enforce", "rules": [
        {"id": "only", "effect": "allow", "host": host},
    ]}})
}

const FIRST: &str = "api.github.com";
const SECOND: &str = "api.openai.com";

/// Two listeners, one VM a thread. The second one's plugin has the given name.
fn start(world: &World, name: &str) -> Envoy {
    Setup::shipped("forward-proxy", &world.dns)
        .concurrency(1)
        .configuration(&policy(FIRST))
        .inline()
        .edit(|bootstrap| {
            let listeners = bootstrap["static_resources"]["listeners"].as_array_mut();
            let listeners = listeners.expect("there are listeners");
            let mut second = listeners.first().expect("there is one").clone();
            second["name"] = json!("second");
            let plugin = "/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config";
            let plugin = second.pointer_mut(plugin).expect("the first HTTP filter is ours");
            plugin["name"] = json!(name);
            plugin["configuration"]["value"] = json!(policy(SECOND).to_string());
            listeners.push(second);
        })
        .start()
}

/// The statuses of both hosts, each on a connection of its own.
fn statuses(world: &World, listener: SocketAddr) -> [Option<u16>; 2] {
    [FIRST, SECOND].map(|host| {
        let request = h1::get(&format!("{host}:{}", world.plain.port()));
        h1::Connection::open(listener).send(&request).status()
    })
}

#[test]
fn plugins_of_different_names_have_policies_of_their_own() {
    let world = World::start();
    let envoy = start(&world, "sluice.http.second");
    let (first, second) = (envoy.listener("forward_proxy"), envoy.listener("second"));
    for _ in 0..3 {
        assert_eq!(statuses(&world, first), [Some(200), Some(403)]);
        assert_eq!(statuses(&world, second), [Some(403), Some(200)]);
    }
    let log = envoy.log();
    assert!(!log.contains("rules again"), "nothing came back: {log}");
}

/// A mistake, which the README warns of. It must not let one listener's policy rule the other for good.
#[test]
fn plugins_of_one_name_rule_the_new_connections_of_their_listeners() {
    let world = World::start();
    let envoy = start(&world, "sluice.http");
    let (first, second) = (envoy.listener("forward_proxy"), envoy.listener("second"));
    // Until both listeners have accepted a connection, the policy configured last rules.
    let _ = (statuses(&world, first), statuses(&world, second));
    for _ in 0..3 {
        assert_eq!(statuses(&world, first), [Some(200), Some(403)]);
        assert_eq!(statuses(&world, second), [Some(403), Some(200)]);
    }
    let log = envoy.log();
    assert!(log.contains("a name of its own"), "and the log says what to do: {log}");
}
