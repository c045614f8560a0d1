//! Domains above a host, and which hosts a pattern takes: judged by the code that enforces it.

use serde_json::json;
use sluice_policy::{Action, Host, HostPattern, Policy, Seen, Surroundings, Timestamp};

use crate::model::Pending;

/// The wildcards that take a host. Of an address, or of a name with nothing below its domain,
/// there is none. Whether anybody may register names below one, only the collector's list of suffixes knows.
fn above(host: &str) -> Vec<String> {
    let Ok(HostPattern::Exact(Host::Name(name))) = HostPattern::parse(host) else {
        return Vec::new();
    };
    let mut patterns = Vec::new();
    let mut rest = name.as_str();
    while let Some((_, parent)) = rest.split_once('.') {
        if !parent.contains('.') {
            break;
        }
        patterns.push(format!("*.{parent}"));
        rest = parent;
    }
    patterns
}

/// The wildcards that a row can be allowed by, the narrowest first. One that stands for many hosts below its domain
/// is allowed by nothing narrower than that domain's.
#[must_use]
pub fn patterns(row: &Pending) -> Vec<String> {
    let below = row.overflow.then(|| format!("*.{}", row.host));
    below.into_iter().chain(above(&row.host)).collect()
}

/// Whether an allow rule for a pattern takes each of these hosts; none if it is no pattern.
pub fn taken<'h>(pattern: &str, hosts: impl Iterator<Item = &'h str>) -> Vec<&'h str> {
    let document = json!({
        "mode": "enforce", "default_effect": "deny",
        "rules": [{"id": "candidate", "effect": "allow", "host": pattern}],
    });
    let Ok(policy) = Policy::from_json(document.to_string().as_bytes()) else {
        return Vec::new();
    };
    let (around, now) = (Surroundings::new(443), Timestamp::from_micros(0));
    hosts
        .filter(|host| {
            let authority = if host.contains(':') {
                format!("[{host}]:443")
            } else {
                format!("{host}:443")
            };
            let seen = Seen::Request {
                authority: authority.as_bytes(),
                method: b"CONNECT",
                path: None,
            };
            policy.decide(&seen, &around, now).action() == Action::Allow
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn domains_go_up_to_the_second_level() {
        assert_eq!(above("a.b.example.com"), ["*.b.example.com", "*.example.com"]);
        assert_eq!(above("api.example.com"), ["*.example.com"]);
        for none in ["example.com", "localhost", "192.0.2.1", "2001:db8::1", "not a host", ""] {
            assert_eq!(above(none), [] as [String; 0], "{none}");
        }
    }

    #[test]
    fn what_stands_for_many_is_allowed_by_their_domain() {
        let row = |overflow: bool| Pending {
            host: "example.com".to_owned(),
            overflow,
            ..Pending::default()
        };
        assert_eq!(patterns(&row(true)), ["*.example.com"]);
        assert_eq!(patterns(&row(false)), [] as [String; 0]);
    }

    #[test]
    fn a_wildcard_takes_what_the_filter_would_let_pass() {
        let hosts = [
            "api.example.com",
            "a.b.example.com",
            "example.com",
            "notexample.com",
            "192.0.2.1",
            "2001:db8::1",
        ];
        assert_eq!(
            taken("*.example.com", hosts.into_iter()),
            ["api.example.com", "a.b.example.com"]
        );
        assert_eq!(taken("2001:db8::1", hosts.into_iter()), ["2001:db8::1"]);
        assert_eq!(taken("no pattern", hosts.into_iter()), [] as [&str; 0]);
    }
}
