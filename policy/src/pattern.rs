//! Host patterns of rules.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::address;
use crate::host::{Host, InvalidHost, Name};

/// Which hosts a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostPattern {
    /// `*`: in an allow rule any name, in a deny rule everything.
    Any,
    /// `*.name`: any depth below the name, never the name itself.
    Below(Name),
    /// A name or an address.
    Exact(Host),
    /// Addresses in CIDR notation.
    Network(IpNet),
}

/// How specific a pattern is; the greater wins among allow rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Specificity {
    /// `*`
    Any,
    /// CIDR, with its prefix length.
    Network(u8),
    /// Wildcard, with the number of labels behind the `*`.
    Below(u8),
    /// An exact name or address.
    Exact,
}

/// Why a text is no [`HostPattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// A host that no target could equal.
    #[error("a name, *.name, *, an IP address or a CIDR block ({0})")]
    Host(#[from] InvalidHost),
    /// `*.` before an address.
    #[error("a name behind '*.'; for addresses write a CIDR block such as 10.0.0.0/8")]
    WildcardAddress,
    /// Not CIDR notation.
    #[error("an address block such as 10.0.0.0/8 or 2001:db8::/32; for a path use path_glob")]
    Network,
    /// A CIDR block with host bits set, and the block that was probably meant.
    #[error("no host bits set: {0}")]
    HostBits(IpNet),
    /// A URL instead of a host.
    #[error("a host without scheme or path")]
    Url,
    /// A port in the host.
    #[error("a host without port; the port goes to ports")]
    Port,
    /// A name outside ASCII, where the conversion tables are not at hand.
    #[error("the ASCII form (xn--…) of an internationalised name")]
    NotAscii,
    /// A name that UTS 46 refuses.
    #[error("a name that UTS 46 accepts")]
    Unicode,
}

impl HostPattern {
    /// Reads a pattern; names pass the same canonicaliser as requests.
    ///
    /// # Errors
    /// [`InvalidPattern`], which says what would be right.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        if text.as_bytes().windows(3).any(|bytes| bytes == b"://") {
            return Err(InvalidPattern::Url);
        }
        if text == "*" {
            return Ok(Self::Any);
        }
        if text.contains('/') {
            return parse_network(text);
        }
        if let Some(base) = text.strip_prefix("*.") {
            return match parse_name(base)? {
                Host::Name(name) => Ok(Self::Below(name)),
                Host::Ip(_) => Err(InvalidPattern::WildcardAddress),
            };
        }
        if text.contains(':') {
            let inside = text
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .unwrap_or(text);
            return match Host::parse_ipv6(inside.as_bytes()) {
                Ok(Host::Ip(ip)) => Ok(Self::Exact(Host::Ip(address::unmapped(ip)))),
                Ok(host) => Ok(Self::Exact(host)),
                Err(_) if has_port(text) => Err(InvalidPattern::Port),
                Err(error) => Err(error.into()),
            };
        }
        parse_name(text).map(Self::Exact)
    }

    /// Where the pattern stands among others.
    #[must_use]
    pub fn specificity(&self) -> Specificity {
        match self {
            Self::Any => Specificity::Any,
            Self::Network(net) => Specificity::Network(net.prefix_len()),
            Self::Below(name) => {
                let dots = name.as_str().bytes().filter(|&b| b == b'.').count();
                Specificity::Below(u8::try_from(dots.saturating_add(1)).unwrap_or(u8::MAX))
            }
            Self::Exact(_) => Specificity::Exact,
        }
    }
}

/// The canonical text of the pattern.
impl std::fmt::Display for HostPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Exact(host) => host.fmt(f),
            Self::Network(net) => net.fmt(f),
        }
    }
}

