//! Shows: the web console of Sluice, served by the collector.
//!
//! What has nothing to do with a browser (the API's rows, what is shown of hostile text, the preview of a rule) is
//! compiled everywhere and tested natively; pages and parts only for `wasm32-unknown-unknown`.
#![allow(
    unreachable_pub,
    reason = "the framework's macro writes `pub` on what it makes of a component"
)]

pub mod audit_filter;
pub mod audit_trail;
pub mod audit_words;
pub mod difference;
pub mod draft;
pub mod force;
pub mod listing;
pub mod model;
pub mod narrow;
pub mod plan;
pub mod preview;
pub mod queue;
pub mod span;
pub mod standing;
pub mod targets;
pub mod text;
pub mod ticks;

#[cfg(target_arch = "wasm32")]
mod api;
#[cfg(target_arch = "wasm32")]
mod app;
#[cfg(target_arch = "wasm32")]
mod calm;
#[cfg(target_arch = "wasm32")]
mod clock;
#[cfg(target_arch = "wasm32")]
mod linked;
#[cfg(target_arch = "wasm32")]
mod live;
#[cfg(target_arch = "wasm32")]
mod load;
#[cfg(target_arch = "wasm32")]
mod pages;
#[cfg(target_arch = "wasm32")]
mod parts;
#[cfg(target_arch = "wasm32")]
mod session;
#[cfg(all(test, target_arch = "wasm32"))]
mod stage;

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
