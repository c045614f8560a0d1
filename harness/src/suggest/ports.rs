//! What was seen of a host, by port.

use super::observed::PortSeen;

/// Ports with what was seen of each, in order. Nearly every host has one, and there may be very many hosts: a tree
/// would take room for eleven each time.
#[derive(Debug, Clone, Default)]
pub(super) struct Ports(Vec<(u16, PortSeen)>);

impl Ports {
    /// Takes in what was seen of a port.
    pub(super) fn absorb(&mut self, port: u16, seen: PortSeen) {
        match self.0.binary_search_by_key(&port, |(port, _)| *port) {
            Ok(at) => {
                if let Some((_, known)) = self.0.get_mut(at) {
                    known.absorb(seen);
                }
            }
            Err(at) => {
                self.0.reserve_exact(1);
                self.0.insert(at, (port, seen));
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u16, &PortSeen)> {
        self.0.iter().map(|(port, seen)| (*port, seen))
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u16> {
        self.0.iter().map(|(port, _)| *port)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &PortSeen> {
        self.0.iter().map(|(_, seen)| seen)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut PortSeen> {
        self.0.iter_mut().map(|(_, seen)| seen)
    }

    pub(super) fn into_values(self) -> impl Iterator<Item = PortSeen> {
        self.0.into_iter().map(|(_, seen)| seen)
    }

    /// Those of which this is so, and the others.
    pub(super) fn partition(self, is_so: impl Fn(&PortSeen) -> bool) -> (Self, Self) {
        let (some, others) = self.0.into_iter().partition(|(_, seen)| is_so(seen));
        (Self(some), Self(others))
    }
}
