//! What names lead to, asked of the system as every program asks.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use url::Host;

use super::dial::{Stopped, within};
use super::place::Place;

/// A place and its addresses, or why there are none.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) place: Place,
    pub(super) addresses: Result<Vec<SocketAddr>, Stopped>,
}

/// One address of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) place: Place,
    pub(super) address: SocketAddr,
}

impl Target {
    /// Looks it up.
    pub(super) async fn find(place: Place, patience: Duration) -> Self {
        let addresses = addresses(&place, patience).await;
        Self { place, addresses }
    }

    /// Each address of it, by itself.
    pub(super) fn spots(&self) -> impl Iterator<Item = Spot> {
        self.addresses.iter().flatten().map(|address| Spot {
            place: self.place.clone(),
            address: *address,
        })
    }
}

impl Spot {
    /// The same address at another port.
    pub(super) fn at(&self, port: u16) -> Self {
        Self {
            place: self.place.at(port),
            address: SocketAddr::new(self.address.ip(), port),
        }
    }
}

impl Display for Spot {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.place.host {
            Host::Domain(_) => write!(f, "{} ({})", self.place, self.address.ip()),
            _ => self.place.fmt(f),
        }
    }
}

/// Where a place is: one address of each family, because firewalls tend to forget one of the two.
pub(super) async fn addresses(place: &Place, patience: Duration) -> Result<Vec<SocketAddr>, Stopped> {
    let Host::Domain(name) = &place.host else {
        return Ok(place.address().into_iter().collect());
    };
    let found = within(patience, lookup_host((name.as_str(), place.port))).await?;
    let addresses = one_of_each_family(found);
    if addresses.is_empty() {
        return Err(io::Error::other("it has no address").into());
    }
    Ok(addresses)
}

fn one_of_each_family(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        if addresses.iter().all(|other| other.is_ipv4() != address.is_ipv4()) {
            addresses.push(address);
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_shown_with_the_address_that_was_tried() {
        let target = |place, addresses: &[&str]| Target {
            place: Place::parse(place).unwrap(),
            addresses: Ok(addresses.iter().map(|text| text.parse().unwrap()).collect()),
        };
        let named = target("example.com:443", &["192.0.2.1:443", "[2001:db8::1]:443"]);
        let shown: Vec<String> = named.spots().map(|spot| spot.to_string()).collect();
        assert_eq!(shown, ["example.com:443 (192.0.2.1)", "example.com:443 (2001:db8::1)"]);
        let address = target("[2001:db8::1]:443", &["[2001:db8::1]:443"]);
        let moved: Vec<String> = address.spots().map(|spot| spot.at(22).to_string()).collect();
        assert_eq!(moved, ["[2001:db8::1]:22"]);
    }

    #[test]
    fn one_address_of_each_family_is_tried() {
        let found = [
            "192.0.2.1:443",
            "192.0.2.2:443",
            "[2001:db8::1]:443",
            "[2001:db8::2]:443",
        ];
        let tried = one_of_each_family(found.into_iter().map(|text| text.parse().unwrap()));
        assert_eq!(tried, [found[0].parse().unwrap(), found[2].parse().unwrap()]);
    }
}
