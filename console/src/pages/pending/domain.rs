//! Allowing a domain: the pattern, whom it takes, and what the collector thinks of it.

use leptos::prelude::*;
use serde_json::json;

use super::asked::busy;
use super::desk::{Allow, Desk};
use crate::api;
use crate::load::Load;
use crate::model::{Finding, Pending};
use crate::parts::{Button, Choice, Look, Outside};
use crate::queue::{patterns, taken};
use crate::text::counted;

/// How many hosts are named.
const NAMED: usize = 12;

/// The question.
#[component]
pub(super) fn Domain(row: Pending, desk: Desk) -> impl IntoView {
    let busy = busy(desk, &row);
    let patterns = patterns(&row);
    let pattern = RwSignal::new(patterns.first().cloned().unwrap_or_default());
    let options = patterns
        .iter()
        .map(|pattern| (pattern.clone(), pattern.clone()))
        .collect();
    let several = patterns.len() > 1;
    let resource = row.resource.clone();
    let taken = Memo::new(move |_| {
        let pattern = pattern.get();
        desk.feed.queue.with(|queue| {
            let waiting = queue
                .shown()
                .filter(|other| other.resource == resource && other.state == "pending" && !other.overflow);
            let hosts = taken(&pattern, waiting.map(|other| other.host.as_str()));
            hosts.into_iter().map(str::to_owned).collect::<Vec<_>>()
        })
    });
    // The list of suffixes below which anybody may register a name is the collector's.
    let findings = Load::new(move || {
        let rule = json!({"id": "candidate", "effect": "allow", "host": pattern.get()});
        let policy = json!({"mode": "enforce", "default_effect": "deny", "rules": [rule]});
        async move { api::ask::<Finding>("/egress/lint", &json!({"policy": policy})).await }
    });
    let errors = move || {
        let findings = findings.ready().unwrap_or_default();
        findings
            .into_iter()
            .filter(|finding| finding.severity == "error")
            .collect::<Vec<_>>()
    };
    let refused = Signal::derive(move || !errors().is_empty());
    let go = move || {
        let how = Allow {
            pattern: Some(pattern.get_untracked()),
            ..Allow::default()
        };
        desk.allow(row.clone(), how);
    };
    view! {
        {if several {
            view! { <Choice label="Everything below" value=pattern options=options /> }.into_any()
        } else {
            ().into_any()
        }}
        <p>
            "The rule allows " <strong class="mono">{move || view! { <Outside text=pattern.get() /> }}</strong>
            ": every name below, at any depth, and not the domain itself."
        </p>
        <p>
            {move || {
                taken
                    .with(|hosts| {
                        format!("It takes {} from the queue of this resource:", counted(hosts.len() as u64, "host", "hosts"))
                    })
            }}
        </p>
        <ul class="taken mono">
            {move || {
                taken
                    .with(|hosts| {
                        hosts
                            .iter()
                            .take(NAMED)
                            .map(|host| view! { <li><Outside text=host.clone() /></li> })
                            .collect_view()
                    })
            }}
            {move || {
                let more = taken.with(Vec::len).saturating_sub(NAMED) as u64;
                (more > 0).then(|| view! { <li>{format!("and {}", counted(more, "more", "more"))}</li> })
            }}
        </ul>
        <div role="status">
            {move || {
                errors()
                    .into_iter()
                    .map(|finding| {
                        view! {
                            <p class="wrong">
                                "Refused: " <Outside text=finding.message />
                            </p>
                        }
                    })
                    .collect_view()
            }}
        </div>
        <p class="actions">
            <Button
                label="Allow the domain"
                on_click=go
                look=Look::Primary
                operates=true
                busy=busy
                disabled=refused
            />
            <Button label="Cancel" on_click=move || desk.asking.set(false) />
        </p>
    }
}
