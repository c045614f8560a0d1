//! Walks `behaviour.md`: every row on the deciding crate, on the `.wasm` in the harness, and in real Envoy.

use std::net::SocketAddr;
use std::thread;

use serde_json::{Value, json};
use sluice_harness::engine::{CompiledFilter, Engine, NativeEngine, Setup as EngineSetup, WasmEngine};
use sluice_policy::{DecisionRecord, PolicyDocument, Timestamp};
use sluice_tests::dns::Dns;
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::greeter::{GREETING, Greeter};
use sluice_tests::raw::{h1, h2, tls};
use sluice_tests::table::{self, Form, InEnvoy, Row, Section};

/// What a request that passes is answered with: by a route, so that nothing is ever dialled.
const PASSED: u16 = 418;

fn sections() -> Vec<Section> {
    let sections = table::read(include_str!("../behaviour.md"));
    let rows: usize = sections.iter().map(|section| section.rows.len()).sum();
    assert!(
        sections.len() > 5 && rows > 100,
        "{rows} rows in {} sections",
        sections.len()
    );
    sections
}

/// Mismatches of all rows, so that one run shows them all.
#[derive(Default)]
struct Mismatches(Vec<String>);

impl Mismatches {
    fn expect<T: PartialEq + std::fmt::Debug>(&mut self, row: &Row, what: &str, found: T, expected: T) {
        if found != expected {
            let text = &row.text;
            self.0.push(format!(
                "{text}\n  {what}: found    {found:?}\n  {what}: expected {expected:?}"
            ));
        }
    }
}

impl Drop for Mismatches {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert!(self.0.is_empty(), "{} mismatches:\n{}", self.0.len(), self.0.join("\n"));
        }
    }
}

fn natively(section: &Section) -> Vec<DecisionRecord<'static>> {
    let setup = engine_setup(section);
    let mut engine = NativeEngine::new(&setup).expect("the table's policies are valid");
    decide_all(&mut engine, section)
}

fn in_the_harness(section: &Section, filter: &CompiledFilter) -> Vec<DecisionRecord<'static>> {
    let setup = engine_setup(section);
    let mut engine = WasmEngine::new(filter, &setup).expect("the table's policies are valid");
    decide_all(&mut engine, section)
}

fn engine_setup(section: &Section) -> EngineSetup {
    let document = PolicyDocument::from_json(section.policy.as_bytes());
    EngineSetup::new(document.unwrap_or_else(|problems| panic!("{}: {problems}", section.title)))
}

fn decide_all(engine: &mut impl Engine, section: &Section) -> Vec<DecisionRecord<'static>> {
    let at = Timestamp::parse_rfc3339("2026-06-01T00:00:00Z").expect("it is a time");
    let decide = |row: &Row| {
        let decided = engine.decide(&row.sighting(), at);
        decided
            .unwrap_or_else(|error| panic!("{}: {error}", row.text))
            .into_owned()
    };
    section.rows.iter().map(decide).collect()
}

#[test]
fn the_deciding_crate_decides_as_written() {
    let mut mismatches = Mismatches::default();
    for section in sections() {
        for (row, record) in section.rows.iter().zip(natively(&section)) {
            mismatches.expect(row, "decision", table::words(&record), row.decision.clone());
            mismatches.expect(row, "target", table::target(&record), row.target.clone());
        }
    }
}

#[test]
fn the_filter_in_the_harness_decides_the_same() {
    let filter = CompiledFilter::embedded().expect("the filter is a plugin");
    let mut mismatches = Mismatches::default();
    for section in sections() {
        let expected = natively(&section);
        let found = in_the_harness(&section, &filter);
        for ((row, found), expected) in section.rows.iter().zip(found).zip(expected) {
            mismatches.expect(row, "record", found, expected);
        }
    }
}

#[test]
fn the_filter_in_envoy_decides_the_same() {
    let dns = Dns::start([]);
    let greeter = Greeter::answering();
    let mut http = Setup::shipped("forward-proxy", &dns).edit(answer_directly).start();
    let mut tls = Setup::shipped("transparent", &dns)
        .edit(|bootstrap| join_to(bootstrap, greeter.address()))
        .start();
    let mut original = Setup::shipped("original-dst", &dns)
        .dialling(greeter.address().port())
        .redirected_by_proxy_protocol()
        .start();
    let mut tunnels = Setup::shipped("forward-proxy", &dns)
        .edit(|bootstrap| tunnel_to(bootstrap, greeter.address()))
        .start();
    let mut mismatches = Mismatches::default();
    // Lines of the log are known by the client's port, which must not be used twice.
    let mut open = Vec::new();
    for section in sections() {
        let policy: Value = serde_json::from_str(&section.policy).expect("the native run read it");
        http.switch(&json!({"default_port": 80, "policy": policy}));
        tls.switch(&json!({"policy": policy}));
        tunnels.switch(&json!({"policy": policy}));
        original.switch(&json!({"destination": "original", "resolves_to": [], "policy": policy}));
        let place = |row: &Row| match row.form {
            Form::Tls => (&tls, "tls"),
            Form::Dialled => (&original, "outbound"),
            Form::Inside => (&tunnels, "forward_proxy"),
            _ => (&http, "forward_proxy"),
        };

        // First everything is sent, each row on a connection of its own; the log comes later.
        let sent: Vec<Sent> = section
            .rows
            .iter()
            .map(|row| {
                let (envoy, listener) = place(row);
                Sent::send(row, envoy.listener(listener))
            })
            .collect();
        for ((row, sent), expected) in section.rows.iter().zip(&sent).zip(natively(&section)) {
            check(row, sent, &expected, place(row).0, &mut mismatches);
        }
        open.extend(sent);
    }
    assert_eq!(
        dns.queries("localhost") + dns.queries("api.example.com"),
        0,
        "nothing is resolved"
    );
}

