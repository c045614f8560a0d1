//! A rule in a few lines.

use leptos::prelude::*;

use super::time::End;
use crate::model::Rule;
use crate::parts::{Outside, Tag};

/// What a rule says.
#[component]
pub(super) fn Facts(rule: Rule) -> impl IntoView {
    let Rule {
        id,
        name,
        host,
        effect,
        methods,
        path_glob,
        ports,
        warn_only,
        resolves_to,
        terminated_only,
        note,
        warnings,
        ..
    } = rule.clone();
    let tone = if effect == "allow" { "good" } else { "bad" };
    let ports = ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let fact = |what: &'static str, text: String| {
        (!text.is_empty()).then(|| {
            view! {
                <span>
                    <span class="rule-what">{what}</span>
                    " "
                    <Outside text=text />
                </span>
            }
        })
    };
    let shows_name = name != host;
    view! {
        <p class="rule-host">
            <Tag text=effect tone=tone />
            {warn_only.then(|| view! { <Tag text="warn only" tone="warn" /> })}
            <code>
                <Outside text=host />
            </code>
        </p>
        <p class="rule-facts">
            {fact("ports", ports)} {fact("methods", methods.join(", "))} {fact("path", path_glob.unwrap_or_default())}
            {fact("may lead to", resolves_to.join(", "))}
            {terminated_only.then_some("requests in clear only")} <End rule=rule />
            {fact("name", if shows_name { name } else { String::new() })} {fact("id", id)}
        </p>
        {note
            .filter(|note| !note.is_empty())
            .map(|note| {
                view! {
                    <p class="rule-note">
                        <Outside text=note />
                    </p>
                }
            })}
        {warnings
            .into_iter()
            .map(|warning| {
                view! {
                    <p class="rule-warning">
                        <Outside text=warning />
                    </p>
                }
            })
            .collect_view()}
    }
}
