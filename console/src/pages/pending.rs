//! Pending: rejected hosts that wait for a decision, and deciding.

mod asked;
mod choices;
mod desk;
mod domain;
mod feed;
mod list;
mod row;
mod strip;

use leptos::prelude::*;
use leptos_router::components::A;

use crate::linked::linked;
use crate::model::Resource;
use crate::parts::{Choice, Field, Outside};
use asked::Question;
use desk::Desk;
use feed::Feed;
use list::List;
use strip::Strip;

/// Pending.
#[component]
pub(crate) fn Pending() -> impl IntoView {
    let (part, state) = (linked("q", ""), linked("state", "pending"));
    let (kind, id) = (linked("resource_type", ""), linked("resource_id", ""));
    let resource = Memo::new(move |_| {
        let resource = Resource::new(&kind.settled.get(), &id.settled.get());
        (!resource.kind.is_empty() && (resource.is_tenant() || !resource.id.is_empty())).then_some(resource)
    });
    let question = Memo::new(move |_| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", &state.settled.get());
        let part = part.settled.get();
        if !part.trim().is_empty() {
            query.append_pair("q", part.trim());
        }
        if let Some(resource) = resource.get() {
            query.append_pair("resource_type", &resource.kind);
            query.append_pair("resource_id", &resource.id);
        }
        query.finish()
    });
    let feed = Feed::new(question);
    let desk = Desk::provide(feed, state.settled);
    let states = [
        ("pending", "That wait"),
        ("approved", "Allowed"),
        ("blocked", "Blocked"),
        ("dismissed", "Dismissed"),
        ("all", "All"),
    ];
    let states = states.map(|(word, shown)| (word.to_owned(), shown.to_owned())).to_vec();
    view! {
        <h1>"Pending"</h1>
        <Strip desk=desk />
        <div class="bar" role="search">
            <div class="grow">
                <Field label="Search by host" value=part.value kind="search" />
            </div>
            <Choice label="Hosts" value=state.value options=states />
        </div>
        {move || {
            resource
                .get()
                .map(|resource| {
                    view! {
                        <p class="soft">
                            "Only of " <A href=format!("/resources/{}", resource.place())>
                                <Outside text=resource.label() />
                            </A> " · " <A href="/pending">"show those of all resources"</A>
                        </p>
                    }
                })
        }}
        <List desk=desk />
        <Question desk=desk />
    }
}
