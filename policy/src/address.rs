//! What an address stands for: the IPv4 address inside an IPv6 one, and the
//! ranges that are never a destination on the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arrayvec::ArrayVec;

/// The most IPv4 addresses that one IPv6 address can be read as.
const MAX_EMBEDDED: usize = 4;

/// An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) as the IPv4 address that it
/// is; every other address unchanged. Rules are brought to this form.
#[must_use]
pub fn unmapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

/// Addresses at which clouds answer questions about an instance, credentials
/// among the answers.
pub const METADATA: [IpAddr; 8] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    // Container and pod credentials.
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    // Outside link-local space.
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Whether `ip`, in any form, is one of [`METADATA`].
#[must_use]
pub fn is_metadata(ip: IpAddr) -> bool {
    METADATA.contains(&ip)
        || embedded_ipv4(ip)
            .into_iter()
            .any(|v4| METADATA.contains(&IpAddr::V4(v4)))
}

/// Every IPv4 address that a packet to `ip` may end up at, according to the
/// transition mechanisms; empty for an IPv4 address.
///
/// | form | prefix | where the IPv4 address is |
/// |---|---|---|
/// | mapped, RFC 4291 | `::ffff:0:0/96` | last 32 bits |
/// | compatible, RFC 4291 | `::/96` | last 32 bits |
/// | NAT64, RFC 6052 | `64:ff9b::/96` | last 32 bits |
/// | local NAT64, RFC 8215 | `64:ff9b:1::/48` | RFC 6052 §2.2: at /48, /56, /64 and /96 |
/// | 6to4, RFC 3056 | `2002::/16` | bits 16 to 48 |
/// | Teredo, RFC 4380 | `2001::/32` | server: bits 32 to 64; client: last 32 bits, inverted |
#[must_use]
pub fn embedded_ipv4(ip: IpAddr) -> ArrayVec<Ipv4Addr, MAX_EMBEDDED> {
    let IpAddr::V6(v6) = ip else {
        return ArrayVec::new();
    };
    let mut found = ArrayVec::new();
    let mut add = |octets: [u8; 4]| {
        // Four forms at the most share a prefix, so this never overflows.
        let _ = found.try_push(Ipv4Addr::from(octets));
    };
    let octets = v6.octets();
    let [_, _, b2, b3, b4, b5, b6, b7, _, b9, b10, b11, b12, b13, b14, b15] = octets;
    match v6.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => add([b12, b13, b14, b15]),
        [0x64, 0xff9b, 1, ..] => {
            add([b6, b7, b9, b10]);
            add([b7, b9, b10, b11]);
            add([b9, b10, b11, b12]);
            add([b12, b13, b14, b15]);
        }
        [0x2002, ..] => add([b2, b3, b4, b5]),
        [0x2001, 0, ..] => {
            add([b4, b5, b6, b7]);
            add([!b12, !b13, !b14, !b15]);
        }
        _ => {}
    }
    found
}

/// The readings of [`embedded_ipv4`] that somebody may have meant. Where one
/// address can be read in several ways, the wrong ones fall on "this network"
/// and reserved space; a deny rule may name even those, but they make nothing
/// the machine's own.
fn plausible_ipv4(ip: IpAddr) -> impl Iterator<Item = Ipv4Addr> {
    let several = match ip {
        IpAddr::V6(v6) => matches!(v6.segments(), [0x64, 0xff9b, 1, ..] | [0x2001, 0, ..]),
        IpAddr::V4(_) => false,
    };
    let meant = move |v4: &Ipv4Addr| !several || !matches!(v4.octets(), [0 | 240..=255, ..]);
    embedded_ipv4(ip).into_iter().filter(meant)
}

/// Whether `ip`, in any form, is the machine itself: loopback, or the
/// unspecified address, which connects to loopback on common systems.
#[must_use]
pub fn is_own(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_unspecified(),
        IpAddr::V6(v6) if v6.is_loopback() || v6.is_unspecified() => true,
        // `::/96` holds `::` and `::1` too, handled above.
        IpAddr::V6(_) => plausible_ipv4(ip).any(|v4| v4.is_loopback() || v4.is_unspecified()),
    }
}

