//! Protocols that turn to TLS in the middle (STARTTLS): they are decided by where they go, before their first byte,
//! and the name in a ClientHello that comes later is not looked at.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use serde_json::json;
use sluice_tests::dns::Dns;
use sluice_tests::envoy::Setup;
use sluice_tests::raw::{self, h1, tls};

const BANNER: &str = "220 mail.example.com\r\n";
const GO: &str = "220 go ahead\r\n";

/// A server for one client, and the ClientHello that it gets.
fn mail_server(hello: usize) -> (SocketAddr, JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free TCP port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("Envoy connects");
        stream.write_all(BANNER.as_bytes()).expect("Envoy reads");
        let mut reader = BufReader::new(stream.try_clone().expect("a socket can be shared"));
        let mut line = String::new();
        reader.read_line(&mut line).expect("the client goes on");
        assert_eq!(line, "STARTTLS\r\n");
        stream.write_all(GO.as_bytes()).expect("Envoy reads");
        let mut received = vec![0; hello];
        reader.read_exact(&mut received).expect("the client goes on");
        received
    });
    (address, server)
}

/// What a client of it does.
fn turn_to_tls(stream: &mut TcpStream, hello: &[u8]) {
    let expect = |stream: &mut TcpStream, text: &str| {
        let mut received = vec![0; text.len()];
        stream.read_exact(&mut received).expect("the server speaks");
        assert_eq!(received, text.as_bytes());
    };
    expect(stream, BANNER);
    stream.write_all(b"STARTTLS\r\n").expect("Envoy reads");
    expect(stream, GO);
    stream.write_all(hello).expect("Envoy reads");
}

#[test]
fn starttls_at_a_port_of_mail_is_decided_by_its_address() {
    let hello = tls::client_hello(b"other.example.com");
    let (address, server) = mail_server(hello.len());
    let envoy = Setup::shipped("original-dst", &Dns::start([]))
        .configuration(
            &json!({"destination": "original", "opaque_ports": [25], "policy": {"mode": "enforce", "rules": [
                {"id": "mail", "effect": "allow", "host": "192.0.2.0/24", "ports": [25]},
                {"id": "web", "effect": "allow", "host": "other.example.com"},
            ]}}),
        )
        .dialling(address.port())
        .redirected_by_proxy_protocol()
        .start();
    let dial = |dialled: SocketAddr| {
        let mut stream = raw::connect(envoy.listener("outbound"));
        let client = stream.local_addr().expect("it is connected");
        let header = raw::redirected(client, dialled);
        stream.write_all(header.as_bytes()).expect("Envoy reads");
        stream
    };
    // Not a byte is sent, and none comes: the name that will be in its ClientHello does not help.
    let mut refused = Vec::new();
    match dial(([203, 0, 113, 1], 25).into()).read_to_end(&mut refused) {
        Err(error) if !raw::is_close(&error) => panic!("it stays open: {error}"),
        _ => assert_eq!(refused, b""),
    }
    turn_to_tls(&mut dial(([192, 0, 2, 1], 25).into()), &hello);
    assert_eq!(server.join().expect("the server is content"), hello);
}

#[test]
fn starttls_in_a_tunnel_is_decided_by_the_tunnel() {
    const NAME: &str = "mail.example.com";
    let hello = tls::client_hello(b"other.example.com");
    let (address, server) = mail_server(hello.len());
    let dns = Dns::start([(NAME, vec![Ipv4Addr::LOCALHOST])]);
    let envoy = Setup::shipped("forward-proxy", &dns)
        .configuration(&json!({"policy": {"mode": "enforce", "rules": [
            {"id": "mail", "effect": "allow", "host": NAME},
        ]}}))
        .start();
    let open = |name: &str| {
        let mut stream = raw::connect(envoy.listener("forward_proxy"));
        let target = format!("{name}:{}", address.port());
        stream.write_all(&h1::connect_to(&target)).expect("Envoy reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("Envoy answers");
            head.extend(byte);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        (head.split(' ').nth(1).unwrap_or_default().to_owned(), stream)
    };
    assert_eq!(open("other.example.com").0, "403");
    let (status, mut tunnel) = open(NAME);
    assert_eq!(status, "200");
    turn_to_tls(&mut tunnel, &hello);
    assert_eq!(server.join().expect("the server is content"), hello);
}
