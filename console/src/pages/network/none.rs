//! Nothing to show, and what to do so that there is.

use leptos::prelude::*;
use leptos_router::components::A;

use super::looking::Looking;
use crate::model::Resource;
use crate::narrow::Narrow;
use crate::parts::{Button, Empty, Look, Outside};
use crate::session::Visitor;

/// What sends a shell through the proxy that `make run` starts.
const THROUGH: &str = "export https_proxy=http://127.0.0.1:3128 http_proxy=$https_proxy\ncurl https://example.com/";

/// Nothing found, or nothing there.
#[component]
pub(super) fn Nothing(looking: Looking) -> impl IntoView {
    move || {
        if looking.narrow.with(Narrow::is_filtered) {
            return view! {
                <Empty what="Nothing in this window is like that">
                    <Button
                        label="Show all of it"
                        on_click=move || looking.go(&looking.narrow.get_untracked().whole())
                    />
                </Empty>
            }
            .into_any();
        }
        let longer: Vec<_> = looking.narrow.with(|narrow| narrow.longer().collect());
        let longer = longer.into_iter().map(move |(since, name)| {
            let go = move || {
                let narrow = looking.narrow.get_untracked();
                looking.go(&Narrow {
                    since: since.to_owned(),
                    ..narrow
                });
            };
            view! { <Button label=format!("Look at {name}") on_click=go /> }
        });
        let window = looking.narrow.with(Narrow::window);
        view! {
            <Empty what=format!("No traffic in {window}")>
                <p>"Send a shell through the proxy; what it talks to shows up here by itself:"</p>
                <pre class="command">
                    <code>{THROUGH}</code>
                </pre>
                <p>
                    "3128 is the port of the proxy that " <code>"make run"</code> " starts. It prints these lines for "
                    <code>"sandbox/local"</code> "; for another resource it is " <code>"make run RESOURCE=" <Outside text=looking.resource().label() /></code> "."
                </p>
                <p class="actions network-longer">{longer.collect_view()}</p>
            </Empty>
        }
        .into_any()
    }
}

/// What has no traffic of its own: the tenant, and templates.
#[component]
pub(super) fn NoTraffic(looking: Looking) -> impl IntoView {
    let resource = looking.resource();
    let rules = format!("/resources/{}/rules", resource.place());
    if resource.is_tenant() {
        return view! {
            <Empty what="The tenant has no traffic of its own">
                <p>
                    "Its rules hold for every resource. Review what a resource talked to on its own page, from the "
                    <A href="/">"overview"</A> "; keep what holds for all of them in the tenant's "
                    <A href=rules>"rules"</A> "."
                </p>
                <p>"Locking down the tenant locks every resource that has no policy of its own."</p>
                <LockDown looking=looking />
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty what="A template has no traffic of its own">
            <p>
                "What is made from it begins with a copy of its " <A href=rules>"rules"</A>
                ". Review what such a resource talked to on its own page, from the " <A href=of(&resource)>"overview"</A> "."
            </p>
            <p>"Locking down the template locks what is made from it later, from its first request on."</p>
            <LockDown looking=looking />
        </Empty>
    }
    .into_any()
}

/// The overview; it can be searched.
fn of(template: &Resource) -> String {
    let id: String = form_urlencoded::byte_serialize(template.id.as_bytes()).collect();
    format!("/?q={id}")
}

#[component]
fn LockDown(looking: Looking) -> impl IntoView {
    let visitor = Visitor::get();
    let barred = Signal::derive(move || looking.resource().is_tenant() && !visitor.operates_tenant());
    view! {
        <p class="actions network-longer">
            <Button
                label="Lock down…"
                look=Look::Primary
                operates=true
                disabled=barred
                on_click=move || looking.lock_down()
            />
        </p>
    }
}
