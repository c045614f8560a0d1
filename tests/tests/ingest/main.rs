//! Events in, on both databases: what is acknowledged is there exactly once, and
//! aggregates say the same as rows.

mod aggregates;
mod counting;
mod failures;
mod floods;
mod forgetting;
mod grpc;
mod migrating;
mod pending;
mod refusals;
mod replicas;
mod streams;
mod support;
