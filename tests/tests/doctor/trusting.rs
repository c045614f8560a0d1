//! Where TLS ends at the proxy: what runs in the sandbox trusts its authority.

use std::fs;
use std::io::{Read, Write, copy};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use serde_json::json;
use sluice_tests::envoy::{Envoy, LocalAuthority, Setup};
use sluice_tests::upstream::{Authority, Upstream};
use sluice_tests::world::World;

use crate::ran::{Ran, doctor, found, ran};

/// The name that needs no resolver.
const NAME: &str = "localhost";

struct Site {
    _world: World,
    envoy: Envoy,
    local: LocalAuthority,
}

impl Site {
    fn start() -> Self {
        let world = World::start();
        let local = LocalAuthority::make(&[NAME]);
        let policy = json!({"tls": "terminated", "default_port": 443, "policy": {"mode": "enforce", "rules": []}});
        let envoy = Setup::shipped("terminating", &world.dns)
            .terminated(&local, &world.ca())
            .configuration(&policy)
            .start();
        Self {
            _world: world,
            envoy,
            local,
        }
    }

    /// With the store of authorities that the system has, if another than its own.
    fn found(&self, ca: Option<&Path>, store: &Path, arguments: &[&str]) -> Ran {
        let reach = format!("{NAME}:{}", self.envoy.listener("https").port());
        let mut command = doctor(&["--transparent", "--reach", &reach, "--other-port", "1"]);
        command.args(arguments).env("SSL_CERT_FILE", store);
        if let Some(ca) = ca {
            command.arg("--ca").arg(ca);
        }
        ran(command)
    }
}

#[test]
fn the_local_authority_is_in_the_store_or_not() {
    let site = Site::start();
    let ca = site.local.ca();
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.pem");
    fs::write(&other, Authority::generate().pem()).unwrap();

    let report = site.found(Some(&ca), &ca, &[]);
    report.says_among_others(
        "direct",
        "ok",
        "leads to where TLS ends: a certificate by CN=Sluice local authority",
    );
    report.says("proxy", "ok", "redirected");
    for words in [
        "the system's store trusts the certificate of localhost",
        "the authority of --ca signed",
    ] {
        report.says_among_others("ca", "ok", words);
    }
    report.says_among_others("ca", "ok", "SSL_CERT_FILE: ");
    report.says_among_others("ca", "note", "NODE_EXTRA_CA_CERTS is not set");

    let report = site.found(None, &other, &["--terminating"]);
    report.says_among_others(
        "direct",
        "note",
        "answers in TLS, with a certificate by CN=Sluice local authority",
    );
    report.says_among_others("ca", "wrong", "is not trusted by the system's store");
    report.says_among_others("ca", "wrong", "does not have the proxy's authority");

    let report = site.found(Some(&other), &ca, &[]);
    report.says_among_others("direct", "wrong", "and not by the authority of --ca");
    report.says_among_others("ca", "wrong", "the authority of --ca did not sign");
}

/// Without a word of it, TLS that is answered is TLS out there.
#[test]
fn it_must_be_said_that_tls_ends_there() {
    let site = Site::start();
    let report = site.found(None, &site.local.ca(), &[]);
    report.says_among_others("direct", "wrong", "answers a ClientHello");
    assert!(report.said("ca").is_empty());
}

/// A proxy that opens every tunnel to one place.
fn tunnels(to: u16) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            thread::spawn(move || tunnel(client, to));
        }
    });
    address
}

fn tunnel(mut client: TcpStream, to: u16) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    if !head.starts_with(b"CONNECT localhost:") {
        client
            .write_all(b"HTTP/1.1 403 Forbidden\r\nx-sluice-rejected-by: default_deny\r\n\r\n")
            .unwrap();
        return;
    }
    let mut upstream = TcpStream::connect((Ipv4Addr::LOCALHOST, to)).unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let (mut from, mut back) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
    let there = thread::spawn(move || {
        let _ = copy(&mut from, &mut upstream);
        let _ = upstream.shutdown(Shutdown::Write);
    });
    let _ = copy(&mut back, &mut client);
    let _ = client.shutdown(Shutdown::Write);
    there.join().unwrap();
}

#[test]
fn through_an_explicit_proxy_the_handshake_is_in_a_tunnel() {
    let authority = Authority::generate();
    let upstream = Upstream::tls(200, &authority, &[NAME]);
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    fs::write(&ca, authority.pem()).unwrap();
    let proxy = tunnels(upstream.port()).to_string();
    let mut command = doctor(&["--proxy", &proxy, "--reach", "localhost:1"]);
    command
        .arg("--ca")
        .arg(&ca)
        .env("SSL_CERT_FILE", &ca)
        .env("GIT_SSL_CAINFO", folder.path().join("missing.pem"));
    let report = ran(command);
    report.says("proxy", "ok", "is Sluice");
    report.says_among_others("ca", "ok", "the system's store trusts the certificate of localhost");
    report.says_among_others("ca", "ok", "the authority of --ca signed");
    report.says_among_others("ca", "wrong", "GIT_SSL_CAINFO: ");
    assert_eq!(upstream.accepted(), 1);
}

#[test]
fn without_a_name_or_a_tunnel_it_is_said_why() {
    let report = found(&["--proxy", "127.0.0.1:1", "--terminating"]);
    report.says_among_others("ca", "note", "no target has a name");
    let report = found(&["--proxy", "127.0.0.1:1", "--terminating", "--reach", "localhost:1"]);
    report.says_among_others("ca", "wrong", "127.0.0.1:1 does not answer");
}