/// What came back, and the connection it came on, kept open so that no other row gets its port.
struct Sent {
    client: SocketAddr,
    answer: Option<u16>,
    _open: Box<dyn std::any::Any>,
}

impl Sent {
    fn send(row: &Row, to: SocketAddr) -> Self {
        let authority = row.authority.as_slice();
        let path = row.path.as_deref().unwrap_or_default();
        match row.form {
            Form::Http1 | Form::Host => {
                let absolute = [b"http://", authority, path].concat();
                let target = match (row.form, row.method.as_slice()) {
                    (_, b"CONNECT") => authority,
                    (Form::Host, _) => path,
                    _ => &absolute,
                };
                let request = h1::request(&row.method, target, &[(b"host", authority)]);
                let mut connection = h1::Connection::open(to);
                let answer = connection.send(&request).status();
                Self {
                    client: connection.local(),
                    answer,
                    _open: Box::new(connection),
                }
            }
            Form::Http2 => {
                let mut headers = vec![(b":method".as_slice(), row.method.as_slice())];
                if row.method != b"CONNECT" {
                    headers.extend([(b":scheme".as_slice(), b"http".as_slice()), (b":path", path)]);
                }
                headers.push((b":authority", authority));
                let mut connection = h2::Connection::open(to);
                let answer = connection.send(&headers).status();
                Self {
                    client: connection.local(),
                    answer,
                    _open: Box::new(connection),
                }
            }
            Form::Inside => {
                let target = row.method.as_slice();
                let mut connection = h1::Connection::open(to);
                let opened = connection.send(&h1::request(b"CONNECT", target, &[(b"host", target)]));
                let answer = match opened.status() {
                    Some(200) => {
                        let bytes = match authority {
                            table::PLAINTEXT => b"SSH-2.0-client\r\n".to_vec(),
                            name => tls::client_hello(name),
                        };
                        connection.begin(&bytes);
                        (connection.rest() == GREETING).then_some(PASSED)
                    }
                    other => other,
                };
                Self {
                    client: connection.local(),
                    answer,
                    _open: Box::new(connection),
                }
            }
            Form::Tls | Form::Dialled => {
                let mut connection = tls::Connection::open(to);
                if row.form == Form::Dialled {
                    connection.redirected(row.dialled());
                }
                let passed = connection.hello(authority) == GREETING;
                Self {
                    client: connection.local(),
                    answer: passed.then_some(PASSED),
                    _open: Box::new(connection),
                }
            }
        }
    }
}

fn check(row: &Row, sent: &Sent, expected: &DecisionRecord<'_>, envoy: &Envoy, mismatches: &mut Mismatches) {
    let rejected = expected.action == sluice_policy::Action::Reject;
    let answer = match (&row.envoy, row.form) {
        (InEnvoy::Answers(status), _) => Some(*status),
        (InEnvoy::Resets, _) => None,
        (_, Form::Tls | Form::Dialled) if rejected => None,
        // The tunnel was open: its target was allowed.
        (_, Form::Inside) if rejected && expected.rejected_by.as_deref().is_some_and(|by| by.starts_with("sni_")) => {
            None
        }
        _ if rejected => Some(403),
        _ => Some(PASSED),
    };
    mismatches.expect(row, "answer", sent.answer, answer);

    let ours = matches!(row.envoy, InEnvoy::Same | InEnvoy::Sees(_));
    if ours {
        let entry = envoy.logged(&row.text, |entry| entry.is_from(sent.client));
        let verdict = entry.verdict.as_deref().unwrap_or("nothing");
        match serde_json::from_str::<DecisionRecord<'_>>(verdict) {
            Ok(found) => mismatches.expect(row, "record", &found, expected),
            Err(_) => mismatches.expect(row, "verdict", verdict, "a decision"),
        }
    } else {
        let asked = |entry: &sluice_tests::envoy::Entry| entry.is_from(sent.client) && entry.verdict.is_some();
        mismatches.expect(row, "the filter was asked", envoy.access_log().iter().any(asked), false);
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
