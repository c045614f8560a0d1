//! `sluice.policy.v1` as it is on the wire: `policy/proto/`.
#![allow(missing_docs, unreachable_pub, clippy::all, dead_code, reason = "generated code")]

include!(concat!(env!("OUT_DIR"), "/sluice.policy.v1.rs"));
