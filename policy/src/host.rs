//! A canonical host: the one type for names and addresses, whether they come
//! from `:authority`, from SNI or from a rule.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use arrayvec::ArrayString;

/// Longest name in text form without the trailing dot (RFC 1035 §2.3.4).
pub const MAX_NAME: usize = 253;
/// Longest label of a name (RFC 1035 §2.3.4).
pub const MAX_LABEL: usize = 63;

/// A name in canonical form: ASCII letters in lower case, digits, `-`, `_` and
/// `.`; no trailing dot; no empty label; its last label is not a number.
///
/// It is stored in place, so that making one allocates nothing: this happens
/// for every request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(ArrayString<MAX_NAME>);

impl Name {
    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name means the machine itself: `localhost` and every name
    /// below it (RFC 6761 §6.3).
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        self.as_str()
            .strip_suffix("localhost")
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

/// A canonical host: a [`Name`] or an address.
///
/// Displays as the name, or as the address without brackets.
#[expect(
    clippy::large_enum_variant,
    reason = "a boxed name would cost an allocation for every request"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name.
    Name(Name),
    /// An address literal; IPv6 compares by value, not by spelling.
    Ip(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Ip(ip) => ip.fmt(f),
        }
    }
}

/// Why bytes are not a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHost {
    /// Nothing was left once one trailing dot was dropped.
    #[error("the host is empty")]
    Empty,
    /// A byte outside letters, digits, `-`, `_` and `.`.
    #[error("byte 0x{byte:02x} at {at}: a host has ASCII letters, digits, '-', '_' and '.' only")]
    Byte {
        /// The byte found.
        byte: u8,
        /// Its offset in the host.
        at: usize,
    },
    /// Two dots in a row, a leading dot, or more than one trailing dot.
    #[error("a label is empty")]
    EmptyLabel,
    /// A label over [`MAX_LABEL`] bytes.
    #[error("a label is longer than 63 bytes")]
    LabelTooLong,
    /// A name over [`MAX_NAME`] bytes.
    #[error("the name is longer than 253 bytes")]
    NameTooLong,
    /// The last label is a number, but the whole is no dotted quad: clients and
    /// resolvers disagree about which address such a text means.
    #[error("the last label is a number but the host is not a dotted-quad IPv4 address")]
    NumericLastLabel,
    /// What is inside `[` `]` is not an IPv6 address.
    #[error("not an IPv6 address (a zone is not accepted)")]
    Ipv6,
}

impl Host {
    /// Canonicalises a name or a dotted quad; an IPv6 address is accepted by
    /// [`Host::parse_ipv6`] only, because in an authority it needs brackets.
    ///
    /// # Errors
    /// [`InvalidHost`], which names the first thing that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidHost> {
        let bytes = bytes.strip_suffix(b".").unwrap_or(bytes);
        let mut label = 0_usize;
        let mut problem = None;
        for (at, &byte) in bytes.iter().enumerate() {
            match byte {
                b'.' if label == 0 => problem = problem.or(Some(InvalidHost::EmptyLabel)),
                b'.' => label = 0,
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                    label = label.saturating_add(1);
                    if label > MAX_LABEL {
                        problem = problem.or(Some(InvalidHost::LabelTooLong));
                    }
                }
                // A forbidden byte outranks every complaint about lengths.
                _ => return Err(InvalidHost::Byte { byte, at }),
            }
        }
        if bytes.is_empty() {
            return Err(InvalidHost::Empty);
        }
        if let Some(problem) = problem {
            return Err(problem);
        }
        if label == 0 {
            return Err(InvalidHost::EmptyLabel);
        }
        // The bytes have been seen to be ASCII; copying them at once, and not
        // one by one, halves the time this takes.
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let mut name = ArrayString::from(text).map_err(|_| InvalidHost::NameTooLong)?;
        name.make_ascii_lowercase();
        let last = name.rsplit('.').next().unwrap_or_default();
        if is_number(last) {
            // Rust's parser is the strict dotted quad: four decimal parts,
            // no leading zeros (which some resolvers read as octal).
            return name
                .parse::<Ipv4Addr>()
                .map(|ip| Self::Ip(IpAddr::V4(ip)))
                .map_err(|_| InvalidHost::NumericLastLabel);
        }
        Ok(Self::Name(Name(name)))
    }

    /// Reads the inside of `[` `]`: an IPv6 address without a zone.
    ///
    /// # Errors
    /// [`InvalidHost::Ipv6`] for anything else.
    pub fn parse_ipv6(bytes: &[u8]) -> Result<Self, InvalidHost> {
        std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.parse::<Ipv6Addr>().ok())
            .map(|ip| Self::Ip(IpAddr::V6(ip)))
            .ok_or(InvalidHost::Ipv6)
    }
}

/// Whether a resolver might read this label as a number: decimal or octal
/// digits, or hexadecimal behind `0x` (WHATWG URL, "ends in a number").
fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_hexdigit()),
        None => label.bytes().all(|b| b.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn localhost_is_a_name_and_its_subdomains() {
        for (host, expected) in [
            ("localhost", true),
            ("LOCALHOST.", true),
            ("db.localhost", true),
            ("notlocalhost", false),
            ("localhost.example.com", false),
        ] {
            let Ok(Host::Name(name)) = Host::parse(host.as_bytes()) else {
                panic!("{host} is a name");
            };
            assert_eq!(name.is_localhost(), expected, "{host}");
        }
    }

    #[test]
    fn lengths_are_bounded_exactly() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
        assert_eq!(longest.len(), 253);
        assert!(Host::parse(longest.as_bytes()).is_ok());
        assert!(Host::parse(format!("{longest}.").as_bytes()).is_ok());
        assert_eq!(
            Host::parse(format!("{longest}b").as_bytes()),
            Err(InvalidHost::NameTooLong)
        );
        assert_eq!(
            Host::parse(format!("{label}a.example").as_bytes()),
            Err(InvalidHost::LabelTooLong)
        );
    }

    #[test]
    fn every_byte_is_accepted_or_named() {
        for byte in 0..=u8::MAX {
            let input = [b'a', byte, b'a'];
            let allowed = byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            match Host::parse(&input) {
                Ok(_) => assert!(allowed, "{byte:#x}"),
                Err(error) => assert_eq!(error, InvalidHost::Byte { byte, at: 1 }),
            }
        }
    }
}
