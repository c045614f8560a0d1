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

/// A session that has not ended, one's own or another's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct SignedIn {
    /// Its id.
    pub id: String,
    /// Of a person: which.
    pub user_id: Option<String>,
    /// Of a token: which.
    pub token_id: Option<String>,
    /// Who.
    pub name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// `tenant`, `TYPE/ID` or `TYPE/PREFIX*`.
    pub scope: String,
    /// When it began.
    pub created_at: String,
    /// When it was used last, to the minute.
    pub last_used: String,
    /// When it ends at the latest.
    pub expires_at: String,
    /// From where it was begun.
    pub address: String,
    /// What the browser said it is.
    pub agent: String,
    /// Whether it is the one that asks.
    pub current: bool,
}
