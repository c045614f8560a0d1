//! Where connections are redirected. The tests dial Envoy's listeners themselves, as a redirect of the kernel would.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;

use serde_json::{Value, json};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::world::World;

use crate::ran::{NOBODY, Ran, doctor, found, ran};

/// A port of loopback at which nobody listens.
const CLOSED: &str = "1";

fn policy(mode: &str) -> Value {
    json!({"policy": {"mode": mode, "rules": []}})
}

fn transparent(mode: &str) -> (World, Envoy) {
    let world = World::start();
    let setup = Setup::shipped("transparent", &world.dns).configuration(&policy(mode));
    (world, setup.start())
}

fn reached(place: &str) -> Ran {
    found(&["--transparent", "--reach", place, "--other-port", CLOSED])
}

#[test]
fn what_sluice_rejects_is_redirected() {
    let (_world, envoy) = transparent("enforce");
    let (tls, http) = (envoy.listener("tls").to_string(), envoy.listener("http").to_string());
    let report = found(&[
        "--transparent",
        "--reach",
        &tls,
        "--reach",
        &http,
        "--other-port",
        CLOSED,
    ]);
    report.says("proxy", "ok", "connections are redirected to Sluice");
    report.says_among_others(
        "direct",
        "ok",
        &format!("{tls} closes a connection for sluice-doctor.invalid"),
    );
    report.says_among_others("direct", "ok", &format!("{http} leads to Sluice"));
    report.says_among_others("direct", "ok", "no connection to 127.0.0.1:1: refused");
    let logged = envoy.logged("the name", |entry| entry.requested_server_name.is_some());
    assert_eq!(logged.requested_server_name.as_deref(), Some("sluice-doctor.invalid"));
    assert_eq!(logged.decision()["rejected_by"], "default_deny");
}

#[test]
fn in_audit_only_a_name_that_does_not_exist_leads_nowhere() {
    let (world, envoy) = transparent("audit_only");
    reached(&envoy.listener("tls").to_string()).says_among_others("direct", "ok", "closes a connection");
    reached(&envoy.listener("http").to_string()).says_among_others("direct", "note", "answers 503");
    assert_ne!(world.dns.queries("sluice-doctor.invalid"), 0, "it was let through");
}

/// The proxy variables say nothing where connections are redirected.
#[test]
fn variables_of_a_proxy_do_not_matter_then() {
    let (_world, envoy) = transparent("enforce");
    let tls = envoy.listener("tls").to_string();
    let mut command = doctor(&["--transparent", "--reach", &tls, "--other-port", CLOSED]);
    command.env("HTTPS_PROXY", "http://127.0.0.1:1");
    ran(command).says("proxy", "ok", "are redirected");
    let mut command = doctor(&["--reach", &tls]);
    command.env("HTTPS_PROXY", "http://127.0.0.1:1");
    ran(command).says_among_others("direct", "wrong", "past the proxy");
}

#[test]
fn a_server_that_answers_was_not_redirected() {
    let world = World::start();
    let tls = format!("127.0.0.1:{}", world.tls.port());
    let report = reached(&tls);
    report.says_among_others("direct", "wrong", &format!("{tls} answers a ClientHello"));
    report.says("proxy", "note", "not every connection is redirected");
    let plain = says(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").to_string();
    let report = reached(&plain);
    report.says_among_others(
        "direct",
        "wrong",
        &format!("{plain} answers in HTTP, and not as Sluice"),
    );
}

/// A server that says the same to everybody.
fn says(greeting: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.write_all(greeting).unwrap();
            // What the client said is read, or closing would take the greeting back.
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    address
}

#[test]
fn nothing_that_connects_is_no_redirect() {
    let report = reached(NOBODY);
    report.says("proxy", "note", "there is no way out at all");
    assert_eq!(
        report.said("direct").len(),
        1,
        "the place and its other port are one: {report:?}"
    );
}

#[test]
fn a_port_that_is_not_redirected_must_not_connect() {
    let other = says(b"SSH-2.0-test\r\n").port().to_string();
    let report = found(&["--transparent", "--reach", NOBODY, "--other-port", &other]);
    report.says_among_others("direct", "ok", "127.77.0.1:1: refused");
    let report = found(&["--transparent", "--reach", "127.0.0.1:1", "--other-port", &other]);
    report.says_among_others("direct", "wrong", &format!("127.0.0.1:{other} takes a connection"));
}
