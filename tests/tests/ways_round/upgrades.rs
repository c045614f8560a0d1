//! An upgrade that the origin does not grant: what follows would be requests to it that nobody has decided.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use serde_json::json;
use sluice_tests::dns::Dns;
use sluice_tests::envoy::Setup;
use sluice_tests::raw::h1;

const NAME: &str = "api.example.com";

#[test]
fn what_follows_an_upgrade_that_is_not_granted_goes_nowhere() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free TCP port");
    let authority = format!("{NAME}:{}", listener.local_addr().expect("it is bound").port());
    // A server that knows no upgrades; all that it gets behind the request.
    let origin = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("Envoy connects");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a request comes");
            head.extend(byte);
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nno\n";
        stream.write_all(answer).expect("Envoy reads");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("Envoy closes");
        rest
    });
    let dns = Dns::start([(NAME, vec![Ipv4Addr::LOCALHOST])]);
    let envoy = Setup::shipped("forward-proxy", &dns)
        .configuration(&json!({"policy": {"mode": "enforce", "rules": [
            {"id": "public", "effect": "allow", "host": NAME, "methods": ["GET"], "path_glob": "/public/**"},
        ]}}))
        .start();
    let request = |method: &[u8], path: &str, further: &[(&[u8], &[u8])]| {
        let url = format!("http://{authority}{path}");
        let headers = [&[(&b"host"[..], authority.as_bytes())], further].concat();
        h1::request(method, url.as_bytes(), &headers)
    };
    let upgrade: [(&[u8], &[u8]); 2] = [(b"connection", b"Upgrade"), (b"upgrade", b"websocket")];
    let hidden = request(b"POST", "/private", &[]);
    let mut connection = h1::Connection::open(envoy.listener("forward_proxy"));
    let answer = connection.send(&[request(b"GET", "/public/socket", &upgrade), hidden].concat());
    assert_eq!(answer.status(), Some(200), "and not 101");
    assert_eq!(connection.rest(), b"", "nothing else is answered");
    assert_eq!(
        origin.join().expect("the origin is content"),
        b"",
        "nothing else goes on"
    );
}
