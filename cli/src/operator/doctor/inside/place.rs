//! `HOST:PORT`, as arguments and the proxy variables of the environment have it.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

/// Somewhere to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(super) host: Host,
    pub(super) port: u16,
}

/// A text that is no [`Place`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST:PORT, such as example.com:443, 192.0.2.1:80 or [2001:db8::1]:80")]
pub(crate) struct InvalidPlace;

/// A text that is no proxy's address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST:PORT or http://HOST:PORT")]
pub(crate) struct InvalidProxy;

/// A text that is no resolver's address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an address, with or without port, such as 192.0.2.53 or [2001:db8::53]:5353")]
pub(crate) struct InvalidResolver;

impl Place {
    pub(super) fn new(host: Host, port: u16) -> Self {
        Self { host, port }
    }

    /// Reads `HOST:PORT`.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPlace> {
        let (host, port) = text.rsplit_once(':').ok_or(InvalidPlace)?;
        let port: u16 = port.parse().map_err(|_| InvalidPlace)?;
        match Host::parse(host) {
            Ok(host) if port != 0 => Ok(Self { host, port }),
            _ => Err(InvalidPlace),
        }
    }

    /// Reads what the proxy variables hold: a URL, of which clients take host and port.
    pub(super) fn parse_proxy(text: &str) -> Result<Self, InvalidProxy> {
        if !text.contains("://") {
            return Self::parse(text).map_err(|InvalidPlace| InvalidProxy);
        }
        let url = Url::parse(text).map_err(|_| InvalidProxy)?;
        match (url.scheme(), url.host(), url.port_or_known_default()) {
            ("http", Some(host), Some(port)) => Ok(Self::new(host.to_owned(), port)),
            _ => Err(InvalidProxy),
        }
    }

    /// The address, if it is one.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        let address: IpAddr = match &self.host {
            Host::Domain(_) => return None,
            Host::Ipv4(address) => (*address).into(),
            Host::Ipv6(address) => (*address).into(),
        };
        Some((address, self.port).into())
    }

    /// The same host at another port.
    pub(super) fn at(&self, port: u16) -> Self {
        Self::new(self.host.clone(), port)
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Reads `ADDR[:PORT]`; DNS is at port 53.
pub(super) fn parse_resolver(text: &str) -> Result<SocketAddr, InvalidResolver> {
    let bare = || text.parse().map(|address: IpAddr| SocketAddr::new(address, 53));
    text.parse().or_else(|_| bare()).map_err(|_| InvalidResolver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_a_host_and_a_port() {
        for text in ["example.com:443", "192.0.2.1:80", "[2001:db8::1]:80"] {
            assert_eq!(Place::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Place::parse("example.com:443").unwrap().address(), None);
        let address = Place::parse("[2001:db8::1]:80").unwrap().address();
        assert_eq!(address, Some("[2001:db8::1]:80".parse().unwrap()));
        for text in [
            "",
            "example.com",
            "example.com:",
            "example.com:0",
            "example.com:65536",
            "a b:1",
            ":443",
        ] {
            assert_eq!(Place::parse(text), Err(InvalidPlace), "{text}");
        }
    }

    #[test]
    fn proxies_are_places_or_plain_urls() {
        for (text, expected) in [
            ("127.0.0.1:3128", "127.0.0.1:3128"),
            ("http://127.0.0.1:3128", "127.0.0.1:3128"),
            ("http://user:secret@proxy.example.com:3128/", "proxy.example.com:3128"),
            ("http://proxy.example.com", "proxy.example.com:80"),
        ] {
            assert_eq!(Place::parse_proxy(text).unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "proxy.example.com",
            "https://proxy.example.com",
            "socks5://127.0.0.1:1080",
            "http://",
        ] {
            assert_eq!(Place::parse_proxy(text), Err(InvalidProxy), "{text}");
        }
    }

    #[test]
    fn resolvers_are_addresses() {
        for (text, expected) in [
            ("192.0.2.53", "192.0.2.53:53"),
            ("192.0.2.53:5353", "192.0.2.53:5353"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[2001:db8::53]:5353", "[2001:db8::53]:5353"),
        ] {
            assert_eq!(parse_resolver(text).unwrap().to_string(), expected);
        }
        assert_eq!(parse_resolver("dns.example.com"), Err(InvalidResolver));
    }
}
