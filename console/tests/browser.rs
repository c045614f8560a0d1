//! What only a browser has: a document, and what the framework does with it.
#![cfg(target_arch = "wasm32")]

use leptos::mount::mount_to;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::HtmlElement;

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn what_changes_is_shown() {
    let document = web_sys::window()
        .and_then(|window| window.document())
        .expect("a browser has one");
    let place = document.create_element("div").expect("it is a name");
    let (host, set_host) = signal("api.example.com");
    let mounted = mount_to(place.clone().unchecked_into::<HtmlElement>(), move || {
        view! { <p>{host}</p> }
    });
    assert_eq!(place.inner_html(), "<p>api.example.com</p>");
    set_host.set("new.example.com");
    leptos::task::tick().await;
    assert_eq!(place.inner_html(), "<p>new.example.com</p>");
    drop(mounted);
    assert_eq!(place.inner_html(), "");
}
