//! Destinations in the order of host and port.

use super::Destination;

/// Distinct destinations. They come in order and there may be very many, so they stand side by side.
#[derive(Debug, Default)]
pub(in crate::review) struct Table(Vec<Destination>);

impl Table {
    /// Of those that are distinct and in order.
    pub(super) fn in_order(destinations: Vec<Destination>) -> Self {
        debug_assert!(destinations.is_sorted_by(|one, next| one.key() < next.key()));
        Self(destinations)
    }

    pub(in crate::review) fn iter(&self) -> impl Iterator<Item = &Destination> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Destination> {
        self.0.iter_mut()
    }

    /// Every port of a host.
    pub(in crate::review) fn of_host(&self, host: &str) -> &[Destination] {
        let first = self.0.partition_point(|one| one.host.as_str() < host);
        let from_there = self.0.get(first..).unwrap_or_default();
        let ports = from_there.iter().take_while(|one| one.host == host).count();
        from_there.get(..ports).unwrap_or_default()
    }

    pub(in crate::review) fn get_mut(&mut self, host: &str, port: u16) -> Option<&mut Destination> {
        let at = self.0.binary_search_by(|one| one.key().cmp(&(host, port))).ok()?;
        self.0.get_mut(at)
    }

    /// Takes in others, none of which is there yet.
    pub(in crate::review) fn add(&mut self, others: impl IntoIterator<Item = Destination>) {
        self.0.extend(others);
        self.0.sort_by(|one, other| one.key().cmp(&other.key()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_found_by_host_and_port() {
        let mut table = Table::default();
        table.add([("b", 443), ("a.b", 1)].map(|(host, port)| Destination::new(host, port)));
        table.add([("c", 2), ("b", 80)].map(|(host, port)| Destination::new(host, port)));
        let all: Vec<(&str, u16)> = table.iter().map(Destination::key).collect();
        assert_eq!(all, [("a.b", 1), ("b", 80), ("b", 443), ("c", 2)]);
        let ports = |host: &str| table.of_host(host).iter().map(|one| one.port).collect::<Vec<_>>();
        assert_eq!(
            [ports("b"), ports("a"), ports("c"), ports("d")],
            [vec![80, 443], vec![], vec![2], vec![]]
        );
        assert!(table.get_mut("b", 81).is_none());
        assert_eq!(table.get_mut("b", 80).map(|one| one.port), Some(80));
    }
}
