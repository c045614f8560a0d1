//! The Envoys that the table is walked in: shipped configurations, in which everything that passes ends at a place
//! of the test's own, so that nothing is ever dialled or looked up.

use std::net::SocketAddr;

use serde_json::{Value, json};
use sluice_tests::dns::Dns;
use sluice_tests::envoy::{Envoy, LocalAuthority, Setup};
use sluice_tests::greeter::Greeter;
use sluice_tests::table::{Form, InEnvoy, Section};

use crate::sending::{PASSED, Sent};

/// The port of a name without one, where there is such a thing.
pub(crate) fn default_port(form: Form) -> u16 {
    if form == Form::Terminated { 443 } else { 80 }
}

/// One Envoy, and the listener that rows are sent to.
struct Scene {
    forms: &'static [Form],
    envoy: Envoy,
    listener: SocketAddr,
    /// What its plugin has to know beside the policy.
    place: Value,
}

/// Where a row is sent.
#[derive(Clone, Copy)]
pub(crate) struct Place<'s> {
    pub(crate) envoy: &'s Envoy,
    pub(crate) listener: SocketAddr,
}

/// All of them.
pub(crate) struct Scenes {
    scenes: Vec<Scene>,
    dns: Dns,
    _greeter: Greeter,
}

impl Scenes {
    /// Starts them, with one worker each: what a worker has logged when it logs a later request is all there is.
    pub(crate) fn start() -> Self {
        let dns = Dns::start([]);
        let greeter = Greeter::answering();
        let local = LocalAuthority::make(&["api.example.com"]);
        let shipped = |topology: &str| Setup::shipped(topology, &dns).concurrency(1);
        let scene = |forms, setup: Setup, listener, place| {
            let envoy = setup.start();
            Scene {
                forms,
                listener: envoy.listener(listener),
                envoy,
                place,
            }
        };
        let scenes = vec![
            scene(
                &[Form::Http1, Form::Host, Form::Http2],
                shipped("forward-proxy").edit(answer_directly),
                "forward_proxy",
                json!({"default_port": default_port(Form::Http1)}),
            ),
            scene(
                &[Form::Terminated],
                shipped("terminating")
                    .terminated(&local, &local.ca())
                    .edit(answer_directly),
                "https",
                json!({"tls": "terminated", "default_port": default_port(Form::Terminated)}),
            ),
            scene(
                &[Form::Tls],
                shipped("transparent").edit(|bootstrap| join_to(bootstrap, greeter.address())),
                "tls",
                json!({}),
            ),
            scene(
                &[Form::Dialled],
                shipped("original-dst")
                    .dialling(greeter.address().port())
                    .redirected_by_proxy_protocol(),
                "outbound",
                json!({"destination": "original", "resolves_to": []}),
            ),
            scene(
                &[Form::Inside],
                shipped("forward-proxy").edit(|bootstrap| tunnel_to(bootstrap, greeter.address())),
                "forward_proxy",
                json!({}),
            ),
        ];
        Self {
            scenes,
            dns,
            _greeter: greeter,
        }
    }

    /// Puts the policy of a section into force wherever it has rows.
    pub(crate) fn switch(&mut self, section: &Section) {
        let policy: Value = serde_json::from_str(&section.policy).expect("the native run read it");
        let forms: Vec<Form> = section.rows.iter().map(|row| row.form).collect();
        let needed = |scene: &&mut Scene| forms.iter().any(|form| scene.forms.contains(form));
        for scene in self.scenes.iter_mut().filter(needed) {
            let mut configuration = scene.place.clone();
            configuration["policy"] = policy.clone();
            scene.envoy.switch(&configuration);
        }
    }

    /// Where rows of a form are sent.
    pub(crate) fn place(&self, form: Form) -> Place<'_> {
        let scene = self.scenes.iter().find(|scene| scene.forms.contains(&form));
        let scene = scene.unwrap_or_else(|| panic!("no scene for {form:?}"));
        Place {
            envoy: &scene.envoy,
            listener: scene.listener,
        }
    }

    /// Sends one more request to each scene that may have closed a connection without a line in its log, and waits
    /// for the line of that one.
    pub(crate) fn mark(&self, section: &Section) -> Vec<Sent> {
        let resets = |scene: &&Scene| {
            let mut rows = section.rows.iter();
            rows.any(|row| row.envoy == InEnvoy::Resets && scene.forms.contains(&row.form))
        };
        let scenes = self.scenes.iter().filter(resets);
        scenes
            .map(|scene| {
                let marker = Sent::marker(scene.forms[0], scene.listener);
                scene.envoy.logged("the marker", |entry| marker.is_logged_by(entry));
                marker
            })
            .collect()
    }

    /// No name was looked up: not those that are allowed, and not those that mean this machine.
    pub(crate) fn nothing_was_resolved(&self) {
        for name in ["localhost", "api.example.com", "www.example.com", "repo.example.com"] {
            assert_eq!(self.dns.queries(name), 0, "{name}");
        }
    }
}

/// Every route answers by itself.
fn answer_directly(bootstrap: &mut Value) {
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    let manager = bootstrap.pointer_mut(manager).expect("the listener has one filter");
    let routes = manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut();
    for route in routes.expect("there are routes") {
        let route = route.as_object_mut().expect("a route is an object");
        route.remove("route");
        route.insert("direct_response".into(), json!({"status": PASSED}));
    }
    let filters = manager["http_filters"].as_array_mut().expect("there are filters");
    filters.retain(|filter| filter["name"] != "envoy.filters.http.dynamic_forward_proxy");
    bootstrap["static_resources"]["clusters"] = json!([]);
}

/// Tunnels that pass lead to one address, whatever their target.
fn tunnel_to(bootstrap: &mut Value, address: SocketAddr) {
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let filters = bootstrap.pointer_mut(manager).and_then(Value::as_array_mut);
    let filters = filters.expect("there are filters");
    filters.retain(|filter| filter["name"] != "envoy.filters.http.dynamic_forward_proxy");
    bootstrap["static_resources"]["clusters"] = json!([anywhere(address)]);
}

/// Connections that pass are joined to one address, whatever their server name.
fn join_to(bootstrap: &mut Value, address: SocketAddr) {
    let proxy = bootstrap.pointer_mut("/static_resources/listeners/0/filter_chains/0/filters/1/typed_config");
    let proxy = proxy
        .and_then(Value::as_object_mut)
        .expect("the filter is followed by the proxy");
    proxy.remove("tunneling_config").expect("it tunnels");
    proxy.insert("cluster".into(), json!("anywhere"));
    bootstrap["static_resources"]["clusters"] = json!([anywhere(address)]);
}

fn anywhere(address: SocketAddr) -> Value {
    let endpoint = json!({"address": {"socket_address": {
        "address": address.ip().to_string(), "port_value": address.port()}}});
    json!({
        "name": "anywhere",
        "load_assignment": {"cluster_name": "anywhere", "endpoints": [
            {"lb_endpoints": [{"endpoint": endpoint}]}]},
    })
}
