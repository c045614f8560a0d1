//! All that is known of a suggestion.

use leptos::prelude::*;
use leptos_router::components::A;

use super::row::named;
use crate::clock::Style;
use crate::model::{Resource, Suggestion};
use crate::parts::{Moment, Outside};
use crate::text::counted;

/// How many members are shown.
const MEMBERS: usize = 200;

/// What is there when a row is unfolded. It scrolls, because its height is fixed.
#[component]
pub(super) fn Details(resource: Resource, suggestion: Suggestion) -> impl IntoView {
    let name = named(&suggestion);
    let audit = audit(&resource, &suggestion);
    let Suggestion {
        methods,
        path_glob,
        first_seen,
        last_seen,
        days_active,
        reason,
        members,
        companions,
        resolves_to,
        seen_in,
        listed,
        pattern,
        ..
    } = suggestion;
    let members = if pattern.is_some() || members.len() > 1 {
        members
    } else {
        Vec::new()
    };
    let count = members.len();
    let more = count.saturating_sub(MEMBERS);
    let stands_for = (count > 0).then(|| {
        view! {
            <dt>{format!("Stands for {}", counted(count as u64, "host", "hosts"))}</dt>
            <dd>
                {names(members.into_iter().take(MEMBERS).collect())}
                {(more > 0).then(|| format!(" and {} more", counted(more as u64, "host", "hosts")))}
            </dd>
        }
    });
    let texts = [
        ("Usually comes with it, not seen", companions),
        ("Methods", methods),
        ("Path", path_glob.into_iter().collect()),
        ("Leads to", resolves_to),
        ("Listed by rule", listed.into_iter().collect()),
    ];
    let texts = texts.into_iter().filter(|(_, texts)| !texts.is_empty());
    let texts = texts.map(|(what, texts)| view! { <dt>{what}</dt><dd>{names(texts)}</dd> });
    let moment = |at: Option<String>| at.map(|at| view! { <Moment at=at style=Style::Full /> });
    view! {
        <dl class="facts" tabindex="0" role="group" aria-label="Details">
            <dt>"Name"</dt>
            <dd>
                <span class="mono">
                    <Outside text=name />
                </span>
                " "
                {audit.map(|audit| view! { <A href=audit>"its decisions in the audit"</A> })}
            </dd>
            <dt>"Why"</dt>
            <dd>
                <Outside text=reason />
            </dd>
            {stands_for}
            {texts.collect_view()}
            <dt>"Seen"</dt>
            <dd>
                {moment(first_seen)} " to " {moment(last_seen)} ", on "
                {counted(days_active, "day", "days")} ", in " {counted(seen_in, "resource", "resources")}
            </dd>
        </dl>
    }
}

fn names(texts: Vec<String>) -> impl IntoView {
    let texts = texts.into_iter().map(|text| {
        view! {
            <li class="mono">
                <Outside text=text />
            </li>
        }
    });
    view! { <ul class="names">{texts.collect_view()}</ul> }
}

/// Where the decisions about a host are shown.
fn audit(resource: &Resource, suggestion: &Suggestion) -> Option<String> {
    let host = suggestion.host.as_deref().filter(|_| suggestion.pattern.is_none())?;
    let host: String = form_urlencoded::byte_serialize(host.as_bytes()).collect();
    Some(format!("/audit?{}&host={host}", resource.query()))
}
