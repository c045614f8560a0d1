//! Shows: the web console, served by the collector.

#[cfg(target_arch = "wasm32")]
mod app;
