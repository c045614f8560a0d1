//! A new module for a running Envoy: what rules until it is there.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use sluice_harness::FILTER_WASM;
use sluice_tests::envoy::{Envoy, Setup, shipped_files};
use sluice_tests::wait;
use sluice_tests::world::World;
use tempfile::TempDir;

use crate::fetching::{documented, without_addresses};
use crate::layout::sha256;
use crate::server::Server;

/// A `filter.yaml` of the test's own, that Envoy watches.
struct Watched {
    folder: TempDir,
    filter: Value,
    generation: u32,
}

impl Watched {
    /// The shipped one, with a policy.
    fn new() -> Self {
        let mut shipped = shipped_files().into_iter();
        let filter = shipped.find(|(name, _)| name == "forward-proxy/filter.yaml");
        let mut watched = Self {
            folder: TempDir::with_prefix("sluice-").expect("there is a temporary folder"),
            filter: filter.expect("it is shipped").1,
            generation: 0,
        };
        watched.put("api.github.com");
        watched
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("filter.yaml")
    }

    fn vm(&mut self) -> &mut Value {
        let vm = self.filter.pointer_mut("/resources/0/typed_config/config/vm_config");
        vm.expect("filter.yaml names the VM")
    }

    /// Moves it into place, with one host allowed.
    fn put(&mut self, allowed: &str) {
        self.generation += 1;
        let configuration = allowing(allowed, self.generation);
        let config = &mut self.filter["resources"][0]["typed_config"]["config"];
        config["configuration"]["value"] = json!(configuration.to_string());
        let next = self.folder.path().join("next");
        fs::write(&next, self.filter.to_string()).expect("the folder is ours");
        fs::rename(next, self.file()).expect("both are in one folder");
    }

    /// An Envoy that watches it.
    fn start(&self, world: &World, server: &Server) -> Envoy {
        let setup = Setup::shipped("forward-proxy", &world.dns).edit(|bootstrap| {
            add_cluster(bootstrap, server);
            without_addresses(bootstrap);
            let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
            let filter = bootstrap
                .pointer_mut(manager)
                .map(|manager| &mut manager["http_filters"][0]);
            let source = &mut filter.expect("the listener has one filter")["config_discovery"]["config_source"];
            source["path_config_source"]["path"] = json!(self.file());
        });
        setup.start()
    }
}

/// The plugin configuration: one host is allowed.
fn allowing(host: &str, generation: u32) -> Value {
    json!({"generation": generation, "default_port": 80, "policy": {
        "mode": "enforce",
        "rules": [{"id": "only", "effect": "allow", "host": host}],
    }})
}

fn add_cluster(bootstrap: &mut Value, server: &Server) {
    let clusters = bootstrap["static_resources"]["clusters"].as_array_mut();
    clusters.expect("there are clusters").push(server.cluster());
}

/// What became of the updates so far: accepted, rejected.
fn outcomes(envoy: &Envoy) -> (u64, u64) {
    let stat = |name| envoy.stat(&format!("extension_config_discovery.http_filter.sluice.{name}"));
    (stat("update_success"), stat("update_rejected"))
}

fn outcomes_after(envoy: &Envoy, before: (u64, u64)) -> (u64, u64) {
    wait::until("Envoy to take or refuse the update", || {
        Some(outcomes(envoy)).filter(|after| *after != before)
    })
}

fn statuses(world: &World, envoy: &Envoy) -> [u16; 2] {
    let curl = world.curl(envoy.listener("forward_proxy"));
    ["api.github.com", "new.example.com"]
        .map(|host| curl.get(&format!("http://{host}:{}/", world.plain.port())).http_code)
}

#[test]
fn with_nack_on_code_cache_miss_the_old_module_rules_until_the_new_one_is_there() {
    let world = World::start();
    let server = Server::with(FILTER_WASM);
    let mut watched = Watched::new();
    let envoy = watched.start(&world, &server);
    assert_eq!(statuses(&world, &envoy), [200, 403]);

    watched.vm()["code"] = documented(&sha256(FILTER_WASM));
    watched.vm()["nack_on_code_cache_miss"] = json!(true);
    let (accepted, rejected) = outcomes(&envoy);
    watched.put("new.example.com");
    assert_eq!(outcomes_after(&envoy, (accepted, rejected)), (accepted, rejected + 1));
    assert_eq!(statuses(&world, &envoy), [200, 403], "as before");

    // It has begun to fetch all the same; moved into place again, the update is accepted.
    wait::until("Envoy to accept what it has fetched", || {
        let before = outcomes(&envoy);
        watched.put("new.example.com");
        (outcomes_after(&envoy, before).0 > before.0).then_some(())
    });
    wait::until("the workers to know", || {
        (statuses(&world, &envoy) == [403, 200]).then_some(())
    });

    // From now on a change of the policy is accepted at once.
    let (accepted, rejected) = outcomes(&envoy);
    watched.put("api.github.com");
    assert_eq!(outcomes_after(&envoy, (accepted, rejected)), (accepted + 1, rejected));
    wait::until("the workers to know", || {
        (statuses(&world, &envoy) == [200, 403]).then_some(())
    });
}

