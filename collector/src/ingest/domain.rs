//! What hosts are grouped by once there are too many of them.

use std::net::IpAddr;

use sluice_policy::domain::registrable;

/// Every IPv4 address, and every IPv6 address, as one group each: an address has
/// no domain, and a client can invent as many of them as of names.
const IPV4: &str = "0.0.0.0/0";
const IPV6: &str = "::/0";
/// What even has too many domains, or came from a filter as too many.
pub(super) const ANY: &str = "*";

/// The group of a canonical host: its registrable domain, or the host itself if it has none.
pub(super) fn of(host: &str) -> &str {
    match host.parse() {
        Ok(IpAddr::V4(_)) => IPV4,
        Ok(IpAddr::V6(_)) => IPV6,
        Err(_) => registrable(host).unwrap_or(host),
    }
}

/// The group of what a filter has summed up already: `*`, `*.example.com`,
/// `*.address` or `*.` and an address; `None` for a host.
pub(super) fn of_pattern(pattern: &str) -> Option<&str> {
    match pattern {
        ANY => Some(ANY),
        "*.address" => Some(IPV4),
        _ => pattern.strip_prefix("*.").map(of),
    }
}

/// What stands for the hosts of a group that are not kept apart.
pub(super) fn row(domain: &str) -> String {
    match domain {
        ANY | IPV4 | IPV6 => domain.to_owned(),
        name => format!("*.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_grouped_by_their_owners() {
        for (host, domain, shown) in [
            ("a.b.example.com", "example.com", "*.example.com"),
            ("example.com", "example.com", "*.example.com"),
            ("db", "db", "*.db"),
            ("192.0.2.1", IPV4, IPV4),
            ("2001:db8::1", IPV6, IPV6),
        ] {
            assert_eq!((of(host), row(of(host)).as_str()), (domain, shown), "{host}");
        }
        for (pattern, domain) in [
            ("*", Some(ANY)),
            ("*.example.com", Some("example.com")),
            ("*.address", Some(IPV4)),
            ("*.2001:db8::1", Some(IPV6)),
            ("example.com", None),
        ] {
            assert_eq!(of_pattern(pattern), domain, "{pattern}");
        }
    }
}
