//! Where names lead: the addresses that are not public, and the blocks by which a rule permits them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sluice_policy::{Blocks, address};

use super::aggregate::LedTo;

/// How many addresses are told apart.
const MOST: usize = 64;

/// From how many addresses in it on a block is suggested: that many machines are a
/// service that moves, and a list of them would reject it where it is next.
const BLOCK_FROM: usize = 5;

/// The addresses that a rule has to permit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LeadsTo {
    addresses: BTreeSet<IpAddr>,
    /// There were more.
    more: bool,
}

impl LeadsTo {
    pub(super) fn of(led_to: LedTo<'_>) -> Self {
        let mut leads_to = Self {
            more: led_to.more,
            ..Self::default()
        };
        leads_to.extend(led_to.addresses.iter().map(|ip| address::unmapped(*ip)));
        leads_to
    }

    fn extend(&mut self, addresses: impl IntoIterator<Item = IpAddr>) {
        for address in addresses {
            if self.addresses.len() < MOST {
                self.addresses.insert(address);
            } else if !self.addresses.contains(&address) {
                self.more = true;
            }
        }
    }

    /// Takes in what another leads to.
    pub(super) fn absorb(&mut self, other: Self) {
        self.extend(other.addresses);
        self.more |= other.more;
    }

    /// Keeps what is not public, and not in blocks where any name may lead to.
    pub(super) fn keep_private(&mut self, expected: &Blocks) {
        self.addresses
            .retain(|ip| address::is_private(*ip) && !expected.contain(*ip));
        self.more &= !self.addresses.is_empty();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// The first that is cloud metadata.
    pub(super) fn metadata(&self) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|ip| address::is_metadata(*ip))
    }

    /// The first that is the proxy's own machine.
    pub(super) fn own(&self) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|ip| address::is_own(*ip))
    }

    /// In words.
    pub(super) fn text(&self) -> String {
        let mut addresses = self.addresses.iter();
        let first = addresses.next().map(ToString::to_string).unwrap_or_default();
        match (addresses.len(), addresses.next()) {
            (0, _) | (_, None) => first,
            (1, Some(second)) if !self.more => format!("{first} and {second}"),
            (others, Some(_)) if self.more => format!("{first} and more than {others} others"),
            (others, Some(_)) => format!("{first} and {others} others"),
        }
    }

    /// The narrowest blocks that hold them: one for each, or one for many
    /// neighbours. Cloud metadata is in none.
    pub(super) fn blocks(&self) -> Vec<String> {
        let mut blocks = BTreeSet::new();
        for ip in self.addresses.iter().filter(|ip| !address::is_metadata(**ip)) {
            let around = Block::around(*ip).filter(|block| {
                let inside = self.addresses.iter().filter(|other| block.contains(**other));
                inside.count() >= BLOCK_FROM && !address::METADATA.iter().any(|other| block.contains(*other))
            });
            blocks.insert(around.unwrap_or(Block(*ip, if ip.is_ipv4() { 32 } else { 128 })));
        }
        blocks
            .iter()
            .map(|Block(ip, length)| format!("{ip}/{length}"))
            .collect()
    }
}

/// The narrowest blocks by which a rule permits the private ones among these
/// addresses, cloud metadata excepted.
#[must_use]
pub fn blocks_of(addresses: &[IpAddr]) -> Vec<String> {
    let mut leads_to = LeadsTo::of(LedTo { addresses, more: false });
    leads_to.keep_private(&Blocks::default());
    leads_to.blocks()
}

/// The first address of a block, and the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Block(IpAddr, u8);

