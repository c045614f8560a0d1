//! The workload being governed, and the tenant above all of them.

use std::fmt;

use serde::{Deserialize, Serialize};
use sluice_policy::PathGlob;

use crate::error::Error;
use crate::id;

/// The type of the scope above all resources.
pub const TENANT: &str = "tenant";
/// The type of resources that others are made from: a template governs nothing,
/// and its policy is copied when a resource is registered with it.
pub const TEMPLATE: &str = "template";

/// `resource_type` and `resource_id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Resource {
    /// `sandbox`, `computer`, `template`, ...; `tenant` for the tenant.
    #[serde(rename = "resource_type")]
    pub kind: String,
    /// Its id; empty for the tenant.
    #[serde(rename = "resource_id")]
    pub id: String,
}

impl Resource {
    /// A resource whose parts are known to be valid.
    #[must_use]
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            id: id.into(),
        }
    }

    /// The tenant.
    #[must_use]
    pub fn tenant() -> Self {
        Self::new(TENANT, "")
    }

    /// Whether it is the tenant.
    #[must_use]
    pub fn is_tenant(&self) -> bool {
        self.kind == TENANT
    }

    /// Checks what somebody sent.
    ///
    /// # Errors
    /// [`Error::Validation`] that names the field. The tenant's id is empty, or absent; another resource has both.
    pub fn checked(kind: &str, id: &str) -> Result<Self, Error> {
        if kind == TENANT && (id.is_empty() || id == TENANT) {
            return Ok(Self::tenant());
        }
        for (field, text) in [("resource_type", kind), ("resource_id", id)] {
            if !id::is_valid(text) {
                return Err(Error::field(field, text, "1 to 255 characters of A-Z a-z 0-9 . _ -"));
            }
        }
        if kind == TENANT {
            return Err(Error::field("resource_id", id, "no id: there is one tenant"));
        }
        Ok(Self::new(kind, id))
    }
}

/// A pattern for `TYPE/ID`, such as `sandbox/ci-*`: `*` stands for any characters
/// but the slash, `?` for one; as in the paths of rules, by the same code.
#[derive(Debug, Clone)]
pub struct ResourceGlob(PathGlob);

impl ResourceGlob {
    /// Reads a pattern; `None` if it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        PathGlob::parse(&format!("/{text}")).ok().map(Self)
    }

    /// Whether a resource fits as a whole.
    #[must_use]
    pub fn fits(&self, resource: &Resource) -> bool {
        self.0.matches(format!("/{resource}").as_bytes())
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_tenant() {
            f.write_str(TENANT)
        } else {
            write!(f, "{}/{}", self.kind, self.id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_fit_whole_names() {
        let resource = Resource::new("sandbox", "ci-7");
        for (glob, expected) in [
            ("sandbox/*", true),
            ("sandbox/ci-?", true),
            ("*/ci-*", true),
            ("sandbox/ci-7", true),
            ("sandbox/ci", false),
            ("sandbox/ci-??", false),
            ("computer/*", false),
            ("*", false),
        ] {
            assert_eq!(ResourceGlob::parse(glob).unwrap().fits(&resource), expected, "{glob}");
        }
    }
}
