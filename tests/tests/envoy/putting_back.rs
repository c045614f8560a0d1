//! A policy that was in force before rules again when it is put back, although something of its first time is still open.
//!
//! Envoy keeps a root context for as long as a stream of it lives, finds it by
//! its root id and the text of its configuration, and does not configure again
//! what it finds.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use serde_json::{Value, json};
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::raw::h1;
use sluice_tests::world::World;

fn policy(mode: &str) -> Value {
    json!({"default_port": 80, "policy": {"mode": mode, "rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com"},
    ]}})
}

fn numbered(mode: &str, generation: u64) -> Value {
    let mut policy = policy(mode);
    policy["generation"] = json!(generation);
    policy
}

/// What keeps a stream of the first configuration alive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Tunnel,
    SlowPost,
}

/// Both ends of the held stream.
struct Stream {
    _client: h1::Connection,
    _upstream: TcpStream,
}

impl Held {
    /// Opens it and waits until it has reached its upstream.
    fn open(self, proxy: SocketAddr) -> Stream {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let authority = format!("api.github.com:{port}");
        let mut client = h1::Connection::open(proxy);
        if self == Self::Tunnel {
            assert_eq!(client.send(&h1::connect_to(&authority)).status(), Some(200));
        } else {
            let headers: [(&[u8], &[u8]); 2] = [(b"host", authority.as_bytes()), (b"content-length", b"2")];
            let url = format!("http://{authority}/");
            client.begin(&h1::request(b"POST", url.as_bytes(), &headers));
            client.begin(b"1");
        }
        let (upstream, _) = listener.accept().expect("the listed host is dialled");
        if self == Self::SlowPost {
            let mut line = String::new();
            BufReader::new(&upstream)
                .read_line(&mut line)
                .expect("the request arrives");
            assert_eq!(line, "POST / HTTP/1.1\r\n");
        }
        Stream {
            _client: client,
            _upstream: upstream,
        }
    }
}

/// One Envoy whose first configuration has a stream that stays open.
struct Test {
    world: World,
    envoy: Envoy,
    proxy: SocketAddr,
    kept_alive: h1::Connection,
    _held: Stream,
}

impl Test {
    fn start(held: Held, first: &Value) -> Self {
        let world = World::start();
        let envoy = Setup::shipped("forward-proxy", &world.dns)
            // One worker, so that everything meets in one VM.
            .concurrency(1)
            .configuration(first)
            .start();
        let proxy = envoy.listener("forward_proxy");
        let kept_alive = h1::Connection::open(proxy);
        let held = held.open(proxy);
        Self {
            world,
            envoy,
            proxy,
            kept_alive,
            _held: held,
        }
    }

    fn request(&self) -> Vec<u8> {
        h1::get(&format!("unlisted.example.com:{}", self.world.plain.port()))
    }

    fn on_a_new_connection(&self) -> Option<u16> {
        h1::Connection::open(self.proxy).send(&self.request()).status()
    }

    fn on_the_kept_connection(&mut self) -> Option<u16> {
        let request = self.request();
        self.kept_alive.send(&request).status()
    }
}

/// There, and back to the same text; then once more to a text of its own.
fn puts_back(held: Held, first: &str, then: &str) {
    let status = |mode: &str| Some(if mode == "enforce" { 403 } else { 200 });
    let mut test = Test::start(held, &policy(first));
    assert_eq!(test.on_the_kept_connection(), status(first));
    assert_eq!(test.on_a_new_connection(), status(first));

    test.envoy.switch(&policy(then));
    assert_eq!(test.on_the_kept_connection(), status(then));
    assert_eq!(test.on_a_new_connection(), status(then));

    test.envoy.switch(&policy(first));
    assert_eq!(test.on_a_new_connection(), status(first), "{first} was put back");
    assert_eq!(test.on_the_kept_connection(), status(first), "and rules from then on");

    test.envoy.switch(&policy(then));
    assert_eq!(test.on_a_new_connection(), status(then));
    test.envoy.switch(&numbered(first, 2));
    assert_eq!(
        test.on_the_kept_connection(),
        status(first),
        "at once, with a text of its own"
    );
    assert_eq!(test.on_a_new_connection(), status(first));
}

#[test]
fn enforce_blocks_again_while_a_tunnel_of_its_first_time_is_open() {
    puts_back(Held::Tunnel, "enforce", "audit_only");
}

#[test]
fn enforce_blocks_again_while_a_slow_request_of_its_first_time_is_open() {
    puts_back(Held::SlowPost, "enforce", "audit_only");
}

#[test]
fn audit_only_restores_traffic_while_a_tunnel_of_its_first_time_is_open() {
    puts_back(Held::Tunnel, "audit_only", "enforce");
}

#[test]
fn a_policy_put_back_in_turn_rules_each_time() {
    let mut test = Test::start(Held::Tunnel, &policy("enforce"));
    let _second = {
        test.envoy.switch(&policy("audit_only"));
        // Now both texts have something open.
        Held::Tunnel.open(test.proxy)
    };
    for _ in 0..3 {
        test.envoy.switch(&policy("enforce"));
        assert_eq!(test.on_a_new_connection(), Some(403));
        assert_eq!(test.on_the_kept_connection(), Some(403));
        test.envoy.switch(&policy("audit_only"));
        assert_eq!(test.on_a_new_connection(), Some(200));
        assert_eq!(test.on_the_kept_connection(), Some(200));
    }
}
