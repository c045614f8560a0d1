//! The messages of `sluice.policy.v1`, and its client, as prost and tonic generate them.
#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated from policy/proto/sluice/policy/v1/policy_service.proto, which has the documentation"
)]

tonic::include_proto!("sluice.policy.v1");
