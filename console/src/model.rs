//! The rows of the API, as far as pages show them. Members that a collector does not send are empty.

mod audit;
mod overview;
mod pending;
mod policy;
mod review;
mod trial;
mod who;

pub use audit::{AuditRow, Nearest};
pub use overview::{Overview, Proxies, Proxy, ProxyIntended, ProxyLive};
pub use pending::{Decided, Pending};
pub use policy::{Policy, Revision, RevisionDocument, Rule, Spread, SpreadRow};
pub use review::{Coverage, Destination, Growth, ListToApply, Point, SeenInClear, Suggestion, Summary};
pub use trial::{Affected, Explanation, Finding, Matched, Simulation, Totals};
pub use who::{Session, SignedIn};

use serde::{Deserialize, Serialize};

/// A resource by its two names. The tenant has no id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Resource {
    /// `sandbox`, `computer`, `template`, `tenant`.
    #[serde(rename = "resource_type")]
    pub kind: String,
    /// Its id.
    #[serde(rename = "resource_id")]
    pub id: String,
}

impl Resource {
    /// By its names.
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            id: id.to_owned(),
        }
    }

    /// Whether it is the tenant.
    #[must_use]
    pub fn is_tenant(&self) -> bool {
        self.kind == "tenant"
    }

    /// What people read: `sandbox/sb_1`, or `tenant`.
    #[must_use]
    pub fn label(&self) -> String {
        if self.is_tenant() {
            "tenant".to_owned()
        } else {
            format!("{}/{}", self.kind, self.id)
        }
    }

    /// The end of the addresses of its pages: `sandbox/sb_1`, `tenant/-`.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}/{}", self.kind, if self.id.is_empty() { "-" } else { &self.id })
    }

    /// From the parts of such an address.
    #[must_use]
    pub fn of_place(kind: &str, id: &str) -> Self {
        Self::new(kind, if id == "-" { "" } else { id })
    }

    /// As query parameters.
    #[must_use]
    pub fn query(&self) -> String {
        format!("resource_type={}&resource_id={}", self.kind, self.id)
    }
}
