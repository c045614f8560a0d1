//! Envoy starts with a module that it fetches: with the right one it decides, and without it nothing passes, in no mode.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::thread;

use serde_json::{Value, json};
use sluice_harness::FILTER_WASM;
use sluice_tests::envoy::Setup;
use sluice_tests::wait;
use sluice_tests::world::World;
use tokio::net::TcpSocket;

use crate::layout::sha256;
use crate::server::Server;

/// What `envoy/image/README.md` says to write, with the checksum of a module.
pub(crate) fn documented(checksum: &str) -> Value {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/image/README.md");
    let readme = fs::read_to_string(readme).expect("the checkout is complete");
    let mut blocks = readme
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let block = blocks
        .find(|block| block.starts_with("code:"))
        .expect("it shows the code");
    let mut code: Value = yaml_serde::from_str::<Value>(block).expect("it is YAML")["code"].take();
    code["remote"]["sha256"] = json!(checksum);
    // A test has no time for pauses of seconds.
    let retry = code
        .pointer_mut("/remote/retry_policy/retry_back_off")
        .expect("it says how to retry");
    *retry = json!({"base_interval": "0.05s", "max_interval": "0.2s"});
    code
}

fn policy(mode: &str) -> Value {
    json!({"default_port": 80, "policy": {"mode": mode, "rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com"},
    ]}})
}

fn setup(world: &World, server: &Server, mode: &str, code: Value) -> Setup {
    let setup = Setup::shipped("forward-proxy", &world.dns).configuration(&policy(mode));
    setup.inline().edit(|bootstrap| {
        let clusters = bootstrap["static_resources"]["clusters"].as_array_mut();
        clusters.expect("there are clusters").push(server.cluster());
        vm(bootstrap)["code"] = code;
        without_addresses(bootstrap);
    })
}

/// Takes out what decides on addresses. With a module that is fetched it is in a VM of its own, and lets nothing
/// pass to this machine.
pub(crate) fn without_addresses(bootstrap: &mut Value) {
    let filters = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let filters = bootstrap.pointer_mut(filters).and_then(Value::as_array_mut);
    for filter in filters.expect("the listener has filters") {
        if let Some(upstream) = filter.pointer_mut("/typed_config/upstream_http_filters") {
            *upstream = json!([]);
        }
    }
}

/// What a bootstrap says of the filter's VM.
fn vm(bootstrap: &mut Value) -> &mut Value {
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    let manager = bootstrap.pointer_mut(manager).expect("the listener has one filter");
    &mut manager["http_filters"][0]["typed_config"]["config"]["vm_config"]
}

fn url(host: &str, world: &World) -> String {
    format!("http://{host}:{}/", world.plain.port())
}

#[test]
fn the_module_that_it_fetched_decides() {
    let world = World::start();
    let server = Server::with(FILTER_WASM);
    let code = documented(&sha256(FILTER_WASM));
    let envoy = setup(&world, &server, "enforce", code).start();
    let curl = world.curl(envoy.listener("forward_proxy"));
    assert_eq!(curl.get(&url("api.github.com", &world)).http_code, 200);
    let refused = curl.get(&url("unlisted.example.com", &world));
    assert_eq!(refused.http_code, 403);
    assert_eq!(refused.header("x-sluice-rejected-by"), Some("default_deny"));
    assert_eq!(world.plain.accepted(), 1);
    assert_eq!(server.asked(), 1, "once for all workers");
    assert_eq!(envoy.stat("wasm.remote_load_fetch_successes"), 1);
}

/// It knows no rule there, so only what anybody may reach is let pass.
#[test]
fn what_decides_on_addresses_has_a_file_and_errs_to_the_safe_side() {
    let world = World::start();
    let server = Server::with(FILTER_WASM);
    let code = documented(&sha256(FILTER_WASM));
    let setup = Setup::shipped("forward-proxy", &world.dns).configuration(&policy("enforce"));
    let setup = setup.inline().edit(|bootstrap| {
        let clusters = bootstrap["static_resources"]["clusters"].as_array_mut();
        clusters.expect("there are clusters").push(server.cluster());
        vm(bootstrap)["code"] = code;
    });
    let envoy = setup.start();
    let refused = world
        .curl(envoy.listener("forward_proxy"))
        .get(&url("api.github.com", &world));
    assert_eq!(refused.http_code, 403);
    assert_eq!(refused.header("x-sluice-rejected-by"), Some("private_address"));
    assert_eq!(world.plain.requests().len(), 0);
}

