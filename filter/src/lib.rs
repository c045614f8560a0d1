//! Enforces. The proxy-wasm plugin that decides every outbound request and
//! connection inside Envoy, by the policy in force.
//!
//! One module, several root ids:
//!
//! | root id | filter | decides on |
//! |---|---|---|
//! | `sluice.http` | HTTP | `:authority`, and method and path where they are visible |
//! | `sluice.tcp` | network | the server name (SNI) of the ClientHello |
//!
//! Everything that does not need a proxy around it (configuration, the body of
//! a refusal, names of metrics) also builds natively, for tests and for the
//! command line.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::unreachable,
        clippy::arithmetic_side_effects
    )
)]

#[forbid(unsafe_code)]
pub mod config;
#[forbid(unsafe_code)]
pub mod metrics;
#[forbid(unsafe_code)]
pub mod refusal;

/// Calls into the proxy: the only place with `unsafe`.
#[cfg(target_arch = "wasm32")]
mod host;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod http;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod logging;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod root;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod tcp;
#[cfg(any(target_arch = "wasm32", test))]
#[forbid(unsafe_code)]
mod vm;
