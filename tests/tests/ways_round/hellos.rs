//! ClientHellos that do not come, or come too slowly: a name that is not known in time opens nothing.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use sluice_tests::dns::Dns;
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::greeter::{GREETING, Greeter};
use sluice_tests::raw::{self, tls};

const NAME: &str = "api.example.com";

/// Instead of the 15 seconds that are shipped.
const TIMEOUT: &str = "0.5s";

/// So long that a ClientHello in single bytes takes longer than that, however fast the machine is.
const BETWEEN_BYTES: Duration = Duration::from_millis(25);

struct Site {
    envoy: Envoy,
    greeter: Greeter,
    _dns: Dns,
}

impl Site {
    fn start() -> Self {
        let greeter = Greeter::answering();
        let dns = Dns::start([(NAME, vec![Ipv4Addr::LOCALHOST])]);
        let envoy = Setup::shipped("transparent", &dns)
            .dialling(greeter.address().port())
            .edit(|bootstrap| {
                let timeout = bootstrap.pointer_mut("/static_resources/listeners/0/listener_filters_timeout");
                *timeout.expect("it is shipped with one") = json!(TIMEOUT);
            })
            .configuration(&json!({"policy": {"mode": "enforce", "rules": [
                {"id": "api", "effect": "allow", "host": NAME},
            ]}}))
            .start();
        Self {
            envoy,
            greeter,
            _dns: dns,
        }
    }

    fn listener(&self) -> SocketAddr {
        self.envoy.listener("tls")
    }

    /// The connection is closed without a byte, and nothing is dialled for it.
    fn is_refused(&self, mut stream: TcpStream) {
        let mut received = Vec::new();
        match stream.read_to_end(&mut received) {
            Err(error) if !raw::is_close(&error) => panic!("the connection stays open: {error}"),
            _ => assert_eq!(received, b""),
        }
        // The listed name still passes, and is the only one that was joined to anything.
        assert_eq!(tls::Connection::open(self.listener()).hello(NAME.as_bytes()), GREETING);
        assert_eq!(self.greeter.accepted(), 1);
    }
}

#[test]
fn a_clienthello_that_stalls_is_closed() {
    let site = Site::start();
    let hello = tls::client_hello(NAME.as_bytes());
    let mut stream = raw::connect(site.listener());
    stream.write_all(&hello[..hello.len() - 1]).expect("Envoy reads");
    site.is_refused(stream);
}

#[test]
fn a_clienthello_that_drips_is_closed() {
    let site = Site::start();
    let hello = tls::client_hello(NAME.as_bytes());
    let mut stream = raw::connect(site.listener());
    for byte in hello {
        sleep(BETWEEN_BYTES);
        if stream.write_all(&[byte]).is_err() {
            break;
        }
    }
    site.is_refused(stream);
}

#[test]
fn a_client_that_waits_for_its_server_is_closed() {
    let site = Site::start();
    site.is_refused(raw::connect(site.listener()));
}
