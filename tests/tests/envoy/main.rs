//! Sluice in real Envoy, end to end: one module a promise.

mod boundary;
mod configurations;
mod finding;
mod hostile;
mod passthrough;
mod refusing;
mod runner;
mod switching;
mod telling;
