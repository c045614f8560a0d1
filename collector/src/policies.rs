//! Policies: what each says, every revision of it, and what it makes together
//! with the tenant's.
//!
//! A change is a [`Draft`]: loaded with its rules, changed, checked by
//! [`sluice_policy`] as a filter would check it, and saved as one revision.
//! What a filter would refuse cannot be saved.

mod check;
mod create;
mod draft;
mod effective;
mod file;
mod load;
mod operations;
mod relock;
mod revisions;
mod rules;
mod spread;
#[cfg(test)]
mod tests;
mod types;

pub(crate) use check::own_document;
pub(crate) use create::copy_of_template;
pub use create::{NewPolicy, create, of_resource};
pub use draft::Draft;
pub use effective::{Effective, effective, in_force};
pub use file::file;
pub(crate) use file::named;
pub(crate) use load::rules;
pub use load::{all, by_id, of, owner_of_rule};
pub(crate) use operations::permit;
pub use operations::{Patch, lockdown, observe, patch};
pub use relock::relock;
pub use revisions::{Revision, document_of, list as revisions, rollback};
pub use rules::{Added, add as add_rule, all as all_rules, remove as remove_rule, shape as rule_of_input};
pub use spread::{Outcome, Source, Target, resolve, spread};
pub use types::{Policy, StoredRule};
pub(crate) use types::{effect, mode};
