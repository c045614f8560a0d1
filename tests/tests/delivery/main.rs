//! Decisions reach the collector, end to end: real Envoy, real clients, the reference collector.

mod answers;
mod credential;
mod draining;
mod flood;
mod losing_nothing;
mod overriding;
mod passing_on;
mod recording;
mod resources;
mod restarting;
mod shared;
mod transparent;
mod tunnels;
mod unusual;
