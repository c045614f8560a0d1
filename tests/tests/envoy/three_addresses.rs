//! Three addresses of this machine with one port: one that the policy expects, one that is private, one that is denied.

use std::net::Ipv4Addr;

use sluice_tests::greeter::Greeter;

/// The name that the policy knows.
pub(crate) const NAME: &str = "api.example.com";
/// Where it may lead, by the policy.
pub(crate) const EXPECTED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
pub(crate) const PRIVATE: Ipv4Addr = Ipv4Addr::LOCALHOST;
pub(crate) const DENIED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// Who listens there.
pub(crate) struct Places {
    pub(crate) expected: Greeter,
    pub(crate) private: Greeter,
    pub(crate) denied: Greeter,
}

impl Places {
    pub(crate) fn open() -> Self {
        let greeters = Greeter::answering_at(&[EXPECTED, PRIVATE, DENIED]);
        let [expected, private, denied] = greeters.try_into().expect("there are three");
        Self {
            expected,
            private,
            denied,
        }
    }

    /// The port of all three.
    pub(crate) fn port(&self) -> u16 {
        self.expected.address().port()
    }
}
