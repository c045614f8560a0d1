//! Behind an explicit proxy: it is Sluice, and nothing gets past it.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process::Command;
use std::thread;

use serde_json::json;
use sluice_tests::dns::Dns;
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::upstream::Upstream;

use crate::ran::{NOBODY, doctor, found, ran};

fn envoy(mode: &str) -> Envoy {
    let dns = Dns::start([]);
    Setup::shipped("forward-proxy", &dns)
        .configuration(&json!({"policy": {"mode": mode, "rules": []}}))
        .start()
}

/// The proxy of a test that is not about the proxy: nobody listens there.
fn beside(arguments: &[&str]) -> crate::ran::Ran {
    found(&[&["--proxy", NOBODY], arguments].concat())
}

#[test]
fn sluice_is_known_by_its_refusal() {
    let envoy = envoy("enforce");
    let proxy = envoy.listener("forward_proxy").to_string();
    let report = found(&["--proxy", &proxy]);
    report.says(
        "proxy",
        "ok",
        "is Sluice, and rejects a name that nobody lists (default_deny)",
    );
    report.says("direct", "ok", "127.77.0.1:1: refused");

    let mut command = doctor(&[]);
    command.env("https_proxy", format!("http://user:secret@{proxy}/"));
    let report = ran(command);
    report.says("proxy", "ok", "(https_proxy) is Sluice");
    assert!(!format!("{report:?}").contains("secret"));
}

#[test]
fn in_audit_only_it_lets_any_name_pass() {
    let envoy = envoy("audit_only");
    let proxy = envoy.listener("forward_proxy").to_string();
    found(&["--proxy", &proxy]).says("proxy", "note", "rejects no name");
}

#[test]
fn what_is_no_proxy_of_ours_is_wrong() {
    found(&["--proxy", NOBODY]).says("proxy", "wrong", "does not answer: refused");
    let server = Upstream::plain(404);
    let place = format!("127.0.0.1:{}", server.port());
    found(&["--proxy", &place]).says("proxy", "wrong", "answers 404 to CONNECT");
    let mut command = doctor(&[]);
    command.env("HTTP_PROXY", "socks5://127.0.0.1:1080");
    ran(command).says("proxy", "wrong", "HTTP_PROXY names no proxy");
}

#[test]
fn a_connection_past_the_proxy_is_wrong() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let open = listener.local_addr().unwrap().to_string();
    let report = beside(&["--reach", &open, "--reach", NOBODY]);
    report.says_among_others("direct", "wrong", &format!("{open} takes a connection past the proxy"));
    report.says_among_others("direct", "ok", "127.77.0.1:1: refused");
}

#[test]
fn an_answer_over_udp_is_wrong_and_a_refusal_is_not() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let answers = socket.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let mut packet = [0; 2048];
        let (length, client) = socket.recv_from(&mut packet).unwrap();
        // A server without that version lists its own (RFC 8999, section 6).
        assert_eq!((length, packet[0] & 0xc0), (1200, 0xc0));
        let versions = [&[0x80, 0, 0, 0, 0][..], &packet[5..23], &[0, 0, 0, 1]].concat();
        socket.send_to(&versions, client).unwrap();
    });
    let report = beside(&["--reach", &answers, "--reach", NOBODY]);
    server.join().unwrap();
    report.says_among_others("udp443", "wrong", &format!("{answers} answers over UDP, in QUIC"));
    report.says_among_others("udp443", "ok", "127.77.0.1:1: refused");
}

/// Asked twice, and then taken for what it looks like.
#[test]
fn silence_is_no_way_out() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silent = socket.local_addr().unwrap().to_string();
    let report = beside(&["--reach", &silent, "--resolver", &silent, "--timeout", "0.2"]);
    report.says(
        "udp443",
        "ok",
        "does not answer over UDP: a firewall looks so, and so does a host without QUIC",
    );
    report.says_among_others("dns", "ok", "out of reach over UDP: no answer in time");
    socket.set_nonblocking(true).unwrap();
    let mut lengths: Vec<_> = std::iter::from_fn(|| socket.recv(&mut [0; 2048]).ok()).collect();
    lengths.retain(|length| *length == 1200);
    assert_eq!(lengths.len(), 2);
}

#[test]
fn a_resolver_that_answers_is_wrong() {
    let dns = Dns::start([]);
    let address = dns.address().to_string();
    let report = beside(&["--resolver", &address]);
    report.says_among_others("dns", "wrong", &format!("{address} answers over UDP"));
    report.says_among_others("dns", "ok", &format!("{address} is out of reach over TCP: refused"));
    assert_eq!(dns.queries("example.com"), 1);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let closes = thread::spawn(move || drop(listener.accept()));
    let report = beside(&["--resolver", &address]);
    closes.join().unwrap();
    report.says_among_others("dns", "wrong", &format!("{address} takes a connection past the proxy"));
}

/// What a line of the kernel's account of this process says.
fn of_this_process(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let word = line.trim_start_matches(':').split_whitespace().next().unwrap();
    u64::from_str_radix(word, 16).unwrap()
}

/// Tests run as anybody: as who may change the firewall, who may not, and who cannot get to it either.
#[test]
fn who_can_change_the_firewall_is_told_from_who_cannot() {
    let net_admin = |set| of_this_process(set) & 1 << 12 != 0;
    let root = of_this_process("Uid") == 0;
    let (status, words) = match (net_admin("CapEff"), net_admin("CapBnd")) {
        (true, _) => ("wrong", "it can change the firewall"),
        (false, true) if root => ("wrong", "it can change the firewall"),
        (false, true) => ("note", "setuid"),
        (false, false) => ("ok", "neither"),
    };
    beside(&[]).says("privileges", status, words);
    if net_admin("CapEff") {
        let plain = doctor(&["--proxy", NOBODY]);
        let mut without = Command::new("setpriv");
        without.args(["--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"]);
        without.arg(plain.get_program()).args(plain.get_args());
        ran(without).says("privileges", "ok", "neither this process nor what it starts");
    }
}
