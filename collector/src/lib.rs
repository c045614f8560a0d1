//! Remembers: receives the events of filters, keeps policies and their
//! revisions, hands them out, and serves the API of review and operation.
//!
//! Two ports: gRPC for filters ([`otlp`], [`watch`]), HTTP for people and their
//! tools ([`api`]). Everything that lasts is in one [`store::Store`], SQLite or
//! PostgreSQL; a collector itself keeps nothing that another one could not read there.
#![forbid(unsafe_code)]

pub mod access;
mod addresses;
pub mod api;
pub mod audit;
pub mod changes;
mod collector;
pub mod error;
pub mod id;
pub mod ingest;
mod metrics;
pub mod moment;
pub mod operators;
pub mod otlp;
pub mod overview;
pub mod pending;
pub mod policies;
pub mod proxies;
pub mod resource;
pub mod resources;
pub mod retention;
pub mod review;
pub mod settings;
pub mod store;
#[cfg(test)]
mod testing;
pub mod tls;
pub mod watch;
mod webhook;

pub use collector::{Collector, Running, StartError};
pub use settings::{Settings, TlsFiles};

/// The messages and the server of `sluice.policy.v1`.
pub(crate) mod policy_v1 {
    #![allow(
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        dead_code,
        clippy::all,
        clippy::allow_attributes_without_reason,
        reason = "generated from policy_service.proto, which has the comments"
    )]
    tonic::include_proto!("sluice.policy.v1");
}
