//! Who may do what: tokens, roles and scopes.

mod role;
mod scope;
mod token;

pub use role::Role;
pub use scope::Scope;
pub use token::{Caller, Token, authenticate, create, first_admin, list, revoke};
