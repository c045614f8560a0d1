//! Explains one decision: from what somebody asks to the document that answers it.

mod question;
mod report;
mod url;

pub use question::{Given, InvalidQuestion, Question, is_url_without_scheme};
pub use report::Report;
