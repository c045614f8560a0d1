//! Who may do what: tokens, people and their sessions, roles and scopes.

mod attempts;
mod cookie;
mod entrance;
mod gate;
mod origin;
mod passwords;
mod role;
mod scope;
pub mod sessions;
mod spiffe;
mod token;
pub mod users;

pub use cookie::SessionCookie;
pub use entrance::{Entrance, Proof};
pub use gate::{Credential, Gate, Visitor};
pub(crate) use origin::same_origin;
pub use role::Role;
pub use scope::Scope;
pub use sessions::Session;
pub use spiffe::SpiffeIds;
pub use token::{Caller, Token, authenticate, create, first_admin, list, revoke};
pub use users::User;
