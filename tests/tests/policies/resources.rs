//! Many resources through one Envoy: each request is decided by the policy of whom it is of.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use sluice_tests::envoy::Setup;
use sluice_tests::upstream::Authority;
use sluice_tests::wait;
use tempfile::TempDir;

use crate::shared::{LISTED, Scene, UNLISTED, WORKERS, allow, enforce, get, get_from, proxy};

const FIRST: (&str, &str) = ("sandbox", "sb_1");
const SECOND: (&str, &str) = ("sandbox", "sb_2");
const TENANT: (&str, &str) = ("tenant", "");

/// The first may reach [`LISTED`], the second [`UNLISTED`].
fn two_policies(scene: &Scene) {
    scene.set_for(FIRST, 1, &enforce());
    scene.set_for(SECOND, 1, &allow(&[UNLISTED]));
}

fn statuses(scene: &Scene, get: impl Fn(&str) -> Option<u16>) -> [Option<u16>; 2] {
    [LISTED, UNLISTED].map(|host| get(&scene.plain(host)))
}

const FIRST_RULES: [Option<u16>; 2] = [Some(200), Some(403)];
const SECOND_RULES: [Option<u16>; 2] = [Some(403), Some(200)];

fn from(id: Value) -> Value {
    json!({"resource": {"type": "sandbox", "id_from": id}, "hold_ms": 20_000})
}

#[test]
fn by_the_address_of_the_client() {
    for workers in WORKERS {
        let scene = Scene::new();
        two_policies(&scene);
        let table = json!({"127.0.0.1": "sb_1", "127.0.0.8/30": "sb_2"});
        let envoy = scene.setup(workers, from(json!({"source_address": table}))).start();
        let proxy = proxy(&envoy);
        let by = |last: u8| {
            let client = Ipv4Addr::new(127, 0, 0, last);
            statuses(&scene, |authority| get_from(client, proxy, authority))
        };
        for _ in 0..3 {
            assert_eq!(by(1), FIRST_RULES, "{workers} workers");
            assert_eq!(by(9), SECOND_RULES);
        }
        let event = scene.audit(UNLISTED, |event| event.text("sluice.action") == Some("allow"));
        assert_eq!(event.resource.text("sluice.resource.id"), Some("sb_2"));
    }
}

/// A listener that wants a certificate, and curl with one of a workload.
#[test]
fn by_the_certificate_of_the_client() {
    let scene = Scene::new();
    two_policies(&scene);
    let authority = Authority::generate();
    let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let write = |name: &str, (certificate, key): (String, String)| {
        fs::write(path(name), certificate + &key).expect("it is writable");
    };
    write("ca.pem", (authority.pem(), String::new()));
    write("proxy.pem", authority.issue(&["127.0.0.1"], &[]));
    for (name, uri) in [
        ("one.pem", "spiffe://example.org/ns/a/sa/sb_1"),
        ("two.pem", "spiffe://example.org/ns/b/sa/sb_2"),
        ("other.pem", "spiffe://example.com/ns/a/sa/sb_1"),
    ] {
        write(name, authority.issue(&[], &[uri]));
    }
    let file = |name: &str| json!({"filename": path(name)});
    let tls = json!({
        "name": "tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": true,
            "common_tls_context": {
                "tls_certificates": [{"certificate_chain": file("proxy.pem"), "private_key": file("proxy.pem")}],
                "validation_context": {"trusted_ca": file("ca.pem")},
            },
        },
    });
    let mut configuration = from(json!({"spiffe": "spiffe://example.org/ns/*/sa/{id}"}));
    configuration["hold_ms"] = json!(2000);
    let envoy = scene
        .setup(2, configuration)
        .edit(|bootstrap| bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["transport_socket"] = tls)
        .start();
    let address = proxy(&envoy);
    let by = |name: &str| {
        statuses(&scene, |authority| {
            let (proxy, ca, own) = (format!("https://{address}"), path("ca.pem"), path(name));
            let arguments = [
                "--proxy",
                &proxy,
                "--proxy-cacert",
                &ca,
                "--proxy-cert",
                &own,
                "--proxy-key",
                &own,
            ];
            let outcome = scene
                .world
                .curl(address)
                .run(&arguments, &format!("http://{authority}/"));
            Some(outcome.http_code)
        })
    };
    assert_eq!(by("one.pem"), FIRST_RULES);
    assert_eq!(by("two.pem"), SECOND_RULES);
    // A certificate of somebody else is nobody's, and nobody is not observed.
    assert_eq!(by("other.pem"), [Some(403), Some(403)]);
}

