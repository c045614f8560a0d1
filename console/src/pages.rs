//! The pages, one a file.

mod account;
mod audit;
mod history;
mod network;
mod not_found;
mod overview;
mod pending;
mod rules;
mod sign_in;

pub(crate) use account::Account;
pub(crate) use audit::Audit;
pub(crate) use history::History;
pub(crate) use network::Network;
pub(crate) use not_found::NotFound;
pub(crate) use overview::Overview;
pub(crate) use pending::Pending;
pub(crate) use rules::Rules;
pub(crate) use sign_in::SignIn;
