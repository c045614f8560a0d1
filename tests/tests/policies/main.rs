//! Policies reach real Envoy through `Watch` and stay right, whatever fails: one module a promise.

mod changes;
mod failures;
mod first_answers;
mod mistakes;
mod neighbours;
mod refusals;
mod resources;
mod shared;
mod traps;
mod under_load;
