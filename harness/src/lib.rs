//! Replays: hosts the real Sluice filter without Envoy and puts recorded
//! traffic through it.

pub mod diff;
pub mod engine;
pub mod expect;
pub mod explain;
pub mod few;
pub mod lab;
pub mod progress;
pub mod recording;
pub mod replay;
pub mod spread;
pub mod suggest;

/// The filter, built by `build.rs` from the sources this crate was built with.
pub static FILTER_WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sluice_filter.wasm"));
