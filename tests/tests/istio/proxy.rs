//! A patched sidecar in real Envoy.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};
use sluice_tests::collector::Collector;
use sluice_tests::curl::Curl;
use sluice_tests::envoy::{Envoy, Refused, Setup};
use sluice_tests::world::World;

use crate::capture;
use crate::kustomize::Manifests;
use crate::sidecar::Sidecar;

/// A sidecar, what it can reach, and its collector.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) collector: Collector,
    pub(crate) envoy: Envoy,
}

/// What names of the outside lead to, as far as the sandbox knows. Envoy never dials it: it is dialled where the
/// registry says who is there instead.
pub(crate) const SOMEWHERE: [u8; 4] = [192, 0, 2, 2];
/// An address that Envoy may dial too, and nobody is there.
pub(crate) const NOBODY: [u8; 4] = [127, 0, 0, 2];
/// The database's, in envoy/istio/locked/hosts.yaml.
pub(crate) const DATABASE: [u8; 4] = [10, 2, 0, 7];
/// The collector's, in envoy/istio/base/registry.yaml.
pub(crate) const COLLECTOR: [u8; 4] = [240, 240, 0, 1];

impl Scene {
    /// Without a collector.
    pub(crate) fn alone(manifests: &Manifests) -> Self {
        let collector = Collector::start();
        collector.stop();
        Self::start(manifests, collector)
    }

    pub(crate) fn start(manifests: &Manifests, collector: Collector) -> Self {
        let world = World::start();
        let envoy = setup(&Sidecar::with(manifests), &world, &collector).start();
        Self {
            world,
            collector,
            envoy,
        }
    }

    /// Where a connection to this address and port is redirected to.
    pub(crate) fn to(&self, address: [u8; 4], port: u16) -> SocketAddr {
        capture::redirect(self.envoy.listener("virtualOutbound"), (address, port).into())
    }

    /// curl whose connections go to this address and port, whatever the URL says.
    pub(crate) fn curl(&self, address: [u8; 4], port: u16) -> Curl {
        self.world.redirected_curl(self.to(address, port))
    }

    /// The decision on the one connection or request that fits, by the access log.
    pub(crate) fn decision(&self, what: &str) -> Value {
        let same = |text: Option<&str>| text == Some(what);
        let fits = |entry: &sluice_tests::envoy::Entry| {
            same(entry.authority.as_deref()) || same(entry.requested_server_name.as_deref())
        };
        self.envoy.logged(what, fits).decision()
    }
}

/// What stops Envoy from starting with a sidecar.
pub(crate) fn refused(sidecar: &Sidecar) -> Option<Refused> {
    let collector = Collector::start();
    setup(sidecar, &World::start(), &collector).validate().err()
}

fn setup(sidecar: &Sidecar, world: &World, collector: &Collector) -> Setup {
    let mut bootstrap = json!({
        "node": sidecar.node,
        "admin": {"address": {"pipe": {"path": "admin.sock"}}},
        "static_resources": {"listeners": sidecar.listeners, "clusters": sidecar.clusters},
    });
    each_object(&mut bootstrap, &mut |object| {
        discovered(object, sidecar);
        fetched(object);
        log_to_a_file(object);
    });
    for listener in bootstrap["static_resources"]["listeners"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        if listener["bind_to_port"] != false {
            listener["address"]["socket_address"] = json!({"address": "127.0.0.1", "port_value": 0});
        }
        if listener["name"] == "virtualOutbound" {
            redirected(&mut listener["listener_filters"]);
        }
    }
    for cluster in bootstrap["static_resources"]["clusters"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        let name = cluster["name"].as_str().unwrap_or_default().to_owned();
        let port = match name.as_str() {
            "outbound|80||api.openai.com" | "outbound|5432||db.corp.example.com" => world.plain.port(),
            "outbound|443||api.github.com" => world.teapot.port(),
            "outbound|443||api.openai.com" => world.tls.port(),
            "outbound|4317||collector.sluice.internal" => collector.port(),
            _ => continue,
        };
        // The names resolve to loopback, and mutual TLS is Istio's part.
        let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
        cluster["type"] = json!("STATIC");
        cluster["load_assignment"] = json!({
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        });
    }
    Setup::shipped("transparent", &world.dns).edit(|shipped| *shipped = bootstrap)
}

/// What ECDS would answer.
fn discovered(object: &mut Map<String, Value>, sidecar: &Sidecar) {
    if object.remove("config_discovery").is_some() {
        let name = object["name"].as_str().unwrap_or_default();
        let extension = sidecar.extensions.get(name);
        let extension = extension.unwrap_or_else(|| panic!("nothing is called {name}"));
        object.insert("typed_config".to_owned(), extension.clone());
    }
}

/// What Istio's agent makes of a module that it fetched (`pkg/wasm/convert.go`, `rewriteVMConfig`).
fn fetched(object: &mut Map<String, Value>) {
    if object.get("code").is_some_and(|code| code["remote"].is_object()) {
        object["code"] = json!({"local": {"filename": "sluice_filter.wasm"}});
    }
}

fn log_to_a_file(object: &mut Map<String, Value>) {
    if object.get("path") == Some(&json!("/dev/stdout")) {
        object["path"] = json!("access.log");
    }
}

/// The destination is in a header here, and not in the kernel.
fn redirected(filters: &mut Value) {
    if filters.is_null() {
        *filters = json!([]);
    }
    let header = json!({"name": "envoy.filters.listener.proxy_protocol", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
    }});
    filters.as_array_mut().expect("a list").insert(0, header);
}

fn each_object(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values_mut().for_each(|inner| each_object(inner, visit));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| each_object(inner, visit)),
        _ => {}
    }
}
