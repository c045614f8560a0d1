//! The parts in a browser's page. Those that need more have tests of their own.

mod button;
mod dialog;
mod field;
mod messages;
mod rows;
mod words;
