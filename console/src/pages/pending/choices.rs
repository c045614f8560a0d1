//! What else can be decided about a host, unfolded below its row.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::desk::{Allow, Asked, Desk, Reach};
use crate::api;
use crate::clock;
use crate::load::Load;
use crate::model::{Overview, Pending};
use crate::parts::{Button, Look};
use crate::queue::patterns;
use crate::session::Visitor;
use crate::text::visible;

const HOUR: f64 = 3_600.0;

/// The choices. Escape folds them.
#[component]
pub(super) fn Choices(row: Pending, desk: Desk, busy: Signal<bool>, fold: impl Fn() + 'static) -> impl IntoView {
    let visitor = Visitor::get();
    let list = NodeRef::<html::Ul>::new();
    let host = visible(&row.host);
    let state = row.state.clone();
    let domain = patterns(&row).into_iter().next();
    let resource = row.resource.clone();
    let template = Load::new(move || {
        let path = format!("/egress/resources/{}", resource.place());
        async move {
            // Only what it was made from is wanted of it; what is known to nobody was made from nothing.
            let known = api::get::<Overview>(&path).await;
            Ok(known.ok().and_then(|known| known.template))
        }
    });
    let row = StoredValue::new(row);
    let allow = move |how: Allow| desk.allow(row.get_value(), how);
    let until = move |seconds: f64| {
        allow(Allow {
            expires_at: Some(clock::from_now(seconds)),
            ..Allow::default()
        });
    };
    Effect::new(move |_| {
        let first = list
            .get()
            .and_then(|list| list.query_selector("button:enabled").ok().flatten());
        if let Some(first) = first.and_then(|first| first.dyn_into::<web_sys::HtmlElement>().ok()) {
            // A button that is there can be focused.
            let _ = first.focus();
        }
    });
    let made_from = move || template.ready().flatten();
    let for_template = Signal::derive(move || match made_from() {
        Some(template) => format!("Allow for the template {}", visible(&template)),
        None => "Allow for the template".to_owned(),
    });
    view! {
        <ul
            class="choices"
            node_ref=list
            aria-label=format!("More for {host}")
            on:keydown=move |event| {
                if event.key() == "Escape" {
                    event.prevent_default();
                    fold();
                }
            }
        >
            <li>
                <Button label="Allow for 1 hour" on_click=move || until(HOUR) operates=true busy=busy />
            </li>
            <li>
                <Button label="Allow for 1 day" on_click=move || until(24.0 * HOUR) operates=true busy=busy />
            </li>
            <li>
                <Button label="Allow for 1 week" on_click=move || until(168.0 * HOUR) operates=true busy=busy />
            </li>
            <li>
                <Button
                    label="Allow until…"
                    on_click=move || desk.ask(Asked::Until(row.get_value()))
                    operates=true
                    busy=busy
                />
            </li>
            <li>
                <Button
                    label="Allow with warning"
                    on_click=move || {
                        allow(Allow {
                            warn_only: true,
                            ..Allow::default()
                        });
                    }
                    operates=true
                    busy=busy
                />
            </li>
            {domain
                .map(|pattern| {
                    view! {
                        <li>
                            <Button
                                label=format!("Allow the domain {pattern}…")
                                on_click=move || desk.ask(Asked::Domain(row.get_value()))
                                operates=true
                                busy=busy
                            />
                        </li>
                    }
                })}
            <Show when=move || made_from().is_some()>
                <li>
                    <Button
                        label=for_template
                        on_click=move || {
                            if let Some(template) = untrack(made_from) {
                                allow(Allow {
                                    reach: Reach::Template(template),
                                    ..Allow::default()
                                });
                            }
                        }
                        operates=true
                        busy=busy
                    />
                </li>
            </Show>
            <Show when=move || visitor.operates_tenant()>
                <li>
                    <Button
                        label="Allow for the tenant"
                        on_click=move || {
                            allow(Allow {
                                reach: Reach::Tenant,
                                ..Allow::default()
                            });
                        }
                        operates=true
                        busy=busy
                    />
                </li>
            </Show>
            {(state != "blocked")
                .then(|| {
                    view! {
                        <li>
                            <Button
                                label="Block"
                                on_click=move || desk.block(row.get_value())
                                look=Look::Danger
                                operates=true
                                busy=busy
                            />
                        </li>
                    }
                })}
            {(state == "pending")
                .then(|| {
                    view! {
                        <li>
                            <Button
                                label="Dismiss"
                                on_click=move || desk.dismiss(row.get_value())
                                operates=true
                                busy=busy
                            />
                        </li>
                    }
                })}
        </ul>
    }
}