#[test]
fn with_another_checksum_nothing_passes() {
    let world = World::start();
    let server = Server::with(FILTER_WASM);
    let mut code = documented(&sha256(b"another module"));
    // As it is without a retry policy.
    code["remote"]
        .as_object_mut()
        .expect("it is one")
        .remove("retry_policy");
    let envoy = setup(&world, &server, "audit_only", code).start();
    let curl = world.curl(envoy.listener("forward_proxy"));
    for host in ["api.github.com", "unlisted.example.com"] {
        let answer = curl.get(&url(host, &world));
        assert_eq!((answer.http_code, answer.body.as_str()), (503, ""), "{host}");
    }
    assert_eq!(world.plain.accepted(), 0);
    assert_eq!(server.asked(), 2, "it tries a second time");
    assert_eq!(envoy.stat("wasm.remote_load_fetch_failures"), 1);
    let log = envoy.log();
    assert!(log.contains("Retry limit exceeded"), "{log}");
    assert!(log.contains("Plugin sluice.http failed to load"), "{log}");
}

#[test]
fn once_it_has_given_up_it_does_not_ask_again() {
    let world = World::start();
    let mut server = Server::down();
    let mut code = documented(&sha256(FILTER_WASM));
    code["remote"]["retry_policy"]["num_retries"] = json!(2);
    let envoy = setup(&world, &server, "audit_only", code).start();
    server.put(FILTER_WASM);
    server.listen();
    let curl = world.curl(envoy.listener("forward_proxy"));
    for _ in 0..5 {
        assert_eq!(curl.get(&url("api.github.com", &world)).http_code, 503);
    }
    assert_eq!(server.asked(), 0, "no request makes it try");
    assert_eq!(world.plain.accepted(), 0);
}

/// The flag is for updates of an Envoy that runs.
#[test]
fn it_does_not_start_with_nack_on_code_cache_miss() {
    let world = World::start();
    let server = Server::with(FILTER_WASM);
    let setup = setup(&world, &server, "enforce", documented(&sha256(FILTER_WASM)));
    let refused = setup.edit(|bootstrap| vm(bootstrap)["nack_on_code_cache_miss"] = json!(true));
    let refused = refused.try_start().expect_err("it has no module yet");
    assert_eq!(refused.status.code(), Some(1), "{}", refused.log);
    assert!(
        refused.log.contains("Unable to create Wasm plugin sluice.http"),
        "{}",
        refused.log
    );
}

/// The documented configuration: patience.
#[test]
fn until_the_module_is_there_it_takes_no_connection() {
    let world = World::start();
    let mut server = Server::down();
    // Kept for Envoy by a socket that never listens.
    let reserved = TcpSocket::new_v4().expect("the system has sockets");
    reserved.set_reuseaddr(true).expect("it is a socket");
    let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
    reserved.bind(any).expect("loopback has a free TCP port");
    let proxy = reserved.local_addr().expect("a bound socket has an address");

    let code = documented(&sha256(FILTER_WASM));
    let setup = setup(&world, &server, "enforce", code).edit(|bootstrap| {
        bootstrap["static_resources"]["listeners"][0]["address"]["socket_address"]["port_value"] = json!(proxy.port());
    });
    let starting = thread::spawn(|| setup.start());
    server.listen();
    wait::until("Envoy to try more often than it does by itself", || {
        (server.asked() > 2).then_some(())
    });
    let refused = TcpStream::connect(proxy).map_err(|error| error.kind());
    assert_eq!(refused.err(), Some(std::io::ErrorKind::ConnectionRefused));

    server.put(FILTER_WASM);
    let envoy = starting.join().expect("Envoy starts");
    assert_eq!(envoy.listener("forward_proxy"), proxy);
    let curl = world.curl(proxy);
    assert_eq!(curl.get(&url("unlisted.example.com", &world)).http_code, 403);
    assert_eq!(curl.get(&url("api.github.com", &world)).http_code, 200);
}
