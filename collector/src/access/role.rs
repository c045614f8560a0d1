//! What somebody may do at all.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A role. Operators can all that viewers can, admins all that operators can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at everything in its scope.
    Viewer,
    /// Changes policies and decides on pending requests.
    Operator,
    /// Makes tokens too.
    Admin,
    /// A filter: sends the events of its resources and watches their policies.
    Filter,
    /// Passes on events of others in its scope.
    Relay,
}

impl Role {
    /// Every role, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::Viewer, Self::Operator, Self::Admin, Self::Filter, Self::Relay];

    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Filter => "filter",
            Self::Relay => "relay",
        }
    }

    /// May look at what the collector knows.
    #[must_use]
    pub fn reads(self) -> bool {
        matches!(self, Self::Viewer | Self::Operator | Self::Admin)
    }

    /// May change policies.
    #[must_use]
    pub fn operates(self) -> bool {
        matches!(self, Self::Operator | Self::Admin)
    }

    /// May make and revoke tokens, and read the operator log.
    #[must_use]
    pub fn administers(self) -> bool {
        self == Self::Admin
    }

    /// May send events.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Self::Filter | Self::Relay)
    }

    /// May watch effective policies.
    #[must_use]
    pub fn watches(self) -> bool {
        self == Self::Filter
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| Error::field("role", text, "one of viewer, operator, admin, filter, relay"))
    }
}
