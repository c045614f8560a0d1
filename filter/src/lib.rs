//! Enforces. The proxy-wasm plugin that decides every outbound request and
//! connection inside Envoy, by the policy in force.
//!
//! One module, several root ids:
//!
//! | root id | filter | decides on |
//! |---|---|---|
//! | `sluice.http` | HTTP | `:authority`, and method and path where they are visible |
//! | `sluice.tcp` | network | the server name (SNI) of the ClientHello |
//! | `sluice.agent` | bootstrap service | nothing: it asks for policies and sends events |
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
#![cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, unused_imports, reason = "called by what only a proxy can run")
)]

#[forbid(unsafe_code)]
pub mod config;
#[forbid(unsafe_code)]
pub mod metrics;
#[forbid(unsafe_code)]
pub mod refusal;

#[forbid(unsafe_code)]
mod backoff;
#[forbid(unsafe_code)]
mod client_hello;
#[forbid(unsafe_code)]
mod contact;
#[forbid(unsafe_code)]
mod events;
#[forbid(unsafe_code)]
mod ground;
#[forbid(unsafe_code)]
mod header_pairs;
#[forbid(unsafe_code)]
mod places;
#[forbid(unsafe_code)]
mod policies;
#[forbid(unsafe_code)]
mod version;

/// Calls into the proxy, and from it: the only place with `unsafe`.
#[cfg(target_arch = "wasm32")]
mod host;

#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod address;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod dispatch;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod http;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod logging;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod mail;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod root;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod stream;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod tcp;
#[cfg(target_arch = "wasm32")]
#[forbid(unsafe_code)]
mod vm;
