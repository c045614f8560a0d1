//! Sluice in real Envoy, end to end: one module a promise.

mod addresses;
mod boundary;
mod collecting;
mod configurations;
mod finding;
mod hostile;
mod inside;
mod listeners;
mod original_dst;
mod own_collector;
mod passthrough;
mod passthrough_addresses;
mod paths;
mod plain_transparent;
mod plugins;
mod putting_back;
mod refusing;
mod runner;
mod sidecar;
mod switching;
mod telling;
mod terminating;
mod three_addresses;
