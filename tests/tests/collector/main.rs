//! The reference collector: a witness must be one that can be believed.

mod exporting;
mod restarting;
mod watching;
