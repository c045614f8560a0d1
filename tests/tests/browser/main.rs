//! What tests of the console stand on: a real browser, which sees what people see and leaves nothing behind.

mod accessibility;
mod ending;
mod failing;
mod finding;
mod keyboard;
mod looks;
mod policies;
mod site;
