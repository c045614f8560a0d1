//! The rules of one resource: its own, those of the tenant, what becomes of all else, and trying a host.

mod default;
mod desk;
mod editor;
mod explain;
mod facts;
mod host;
mod judged;
mod lint;
mod list;
mod removal;
mod settled;
mod time;

use leptos::prelude::*;
use leptos_router::components::A;

use crate::parts::{Button, Empty, Look, Outside, Shown};
use desk::{Desk, Editing};
pub(in crate::pages) use lint::Line;

/// Rules.
#[component]
pub(crate) fn Rules() -> impl IntoView {
    let desk = Desk::of_page();
    let own = desk.workload.policy;
    view! {
        <section>
            <div class="rules-head">
                <h2>"Rules"</h2>
                <Button
                    label="Add a rule"
                    on_click=move || desk.edit(Editing::New)
                    look=Look::Primary
                    operates=true
                    disabled=desk.barred
                />
            </div>
            <Warnings desk=desk />
            <Shown
                load=own
                children=move |policy| {
                    view! {
                        <default::DefaultEffect desk=desk policy=policy />
                        <Own desk=desk />
                    }
                }
            />
        </section>
        <Show when=move || !desk.is_tenant()>
            <Inherited desk=desk />
        </Show>
        <explain::TryHost desk=desk />
        <editor::EditorDialog desk=desk />
        <removal::RemovalDialog desk=desk />
    }
}

/// What the collector said about the last change, until somebody closes it.
#[component]
fn Warnings(desk: Desk) -> impl IntoView {
    move || {
        let warnings = desk.warnings.get();
        (!warnings.is_empty()).then(|| {
            let lines = warnings
                .into_iter()
                .map(|warning| {
                    view! {
                        <li>
                            <Outside text=warning />
                        </li>
                    }
                })
                .collect_view();
            view! {
                <div class="panel rules-warnings" role="status">
                    <p>"The change was made. The collector says about it:"</p>
                    <ul>{lines}</ul>
                    <Button label="Close" on_click=move || desk.warnings.set(Vec::new()) />
                </div>
            }
        })
    }
}

/// The rules of the resource itself.
#[component]
fn Own(desk: Desk) -> impl IntoView {
    let rules = Memo::new(move |_| desk.own().map(|policy| policy.rules).unwrap_or_default());
    let is_empty = Memo::new(move |_| rules.with(Vec::is_empty));
    let network = move || format!("/resources/{}", desk.workload.resource.get().place());
    move || {
        if is_empty.get() {
            let next = if desk.is_tenant() {
                view! {
                    <p>
                        "Rules of the tenant hold for every resource: denies as guardrails, allows for what all of them may reach."
                    </p>
                }
                .into_any()
            } else {
                view! {
                    <p>
                        <A href=network>"Review on the Network page what it talks to"</A>
                        " and lock down: that writes the list. Or add a rule here."
                    </p>
                }
                .into_any()
            };
            view! { <Empty what="No rule yet">{next}</Empty> }.into_any()
        } else {
            view! { <list::RuleList desk=desk rules=rules /> }.into_any()
        }
    }
}

/// What holds here because it holds everywhere.
#[component]
fn Inherited(desk: Desk) -> impl IntoView {
    let rules = move |policy: Signal<Option<crate::model::Policy>>| {
        Memo::new(move |_| policy.get().map(|policy| policy.rules).unwrap_or_default())
    };
    view! {
        <section>
            <h2>"Inherited from the tenant"</h2>
            <p class="hint">
                "They hold for every resource, and a deny here beats every allow above. "
                <A href="/resources/tenant/-/rules">"Rules of the tenant"</A>
            </p>
            <Shown
                load=desk.tenant
                children=move |policy| {
                    let rules = rules(policy);
                    move || {
                        if rules.with(Vec::is_empty) {
                            view! { <p>"The tenant has no rules."</p> }.into_any()
                        } else {
                            view! { <list::Plain rules=rules /> }.into_any()
                        }
                    }
                }
            />
        </section>
    }
}
