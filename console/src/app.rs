//! The whole page.

use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;

/// Starts when the browser has loaded the module.
#[wasm_bindgen(start)]
fn start() {
    mount_to_body(|| view! { <p>"Sluice"</p> });
}
