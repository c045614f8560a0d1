//! Proves: what the end-to-end tests share. Real Envoy, real curl, upstreams and names on loopback only.
//!
//! A test starts a [`world::World`] (names, upstreams, certificates), an
//! [`envoy::Envoy`] from a shipped configuration, sends requests with
//! [`curl::Curl`] or byte by byte with [`raw`], and looks at three independent
//! witnesses: what the client got, what Envoy logged, what the upstream saw.

pub mod browser;
pub mod built;
pub mod collector;
pub mod contract;
pub mod curl;
pub mod demo;
pub mod dns;
pub mod envoy;
pub mod events;
pub mod greeter;
pub mod load;
pub mod otlp;
pub mod playbook;
pub mod policy_v1;
mod port;
pub mod postgres;
pub mod probe;
pub mod raw;
pub mod rotel;
pub mod sending;
pub mod serve;
pub mod sluice;
pub mod table;
pub mod upstream;
pub mod wait;
pub mod watching;
pub mod world;

use std::sync::LazyLock;

/// What the loopback servers of one test process run on.
pub(crate) static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a process can start two threads")
});