/// Nobody knows whose request it is: the tenant decides, and it is never observed.
#[test]
fn without_an_identity_the_tenants_policy_decides() {
    for workers in WORKERS {
        let scene = Scene::new();
        let table = json!({"127.0.0.8/30": "sb_2"});
        let configuration = json!({
            "resource": {"type": "sandbox", "id_from": {"source_address": table}},
            "hold_ms": 300, "on_unknown": "observe",
        });
        let envoy = scene.setup(workers, configuration).start();
        let proxy = proxy(&envoy);
        assert_eq!(get(proxy, &scene.plain(LISTED)), Some(403), "unanswered");
        let event = scene.audit(LISTED, |_| true);
        assert_eq!(event.text("sluice.rejected_by"), Some("no_resource"));
        assert_eq!(event.resource.text("sluice.resource.id"), None);

        scene.collector.set_none(TENANT.0, TENANT.1, None);
        wait::until("the tenant to be asked for", || {
            let asked = scene.collector.watch_log();
            asked
                .iter()
                .any(|(_, request)| format!("{request:?}").contains("\"tenant\""))
                .then_some(())
        });
        assert_eq!(
            get(proxy, &scene.plain(LISTED)),
            Some(403),
            "none is no reason to observe"
        );

        scene.set_for(TENANT, 1, &enforce());
        scene.in_force_everywhere(1);
        wait::until("the tenant's policy to decide", || {
            (statuses(&scene, |authority| get(proxy, authority)) == FIRST_RULES).then_some(())
        });
        let event = scene.audit(UNLISTED, |event| event.int("sluice.policy.revision") == Some(1));
        assert_eq!(event.text("sluice.rejected_by"), Some("no_resource"));
    }
}

/// Whether a proxy with this node, that reads the id so, is ruled by the second policy.
fn ruled_by_second(id: Value, edit: impl FnOnce(Setup) -> Setup) {
    let scene = Scene::new();
    two_policies(&scene);
    let envoy = edit(scene.setup(1, from(id))).start();
    let proxy: SocketAddr = proxy(&envoy);
    assert_eq!(statuses(&scene, |authority| get(proxy, authority)), SECOND_RULES);
}

#[test]
fn by_the_id_of_the_node() {
    ruled_by_second(json!({"node_id": true}), |setup| {
        setup.edit(|bootstrap| bootstrap["node"]["id"] = json!("sb_2"))
    });
}

#[test]
fn by_the_metadata_of_the_node() {
    for path in [json!(["sandbox"]), json!(["labels", "sandbox"])] {
        ruled_by_second(json!({"node_metadata": path}), |setup| {
            setup.edit(|bootstrap| {
                bootstrap["node"]["metadata"] = json!({"sandbox": "sb_2", "labels": {"sandbox": "sb_2"}});
            })
        });
    }
}

#[test]
fn by_filter_state_that_a_filter_before_has_set() {
    ruled_by_second(json!({"filter_state": "sandbox"}), |setup| {
        setup.edit(|bootstrap| {
            let filters = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
            let filters = bootstrap.pointer_mut(filters).and_then(Value::as_array_mut);
            let setter = json!({
                "name": "identify",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
                    "on_request_headers": [{
                        "object_key": "sandbox",
                        "factory_key": "envoy.string",
                        "format_string": {"text_format_source": {"inline_string": "sb_2"}},
                    }],
                },
            });
            filters.expect("there are HTTP filters").insert(0, setter);
        })
    });
}

#[test]
fn resources_past_the_cap_are_counted_and_decided_by_what_is_configured() {
    let scene = Scene::new();
    two_policies(&scene);
    let mut configuration = from(json!({"source_address": {"127.0.0.1": "sb_1", "127.0.0.9": "sb_2"}}));
    configuration["policy_service"] = json!({"cluster": "sluice", "max_resources": 1});
    let envoy = scene.setup(1, configuration).start();
    let proxy = proxy(&envoy);
    assert_eq!(statuses(&scene, |authority| get(proxy, authority)), FIRST_RULES);
    let second = statuses(&scene, |authority| {
        get_from(Ipv4Addr::new(127, 0, 0, 9), proxy, authority)
    });
    assert_eq!(second, [Some(403), Some(403)], "without waiting");
    assert_eq!(envoy.stat("wasmcustom.sluice_resources_over_cap_total"), 2);
    let event = scene.audit(UNLISTED, |event| {
        event.resource.text("sluice.resource.id") == Some("sb_2")
    });
    assert_eq!(event.text("sluice.rejected_by"), Some("no_policy"));
}
