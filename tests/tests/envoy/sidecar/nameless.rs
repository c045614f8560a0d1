//! What shows no name is decided by the address that was dialled, and goes on only where that is registered.

use std::net::SocketAddr;

use sluice_tests::greeter::GREETING;
use sluice_tests::raw::{self, h1, tls};

use super::Scene;

/// Of a database, without a line's end.
const STARTUP: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const SSH: &[u8] = b"SSH-2.0-x\r\n";

impl Scene {
    /// What comes back of a connection that was dialled at `dialled` and begins with `bytes`.
    fn answer(&self, dialled: SocketAddr, bytes: &[u8]) -> Vec<u8> {
        let mut connection = h1::Connection::open(self.listener());
        let header = raw::redirected(connection.local(), dialled);
        connection.begin(&[header.as_bytes(), bytes].concat());
        connection.rest()
    }
}

#[test]
fn the_address_decides_and_has_to_be_registered() {
    let scene = Scene::locked();
    let nameless = tls::client_hello(b"");
    let address_for_a_name = tls::client_hello(b"192.0.2.1");
    let name = tls::client_hello(b"api.github.com");
    for (number, (dialled, bytes, record)) in [
        (
            "192.0.2.1:443",
            &*nameless,
            "reject sni_missing 192.0.2.1:443 > nowhere",
        ),
        (
            "192.0.2.1:443",
            &address_for_a_name,
            "reject invalid_authority  > nowhere",
        ),
        ("192.0.2.1:443", SSH, "reject sni_missing 192.0.2.1:443 > nowhere"),
        ("192.0.2.1:80", SSH, "reject sni_missing 192.0.2.1:80 > nowhere"),
        ("192.0.2.1:8080", SSH, "reject sni_missing 192.0.2.1:8080 > nowhere"),
        (
            "[2001:db8::1]:443",
            &nameless,
            "reject sni_missing 2001:db8::1:443 > nowhere",
        ),
        (
            "[2001:db8::1]:443",
            &name,
            "allow gh api.github.com:443 > BlackHoleCluster",
        ),
        ("192.0.2.66:5432", STARTUP, "reject bad 192.0.2.66:5432 > nowhere"),
        ("127.0.0.1:15001", STARTUP, "reject self 127.0.0.1:15001 > nowhere"),
        // Listed and not registered, the metadata service among it.
        ("10.2.0.8:5432", STARTUP, "allow db 10.2.0.8:5432 > BlackHoleCluster"),
        (
            "169.254.169.254:80",
            SSH,
            "allow meta 169.254.169.254:80 > BlackHoleCluster",
        ),
        (
            "169.254.169.254:443",
            &nameless,
            "allow meta 169.254.169.254:443 > BlackHoleCluster",
        ),
        // A listed name, shown to an address that is registered for what has none.
        (
            "10.2.0.7:5432",
            &name,
            "reject private_address api.github.com:5432 > nowhere",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let dialled = dialled.parse().expect("it is an address");
        assert_eq!(scene.answer(dialled, bytes), b"", "{record}");
        assert_eq!(scene.record(number + 1), record);
    }
    assert_eq!((scene.dialled(), scene.database.accepted()), (0, 0));
    let database = "10.2.0.7:5432".parse().expect("it is an address");
    assert_eq!(scene.answer(database, STARTUP), GREETING);
    assert_eq!(
        scene.record(14),
        "allow db 10.2.0.7:5432 > outbound|5432||db.corp.example.com"
    );
    assert_eq!((scene.dialled(), scene.database.accepted()), (1, 1));
}

/// Nobody waits for a client that waits for its server.
#[test]
fn where_the_server_speaks_first_the_address_decides_at_once() {
    let scene = Scene::locked();
    // Not a byte is sent, and the listener's filters would wait 15 seconds for one.
    for (number, (dialled, record)) in [
        ("192.0.2.66:22", "reject bad 192.0.2.66:22 > nowhere"),
        ("169.254.169.254:25", "allow meta 169.254.169.254:25 > BlackHoleCluster"),
        ("203.0.113.1:3306", "reject default_deny 203.0.113.1:3306 > nowhere"),
    ]
    .into_iter()
    .enumerate()
    {
        let dialled = dialled.parse().expect("it is an address");
        assert_eq!(scene.answer(dialled, b""), b"", "{record}");
        assert_eq!(scene.record(number + 1), record);
    }
    assert_eq!(scene.dialled(), 0);
}
