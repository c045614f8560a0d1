//! Policies of any size.

use std::fmt::Write;

/// The sizes that are compared, in rules.
pub(crate) const SIZES: [usize; 4] = [10, 1_000, 100_000, 1_000_000];

/// The sizes to run: all of them, or the small ones where the benchmark is only
/// checked (`cargo test --benches` passes `--test`).
pub(crate) fn sizes() -> &'static [usize] {
    let checking = std::env::args().any(|arg| arg == "--test");
    if checking { &SIZES[..2] } else { &SIZES }
}

/// `1M` for 1,000,000.
pub(crate) fn short(size: usize) -> String {
    match size {
        1_000_000.. => format!("{}M", size / 1_000_000),
        1_000.. => format!("{}k", size / 1_000),
        _ => size.to_string(),
    }
}

/// The policy with `size` rules as JSON: of twenty rules, thirteen are about
/// exact names, four are wildcards, two IPv4 and one IPv6 blocks; some of each
/// have ports, methods or paths, or deny.
pub(crate) fn json(size: usize) -> String {
    let mut json = String::from(r#"{"mode":"enforce","default_effect":"deny","rules":["#);
    for at in 0..size {
        if at > 0 {
            json.push(',');
        }
        let host = host(at);
        let effect = if at % 50 == 49 { "deny" } else { "allow" };
        let limits = match at % 16 {
            3 => r#","ports":[443]"#,
            7 => r#","methods":["GET","HEAD"],"path_glob":"/v1/**""#,
            11 => r#","expires_at":"2030-01-01T00:00:00Z""#,
            _ => "",
        };
        write!(json, r#"{{"id":"r{at}","effect":"{effect}","host":"{host}"{limits}}}"#).expect("a String takes it");
    }
    json.push_str("]}");
    json
}

fn host(at: usize) -> String {
    match at % 20 {
        // Wildcards at three depths, so that names below them are looked up at each.
        0 => format!("*.team{at}.example.com"),
        5 => format!("*.zone{at}.example.net"),
        10 => format!("*.a.region{at}.example.org"),
        15 => format!("*.site{at}.example"),
        3 | 13 => format!("{}.{}.{}.0/24", 1 + at / 65_536 % 100, at / 256 % 256, at % 256),
        8 => format!("2001:db8:{:x}:{:x}::/64", at / 65_536, at % 65_536),
        _ => format!("api{at}.service{}.example.com", at % 1_000),
    }
}
