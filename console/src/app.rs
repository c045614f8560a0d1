//! The whole page: who looks at it, what is around every page, and which page it is.

mod frame;
mod workload;

use leptos::mount::mount_to_body;
use leptos::prelude::*;
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::path;

use crate::live::Live;
use crate::pages::{Account, Audit, History, Network, NotFound, Overview, Pending, Rules, SignIn};
use crate::parts::{Failure, Messages, MessagesRegion};
use crate::session::{Known, Visitor};

pub(crate) use workload::Workload;

/// Starts when the browser has loaded the module.
#[cfg_attr(not(test), wasm_bindgen::prelude::wasm_bindgen(start))]
#[cfg_attr(test, expect(dead_code, reason = "tests show what they test and nothing else"))]
fn start() {
    if let Some(boot) = document().get_element_by_id("boot") {
        boot.remove();
    }
    mount_to_body(App);
}

/// Sign-in, or everything else.
#[component]
fn App() -> impl IntoView {
    let visitor = Visitor::provide();
    Messages::provide();
    // 0: asking, 1: nobody, 2: somebody, 3: failed. The pages stay while a session is only told more about.
    let phase = Memo::new(move |_| match visitor.known() {
        Known::Asking => 0,
        Known::Nobody => 1,
        Known::Somebody(_) => 2,
        Known::Failed(_) => 3,
    });
    view! {
        {move || match phase.get() {
            0 => view! { <p class="boot" role="status">"Loading the console…"</p> }.into_any(),
            1 => view! { <SignIn /> }.into_any(),
            2 => view! { <Pages /> }.into_any(),
            _ => match visitor.known() {
                Known::Failed(error) => {
                    view! {
                        <main class="alone">
                            <h1>"Sluice"</h1>
                            <Failure error=error retry=move || visitor.ask() />
                        </main>
                    }
                        .into_any()
                }
                _ => ().into_any(),
            },
        }}
        <MessagesRegion />
    }
}

/// The pages of who is signed in.
#[component]
fn Pages() -> impl IntoView {
    Live::provide();
    view! {
        <Router>
            <frame::Frame>
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=Overview />
                    <Route path=path!("/pending") view=Pending />
                    <Route path=path!("/audit") view=Audit />
                    <Route path=path!("/account") view=Account />
                    <ParentRoute path=path!("/resources/:type/:id") view=workload::Frame>
                        <Route path=path!("") view=Network />
                        <Route path=path!("rules") view=Rules />
                        <Route path=path!("history") view=History />
                    </ParentRoute>
                </Routes>
            </frame::Frame>
        </Router>
    }
}
