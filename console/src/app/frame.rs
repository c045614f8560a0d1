//! What is around every page: the way between pages, who is signed in, and whether the collector can be heard.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;

use crate::api;
use crate::live::Live;
use crate::load::Load;
use crate::model::Pending;
use crate::parts::{Button, Look, Messages, Outside};
use crate::session::Visitor;
use crate::text::grouped;

/// How many pending hosts are counted; past it "more than" is enough.
const COUNTED: usize = 500;

/// The frame.
#[component]
pub(super) fn Frame(children: Children) -> impl IntoView {
    let (live, visitor, messages) = (Live::get(), Visitor::get(), Messages::get());
    let pending = Load::new(move || {
        live.pending.track();
        async move {
            let rows = api::list::<Pending>(&format!("/egress/pending?limit={COUNTED}")).await?;
            Ok(rows.total.unwrap_or(rows.rows.len() as u64))
        }
    });
    let count = move || pending.ready().filter(|count| *count > 0);
    let sign_out = move || {
        spawn_local(async move {
            if let Err(error) = visitor.sign_out().await {
                messages.fail(&error);
            }
        });
    };
    view! {
        <a class="skip" href="#content">"To the content"</a>
        <header class="top">
            <A href="/" attr:class="brand">
                <span class="brand-mark" aria-hidden="true"></span>
                "Sluice"
            </A>
            <nav class="nav" aria-label="Pages">
                <A href="/" exact=true>"Overview"</A>
                <A href="/pending">
                    "Pending"
                    {move || {
                        count()
                            .map(|count| {
                                view! {
                                    <span class="count">
                                        {grouped(count)} <span class="visually-hidden">" hosts wait"</span>
                                    </span>
                                }
                            })
                    }}
                </A>
                <A href="/audit">"Audit"</A>
            </nav>
            <div class="who">
                <A href="/account" attr:class="who-name">
                    {move || {
                        let session = visitor.session().unwrap_or_default();
                        view! {
                            <Outside text=session.name />
                            <span class="who-role">{session.role}</span>
                        }
                    }}
                </A>
                <Button label="Sign out" on_click=sign_out look=Look::Quiet />
            </div>
        </header>
        <p class="unheard" role="status" class:unheard-now=move || !live.connected.get()>
            {move || {
                (!live.connected.get())
                    .then_some("The collector is not heard; what is shown may be old. Trying again…")
            }}
        </p>
        <main id="content" class="content" tabindex="-1">
            {children()}
        </main>
    }
}
