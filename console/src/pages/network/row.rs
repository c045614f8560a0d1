//! One suggestion, in a row whose height is fixed.

use leptos::prelude::*;

use super::details::Details;
use super::looking::Looking;
use super::summary::tone;
use crate::app::Workload;
use crate::clock::{self, Style};
use crate::model::Suggestion;
use crate::narrow::class_name;
use crate::parts::{Outside, Tag};
use crate::text::{counted, shortened, visible};
use crate::ticks::Ticks;

/// How many characters of a name are shown; all of it is in the details.
const NAME: usize = 60;
/// How many ports are shown.
const PORTS: usize = 4;

/// The row.
#[component]
pub(super) fn Row(
    looking: Looking,
    suggestion: Suggestion,
    index: usize,
    unfolded: RwSignal<Option<usize>>,
) -> impl IntoView {
    let is_open = Memo::new(move |_| unfolded.get() == Some(index));
    let subject = named(&suggestion);
    let shown = visible(&subject);
    let id = format!("destination-{index}");
    let (controls, name) = (id.clone(), shown.clone());
    let (last, first) = (suggestion.last_seen.clone(), suggestion.first_seen.clone());
    let denied = (suggestion.denied_count > 0)
        .then(|| view! { <span class="wrong">{counted(suggestion.denied_count, "rejected", "rejected")}</span> });
    let workload = Workload::get();
    let listed = suggestion.listed.clone().map(|rule| {
        let title = visible(&rule);
        view! {
            <span class="destination-listed" title=title>
                "listed by " {move || view! { <Outside text=workload.named(&rule) /> }}
            </span>
        }
    });
    let reason = visible(&suggestion.reason);
    let stored = StoredValue::new(suggestion.clone());
    view! {
        <div class="destination" class:destination-open=move || is_open.get()>
            <div class="destination-tick">
                <Tick looking=looking suggestion=suggestion.clone() name=shown.clone() />
            </div>
            <div class="destination-what">
                <p class="destination-name" title=shown>
                    <span class="mono">
                        <Outside text=shortened(&subject, NAME) />
                    </span>
                    <span class="destination-ports">{ports(&suggestion.ports)}</span>
                </p>
                <p class="destination-why" title=reason>
                    <Tag text=suggestion.recommendation.clone() tone=tone(&suggestion.recommendation) />
                    " "
                    <Outside text=suggestion.reason.clone() />
                </p>
            </div>
            <p class="destination-count">
                <span>{counted(suggestion.request_count, "request", "requests")}</span>
                {denied}
            </p>
            <p class="destination-seen">
                {last.map(|at| seen("last", &at))} {first.map(|at| seen("first", &at))}
            </p>
            <p class="destination-class">
                <span>{visible(class_name(&suggestion.class))}</span>
                {listed}
            </p>
            <button
                type="button"
                class="button button-quiet destination-more"
                aria-expanded=move || is_open.get().to_string()
                aria-controls=controls
                aria-label=move || format!("{} of {name}", if is_open.get() { "Fewer details" } else { "Details" })
                on:click=move |_| unfolded.set((!is_open.get_untracked()).then_some(index))
            >
                {move || if is_open.get() { "▴" } else { "▾" }}
            </button>
            <div id=id class="destination-details">
                <Show when=move || is_open.get()>
                    <Details resource=looking.resource() suggestion=stored.get_value() />
                </Show>
            </div>
        </div>
    }
}

/// Whether it goes into the list; a mark where there is nothing to decide.
#[component]
fn Tick(looking: Looking, suggestion: Suggestion, name: String) -> impl IntoView {
    if !Ticks::is_open(&suggestion) {
        let (mark, why) = match suggestion.listed {
            Some(_) => ("✓", "It is in the list already"),
            None => ("–", "No rule can name these"),
        };
        return view! {
            <span class="destination-mark" title=why>
                <span aria-hidden="true">{mark}</span>
                <span class="visually-hidden">{why}</span>
            </span>
        }
        .into_any();
    }
    let label = match suggestion.recommendation.as_str() {
        "deny" => format!("Deny {name}"),
        _ => format!("Allow {name}"),
    };
    let suggestion = StoredValue::new(suggestion);
    let ticked = move || suggestion.with_value(|suggestion| looking.ticks.with(|ticks| ticks.has(suggestion)));
    view! {
        <label class="destination-label">
            <input
                type="checkbox"
                aria-label=label
                prop:checked=ticked
                on:change=move |event| {
                    let ticked = event_target_checked(&event);
                    suggestion.with_value(|suggestion| looking.tick(suggestion, ticked));
                }
            />
        </label>
    }
    .into_any()
}

/// What a rule for it names.
pub(super) fn named(suggestion: &Suggestion) -> String {
    match suggestion.subject() {
        "" => "hosts without a domain in common".to_owned(),
        subject => subject.to_owned(),
    }
}

/// `:443`, `:443 :8443`, `:1 :2 :3 :4 and 5 more`.
fn ports(ports: &[u16]) -> String {
    let mut text: Vec<String> = ports.iter().take(PORTS).map(|port| format!(":{port}")).collect();
    if ports.len() > PORTS {
        text.push(format!("and {} more", ports.len() - PORTS));
    }
    text.join(" ")
}

fn seen(which: &'static str, at: &str) -> impl IntoView + use<> {
    let title = clock::local(at, Style::Full);
    view! {
        <span title=title>{format!("{which} {}", clock::ago(at))}</span>
    }
}
