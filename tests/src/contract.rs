//! Contracts as tables: calls in the order in which they are made, and what the answer must look like.
//!
//! A table is a YAML file, a list of [`Row`]s. Rows keep values of answers
//! (`keep: {policy: /data/id}`) and use them later (`"{{policy}}"`); what an
//! answer must look like is a pattern (see [`pattern`]). A row that fails does
//! not end the table: all that is wrong is reported together.

mod call;
pub mod pattern;
mod row;
mod run;
mod send;
mod values;

pub use row::{Row, Send, Stream, read};
pub use run::{Addresses, run};