#[test]
fn a_policy_is_changed_without_asking_for_the_module_again() {
    let world = World::start();
    let server = Server::with(FILTER_WASM);
    let mut watched = Watched::new();
    watched.vm()["code"] = documented(&sha256(FILTER_WASM));
    watched.put("api.github.com");
    let envoy = watched.start(&world, &server);
    assert_eq!(statuses(&world, &envoy), [200, 403]);

    server.put(b"nothing of use");
    watched.put("new.example.com");
    wait::until("the new policy to rule", || {
        (statuses(&world, &envoy) == [403, 200]).then_some(())
    });
    assert_eq!(server.asked(), 1);
}

/// At the start the watched file is as good as the bootstrap: nothing passes undecided.
#[test]
fn started_without_its_module_nothing_passes() {
    let world = World::start();
    let server = Server::with(FILTER_WASM);
    let mut watched = Watched::new();
    watched.vm()["code"] = documented(&sha256(b"another module"));
    watched.vm()["code"]["remote"]["retry_policy"]["num_retries"] = json!(1);
    watched.put("api.github.com");
    let envoy = watched.start(&world, &server);
    assert_eq!(statuses(&world, &envoy), [503, 503]);
    assert_eq!(server.asked(), 2);

    watched.vm()["nack_on_code_cache_miss"] = json!(true);
    watched.put("api.github.com");
    let envoy = watched.start(&world, &server);
    assert_eq!(
        statuses(&world, &envoy),
        [500, 500],
        "refused, and there is nothing that could rule on"
    );
    assert_eq!(world.plain.accepted(), 0);
}

/// A listener update waits for the module, as the start does.
#[test]
fn a_listener_with_a_new_module_takes_over_when_that_is_there() {
    let world = World::start();
    let mut server = Server::down();
    server.listen();
    let setup = Setup::shipped("forward-proxy", &world.dns).configuration(&allowing("api.github.com", 1));
    let setup = setup.edit(|bootstrap| {
        add_cluster(bootstrap, &server);
        without_addresses(bootstrap);
    });
    let mut envoy = setup.watching_listeners().start();
    assert_eq!(statuses(&world, &envoy), [200, 403]);

    let configuration = allowing("new.example.com", 2).to_string();
    envoy.update_listener(&configuration, |manager| {
        let vm = &mut manager["http_filters"][0]["typed_config"]["config"]["vm_config"];
        vm["code"] = documented(&sha256(FILTER_WASM));
    });
    wait::until("Envoy to ask for it in vain", || (server.asked() > 2).then_some(()));
    assert_eq!(statuses(&world, &envoy), [200, 403], "as before");
    server.put(FILTER_WASM);
    wait::until("the new module to rule", || {
        (statuses(&world, &envoy) == [403, 200]).then_some(())
    });
}

/// Why the flag must be there. Envoy 1.40 takes the update, never fetches, and until then does without a filter.
#[test]
fn without_the_flag_everything_passes_undecided() {
    let world = World::start();
    let server = Server::with(FILTER_WASM);
    let mut watched = Watched::new();
    let envoy = watched.start(&world, &server);
    assert_eq!(statuses(&world, &envoy), [200, 403]);

    watched.vm()["code"] = documented(&sha256(FILTER_WASM));
    let (accepted, rejected) = outcomes(&envoy);
    watched.put("api.github.com");
    assert_eq!(outcomes_after(&envoy, (accepted, rejected)), (accepted + 1, rejected));
    wait::until("everything to pass", || {
        (statuses(&world, &envoy) == [200, 200]).then_some(())
    });
    assert_eq!(server.asked(), 0);

    // The way back is the module that was there before.
    watched.vm()["code"] = json!({"local": {"filename": "sluice_filter.wasm"}});
    watched.put("api.github.com");
    wait::until("the old module to rule again", || {
        (statuses(&world, &envoy) == [200, 403]).then_some(())
    });
}
