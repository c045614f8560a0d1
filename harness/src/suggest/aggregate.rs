//! What is known of destinations where nobody kept their single requests.

use std::borrow::Cow;
use std::net::IpAddr;

use sluice_policy::{Timestamp, domain};

use crate::few::Few;

/// Days since the Unix epoch. A window mostly has a week of them.
pub type Days = Few<i32, 8>;

/// How often and when.
#[derive(Debug, Clone, Default)]
pub struct Total {
    /// Requests and connections.
    pub count: u64,
    /// The first of them.
    pub first: Option<Timestamp>,
    /// The last.
    pub last: Option<Timestamp>,
    /// The days on which they were.
    pub days: Days,
}

/// Where destinations led, as far as that was told.
#[derive(Debug, Clone, Copy, Default)]
pub struct LedTo<'d> {
    /// The addresses, public ones or not.
    pub addresses: &'d [IpAddr],
    /// Whether there were more.
    pub more: bool,
}

/// One destination.
#[derive(Debug, Clone)]
pub struct Destination<'d> {
    /// Its canonical host, IPv6 without brackets.
    pub host: Cow<'d, str>,
    /// Its port.
    pub port: u16,
    /// How often and when.
    pub total: Total,
    /// Every method, with every path that was recorded, where all of it was
    /// seen in clear and is known; `None` once anything was not.
    pub inside: Option<&'d [(&'d str, Option<&'d str>)]>,
    /// Where it led.
    pub led_to: LedTo<'d>,
}

/// Many hosts that were counted together, because there were too many of them.
#[derive(Debug, Clone)]
pub struct Many<'d> {
    /// What they have in common: the domain they are below or at, or any other text.
    pub of: &'d str,
    /// Their port; 0 if they had several.
    pub port: u16,
    /// The first of them.
    pub samples: &'d [String],
    /// How often and when.
    pub total: Total,
    /// Where any of them led.
    pub led_to: LedTo<'d>,
}

impl Destination<'_> {
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl Many<'_> {
    /// The wildcard that names them; none where they have no owner in common.
    pub(super) fn pattern(&self) -> Option<String> {
        pattern_of(self.of)
    }
}

/// The wildcard on a registrable domain.
pub(super) fn pattern_of(name: &str) -> Option<String> {
    (domain::registrable(name) == Some(name)).then(|| format!("*.{name}"))
}