impl Block {
    /// The network that is usually one segment, of /24 or /64. None around an address that embeds an IPv4
    /// address: its neighbours are somewhere else altogether.
    fn around(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Some(Self(Ipv4Addr::new(a, b, c, 0).into(), 24))
            }
            IpAddr::V6(v6) if address::embedded_ipv4(ip).is_empty() => {
                let [a, b, c, d, ..] = v6.segments();
                Some(Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into(), 64))
            }
            IpAddr::V6(_) => None,
        }
    }

    /// For blocks that [`Block::around`] makes.
    fn contains(self, ip: IpAddr) -> bool {
        Self::around(ip) == Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leads_to(addresses: &[&str]) -> LeadsTo {
        let addresses: Vec<IpAddr> = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        LeadsTo::of(LedTo {
            addresses: &addresses,
            more: false,
        })
    }

    #[test]
    fn blocks_are_as_narrow_as_can_be() {
        for (addresses, expected) in [
            (&["10.2.3.4"][..], &["10.2.3.4/32"][..]),
            (&["::ffff:10.2.3.4", "10.2.3.4"], &["10.2.3.4/32"]),
            (
                &["10.2.3.4", "10.2.3.5", "10.2.3.6", "10.2.3.7"],
                &["10.2.3.4/32", "10.2.3.5/32", "10.2.3.6/32", "10.2.3.7/32"],
            ),
            (
                &["10.2.3.4", "10.2.3.5", "10.2.3.6", "10.2.3.7", "10.2.3.99", "10.9.0.1"],
                &["10.2.3.0/24", "10.9.0.1/32"],
            ),
            (
                &[
                    "fd00::1",
                    "fd00::2",
                    "fd00::3",
                    "fd00::4",
                    "fd00:0:0:0:1::5",
                    "fd00:1::1",
                ],
                &["fd00::/64", "fd00:1::1/128"],
            ),
            // Cloud metadata among the neighbours.
            (
                &[
                    "169.254.169.1",
                    "169.254.169.2",
                    "169.254.169.3",
                    "169.254.169.4",
                    "169.254.169.254",
                ],
                &[
                    "169.254.169.1/32",
                    "169.254.169.2/32",
                    "169.254.169.3/32",
                    "169.254.169.4/32",
                ],
            ),
            // All of IPv4 is in 64:ff9b::/96.
            (
                &[
                    "64:ff9b::a00:1",
                    "64:ff9b::a00:2",
                    "64:ff9b::a00:3",
                    "64:ff9b::a00:4",
                    "64:ff9b::a00:5",
                ],
                &[
                    "64:ff9b::a00:1/128",
                    "64:ff9b::a00:2/128",
                    "64:ff9b::a00:3/128",
                    "64:ff9b::a00:4/128",
                    "64:ff9b::a00:5/128",
                ],
            ),
        ] {
            assert_eq!(leads_to(addresses).blocks(), expected, "{addresses:?}");
        }
    }

    #[test]
    fn what_is_public_or_expected_needs_no_permission() {
        let mut some = leads_to(&["192.0.2.1", "10.1.0.1", "10.2.0.1"]);
        some.keep_private(&Blocks::parse(["10.1.0.0/16"]).unwrap());
        assert_eq!(some, leads_to(&["10.2.0.1"]));
    }

    #[test]
    fn words_name_the_first_and_count_the_others() {
        assert_eq!(leads_to(&["10.0.0.1"]).text(), "10.0.0.1");
        assert_eq!(leads_to(&["10.0.0.1", "10.0.0.2"]).text(), "10.0.0.1 and 10.0.0.2");
        let mut three = leads_to(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(three.text(), "10.0.0.1 and 2 others");
        three.more = true;
        assert_eq!(three.text(), "10.0.0.1 and more than 2 others");
    }

    #[test]
    fn made_up_addresses_take_bounded_room() {
        let many: Vec<IpAddr> = (0..1_000_u32)
            .map(|n| Ipv4Addr::from_bits(0x0a00_0000 + n).into())
            .collect();
        let mut all = LeadsTo::default();
        for ip in many {
            all.absorb(LeadsTo::of(LedTo {
                addresses: &[ip],
                more: false,
            }));
        }
        assert!(all.more);
        assert_eq!(all.addresses.len(), MOST);
    }
}
