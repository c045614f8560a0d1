//! Decisions reach the collector, end to end: real Envoy, real clients, the reference collector.

mod recording;
mod shared;
