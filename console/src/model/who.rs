//! Who is signed in.

use serde::Deserialize;

/// The session of this browser.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Who.
    pub name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// `tenant`, `TYPE/ID` or `TYPE/PREFIX*`.
    pub scope: String,
    /// When it ends.
    pub expires_at: Option<String>,
    /// What changes are sent with.
    pub csrf_token: Option<String>,
}

impl Session {
    /// Whether somebody may change policies.
    #[must_use]
    pub fn operates(&self) -> bool {
        matches!(self.role.as_str(), "operator" | "admin")
    }

    /// Whether somebody may change what holds for everybody.
    #[must_use]
    pub fn operates_tenant(&self) -> bool {
        self.operates() && self.scope == "tenant"
    }
}
