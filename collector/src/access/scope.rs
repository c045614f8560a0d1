//! Where somebody may do it.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::resource::{Resource, TENANT};

/// `tenant` (everything), `TYPE/ID` (one resource) or `TYPE/PREFIX*` (those whose id begins so).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    Tenant,
    /// One resource.
    Resource(Resource),
    /// Resources of one type whose ids have one beginning, which may be empty.
    Prefix {
        /// The type.
        kind: String,
        /// What the ids begin with.
        prefix: String,
    },
}

impl Scope {
    /// Whether a resource is in it. The tenant is only in its own scope.
    #[must_use]
    pub fn contains(&self, resource: &Resource) -> bool {
        match self {
            Self::Tenant => true,
            Self::Resource(own) => own == resource,
            Self::Prefix { kind, prefix } => *kind == resource.kind && resource.id.starts_with(prefix),
        }
    }

    /// Whether all that is in another one is in this one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tenant, _) => true,
            (_, Self::Tenant) => false,
            (own, Self::Resource(resource)) => own.contains(resource),
            (
                Self::Prefix { kind, prefix },
                Self::Prefix {
                    kind: other,
                    prefix: narrower,
                },
            ) => kind == other && narrower.starts_with(prefix),
            (Self::Resource(_), Self::Prefix { .. }) => false,
        }
    }

    /// Whether everything is in it.
    #[must_use]
    pub fn is_tenant(&self) -> bool {
        *self == Self::Tenant
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant => f.write_str(TENANT),
            Self::Resource(resource) => resource.fmt(f),
            Self::Prefix { kind, prefix } => write!(f, "{kind}/{prefix}*"),
        }
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::field("scope", text, "tenant, TYPE/ID, or TYPE/PREFIX*");
        if text == TENANT {
            return Ok(Self::Tenant);
        }
        let (kind, id) = text.split_once('/').ok_or_else(wrong)?;
        if kind == TENANT {
            return Err(wrong());
        }
        match id.strip_suffix('*') {
            // Checked as an id with something behind it: the prefix itself may be empty.
            Some(prefix) => Resource::checked(kind, &format!("{prefix}x"))
                .map(|_| Self::Prefix {
                    kind: kind.to_owned(),
                    prefix: prefix.to_owned(),
                })
                .map_err(|_| wrong()),
            None => Resource::checked(kind, id).map(Self::Resource).map_err(|_| wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_and_contain_what_they_say() {
        let (one, other) = (Resource::new("sandbox", "sb_1"), Resource::new("computer", "sb_1"));
        for (text, has_one, has_other, has_tenant) in [
            ("tenant", true, true, true),
            ("sandbox/sb_1", true, false, false),
            ("sandbox/sb_*", true, false, false),
            ("sandbox/*", true, false, false),
            ("sandbox/x*", false, false, false),
        ] {
            let scope: Scope = text.parse().unwrap();
            assert_eq!(scope.to_string(), text);
            let contained = [&one, &other, &Resource::tenant()].map(|resource| scope.contains(resource));
            assert_eq!(contained, [has_one, has_other, has_tenant], "{text}");
        }
        for text in ["", "sandbox", "sandbox/", "/x", "tenant/x", "a b/c", "sandbox/*x"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }
}
