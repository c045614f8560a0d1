//! What keeps a test on this machine: where traffic comes from, and the ports at which it ends.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Map, Value, json};

use super::{Setup, each_object, items, names, socket_address};

/// The cluster of what goes where its client chose.
const DIALLED: &str = "where_it_was_dialled";

/// A port at which nobody listens.
const DISCARD: u16 = 9;

/// What would go to addresses that clients choose, or to addresses that are
/// shipped, goes to a port of this machine, by default one at which nobody
/// listens; how often there was the former.
pub(super) fn keep_on_loopback(bootstrap: &mut Value) -> usize {
    let mut kept = 0;
    for cluster in items(bootstrap, "/static_resources/clusters") {
        if cluster["type"] == "ORIGINAL_DST" {
            assert_eq!(cluster["name"], DIALLED);
            *cluster = json!({"name": DIALLED, "load_assignment": assignment(DISCARD)});
            kept += 1;
        }
        each_object(cluster, &mut |object| {
            let address = object.get("address").and_then(Value::as_str);
            if address.is_some_and(|address| address.parse::<IpAddr>().is_ok_and(|ip| !ip.is_loopback())) {
                object.insert("address".into(), json!(Ipv4Addr::LOCALHOST));
                object.insert("port_value".into(), json!(DISCARD));
            }
        });
    }
    kept
}

fn assignment(port: u16) -> Map<String, Value> {
    let endpoint = json!({"address": socket_address((Ipv4Addr::LOCALHOST, port).into())});
    let mut assignment = Map::new();
    assignment.insert("cluster_name".into(), json!(DIALLED));
    assignment.insert("endpoints".into(), json!([{"lb_endpoints": [{"endpoint": endpoint}]}]));
    assignment
}

impl Setup {
    /// The port on this machine at which names from TLS, and addresses that clients chose, are dialled.
    #[must_use]
    pub fn dialling(self, port: u16) -> Self {
        self.edit(|bootstrap| {
            names::dial_at(bootstrap, port);
            each_object(bootstrap, &mut |object| {
                if object.get("cluster_name") == Some(&json!(DIALLED)) {
                    *object = assignment(port);
                }
            });
        })
    }

    /// Connections say where they were going in the PROXY protocol, which stands in for a redirect of the kernel.
    ///
    /// # Panics
    /// If the topology does not ask the kernel.
    #[must_use]
    pub fn redirected_by_proxy_protocol(self) -> Self {
        self.edit(|bootstrap| {
            let asked = bootstrap.pointer_mut("/static_resources/listeners/0/listener_filters/0");
            let asked = asked.expect("the listener has filters");
            assert_eq!(asked["name"], "envoy.filters.listener.original_dst");
            *asked = json!({
                "name": "envoy.filters.listener.proxy_protocol",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
                },
            });
        })
    }

    /// The port on this machine at which a service of the registry is dialled.
    ///
    /// # Panics
    /// If it is not registered.
    #[must_use]
    pub fn registered(self, cluster: &str, port: u16) -> Self {
        self.edit(|bootstrap| {
            let mut clusters = items(bootstrap, "/static_resources/clusters");
            let found = clusters.find(|found| found["name"] == cluster);
            let found = found.unwrap_or_else(|| panic!("no cluster {cluster}"));
            let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/port_value";
            *found.pointer_mut(endpoint).expect("it has an endpoint") = json!(port);
        })
    }
}
