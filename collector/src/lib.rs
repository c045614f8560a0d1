//! Remembers: receives the events of filters, keeps policies and their
//! revisions, hands them out, and serves the API of review and operation.
//!
//! Two ports: gRPC for filters ([`otlp`], [`watch`]), HTTP for people and their
//! tools ([`api`]). Everything that lasts is in one [`store::Store`], SQLite or
//! PostgreSQL; a collector itself keeps nothing that another one could not read there.
#![forbid(unsafe_code)]

pub mod access;
pub mod changes;
pub mod error;
pub mod id;
pub mod moment;
pub mod resource;
pub mod review;
pub mod store;

/// The messages and the server of `sluice.policy.v1`.
pub(crate) mod policy_v1 {
    #![allow(
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        dead_code,
        clippy::all,
        reason = "generated from policy_service.proto, which has the comments"
    )]
    tonic::include_proto!("sluice.policy.v1");
}
