//! Who may do what: tokens, roles and scopes.

mod gate;
mod role;
mod scope;
mod spiffe;
mod token;

pub use gate::{Credential, Gate};
pub use role::Role;
pub use scope::Scope;
pub use spiffe::SpiffeIds;
pub use token::{Caller, Token, authenticate, create, first_admin, list, revoke};
