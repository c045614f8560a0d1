//! The audit trail as it is read: rows by filters, in the order in which they were committed.

mod query;
mod row;

pub use query::{Filter, Order, page, show};
pub use row::Row;