/// Reads a CIDR block as rules mean it: no host bits, IPv4-mapped blocks as IPv4.
pub(crate) fn parse_block(text: &str) -> Result<IpNet, InvalidPattern> {
    let net: IpNet = text.parse().map_err(|_| InvalidPattern::Network)?;
    if net.trunc() != net {
        return Err(InvalidPattern::HostBits(net.trunc()));
    }
    Ok(match net.addr() {
        IpAddr::V6(v6) => v6
            .to_ipv4_mapped()
            .zip(net.prefix_len().checked_sub(96))
            .and_then(|(v4, len)| IpNet::new(v4.into(), len).ok())
            .unwrap_or(net),
        IpAddr::V4(_) => net,
    })
}

fn parse_network(text: &str) -> Result<HostPattern, InvalidPattern> {
    parse_block(text).map(HostPattern::Network)
}

fn has_port(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn parse_name(text: &str) -> Result<Host, InvalidPattern> {
    if text.is_ascii() {
        return Ok(Host::parse(text.as_bytes())?);
    }
    Ok(Host::parse(to_ascii(text)?.as_bytes())?)
}

#[cfg(feature = "authoring")]
fn to_ascii(text: &str) -> Result<String, InvalidPattern> {
    idna::domain_to_ascii(text).map_err(|_| InvalidPattern::Unicode)
}

#[cfg(not(feature = "authoring"))]
fn to_ascii(_: &str) -> Result<String, InvalidPattern> {
    Err(InvalidPattern::NotAscii)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn patterns_read_and_print_canonically() {
        for (text, canonical, specificity) in [
            ("*", "*", Specificity::Any),
            ("API.example.com.", "api.example.com", Specificity::Exact),
            ("*.Example.com", "*.example.com", Specificity::Below(2)),
            ("*.com", "*.com", Specificity::Below(1)),
            ("192.0.2.1", "192.0.2.1", Specificity::Exact),
            ("[2001:DB8::1]", "2001:db8::1", Specificity::Exact),
            ("2001:db8:0::1", "2001:db8::1", Specificity::Exact),
            ("::ffff:192.0.2.1", "192.0.2.1", Specificity::Exact),
            ("10.0.0.0/8", "10.0.0.0/8", Specificity::Network(8)),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8", Specificity::Network(8)),
            ("2001:db8::/32", "2001:db8::/32", Specificity::Network(32)),
        ] {
            let pattern = HostPattern::parse(text).unwrap();
            assert_eq!(pattern.to_string(), canonical, "{text}");
            assert_eq!(pattern.specificity(), specificity, "{text}");
        }
    }

    #[test]
    fn every_mistake_is_told_apart() {
        for (text, expected) in [
            ("https://api.example.com", InvalidPattern::Url),
            ("api.example.com:443", InvalidPattern::Port),
            ("[2001:db8::1]:443", InvalidPattern::Port),
            ("api.example.com/v1", InvalidPattern::Network),
            ("10.0.0.1/8", InvalidPattern::HostBits("10.0.0.0/8".parse().unwrap())),
            ("*.10.0.0.1", InvalidPattern::WildcardAddress),
            (
                "a.*.example.com",
                InvalidPattern::Host(InvalidHost::Byte { byte: b'*', at: 2 }),
            ),
            ("127.1", InvalidPattern::Host(InvalidHost::NumericLastLabel)),
            ("*.", InvalidPattern::Host(InvalidHost::Empty)),
            ("", InvalidPattern::Host(InvalidHost::Empty)),
        ] {
            assert_eq!(HostPattern::parse(text), Err(expected), "{text}");
        }
    }

    #[cfg(feature = "authoring")]
    #[test]
    fn unicode_becomes_its_a_label_form() {
        for (text, canonical) in [
            ("bücher.example", "xn--bcher-kva.example"),
            ("*.BÜCHER.example", "*.xn--bcher-kva.example"),
        ] {
            assert_eq!(HostPattern::parse(text).unwrap().to_string(), canonical);
        }
        assert_eq!(
            HostPattern::parse("a\u{200b}\u{ad}é..\u{fffd}.example"),
            Err(InvalidPattern::Unicode)
        );
    }

    #[cfg(not(feature = "authoring"))]
    #[test]
    fn unicode_needs_converting_before_it_gets_here() {
        assert_eq!(HostPattern::parse("bücher.example"), Err(InvalidPattern::NotAscii));
    }
}