/// Whether `ip`, in any form, is an address that a public name has no business
/// resolving to: private, loopback, link-local (cloud metadata among it),
/// shared (carrier-grade NAT), unique-local, and the other ranges that are not
/// globally reachable (IANA special-purpose registries, RFC 6890).
#[must_use]
pub fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_unspecified() || is_private_v6(v6) || plausible_ipv4(ip).any(is_private_v4)
        }
    }
}

fn is_private_v4(v4: Ipv4Addr) -> bool {
    v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_unspecified()
        || v4.is_broadcast()
        || v4.is_multicast()
        || matches!(
            v4.octets(),
            // this network; shared space (RFC 6598); IETF assignments; benchmarking; reserved
            [0, ..] | [100, 64..=127, ..] | [192, 0, 0, _] | [198, 18..=19, ..] | [240..=255, ..]
        )
        || METADATA.contains(&IpAddr::V4(v4))
}

fn is_private_v6(v6: Ipv6Addr) -> bool {
    v6.is_unique_local()
        || v6.is_unicast_link_local()
        || v6.is_multicast()
        || matches!(v6.segments(), [0xfec0..=0xfeff, ..])
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn every_transition_form_gives_up_its_ipv4_address() {
        for (form, inner) in [
            ("::ffff:169.254.169.254", "169.254.169.254"),
            ("::169.254.169.254", "169.254.169.254"),
            ("64:ff9b::a9fe:a9fe", "169.254.169.254"),
            ("64:ff9b:1:a9fe:a9:fe00::", "169.254.169.254"),
            ("64:ff9b:1:a9:fe:a9fe::", "169.254.169.254"),
            ("64:ff9b:1::a9fe:a9fe", "169.254.169.254"),
            ("2002:a9fe:a9fe::1", "169.254.169.254"),
            ("2001:0:a9fe:a9fe::1", "169.254.169.254"),
            ("2001:0:1:2:3:4:5601:5601", "169.254.169.254"),
        ] {
            let found = embedded_ipv4(ip(form));
            assert!(found.contains(&inner.parse().unwrap()), "{form}: {found:?}");
        }
        assert!(embedded_ipv4(ip("2001:db8::a9fe:a9fe")).is_empty());
        assert!(embedded_ipv4(ip("10.0.0.1")).is_empty());
    }

    #[test]
    fn own_and_private_addresses_are_seen_through_every_form() {
        for own in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "::1",
            "::",
            "::ffff:0.0.0.0",
            "::ffff:127.0.0.1",
            "64:ff9b::0.0.0.0",
            "64:ff9b::7f00:1",
            "64:ff9b:1:7f00:0:100::",
            "64:ff9b:1:fffe::7f00:1",
            "2001:0:7f00:1::",
            "2002::1",
            "2002:7f00:1::",
        ] {
            assert!(is_own(ip(own)), "{own}");
            assert!(is_private(ip(own)), "{own}");
        }
        for private in [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "168.63.129.16",
        ] {
            assert!(is_private(ip(private)), "{private}");
            assert!(!is_own(ip(private)), "{private}");
        }
        for public in [
            "64:ff9b:1::808:808",
            "64:ff9b:1:fffe::808:808",
            "2001:0:0:0:0:0:f7f7:f7f7",
            "93.184.215.14",
            "2606:2800:220:1:248:1893:25c8:1946",
            "100.128.0.1",
            "172.32.0.1",
        ] {
            assert!(!is_private(ip(public)), "{public}");
            assert!(!is_own(ip(public)), "{public}");
        }
    }

    #[test]
    fn deny_rules_see_the_readings_that_nobody_meant() {
        for (form, inner) in [
            ("64:ff9b:1::808:808", "0.0.0.0"),
            ("64:ff9b:1:fffe::808:808", "255.254.0.0"),
            ("2001:0:0:0:0:0:f7f7:f7f7", "0.0.0.0"),
        ] {
            let found = embedded_ipv4(ip(form));
            assert!(found.contains(&inner.parse().unwrap()), "{form}: {found:?}");
        }
    }
}
