//! What is asked before a decision.

use leptos::prelude::*;

use super::desk::{Allow, Asked, Desk};
use super::domain::Domain;
use crate::clock;
use crate::model::Pending;
use crate::parts::{Button, Dialog, Field, Look, Outside};

/// The sheet with the question.
#[component]
pub(super) fn Question(desk: Desk) -> impl IntoView {
    let title = Signal::derive(move || match desk.asked.get() {
        Some(Asked::Shadowed(..)) => "A deny rule beats it",
        Some(Asked::Inside(..)) => "It led to private addresses",
        Some(Asked::Until(_)) => "Allow until",
        Some(Asked::Domain(_)) => "Allow the domain",
        None => "",
    });
    let title = Signal::derive(move || title.get().to_owned());
    view! {
        <Dialog open=desk.asking title=title>
            {move || {
                desk.asked
                    .get()
                    .map(|asked| match asked {
                        Asked::Shadowed(row, allow, rule) => shadowed(desk, row, allow, rule).into_any(),
                        Asked::Inside(row, allow) => inside(desk, row, allow).into_any(),
                        Asked::Until(row) => view! { <Until row=row desk=desk /> }.into_any(),
                        Asked::Domain(row) => view! { <Domain row=row desk=desk /> }.into_any(),
                    })
            }}
            <div role="alert">
                {move || {
                    desk.wrong
                        .get()
                        .map(|said| {
                            view! {
                                <p class="wrong">
                                    <Outside text=said />
                                </p>
                            }
                        })
                }}
            </div>
        </Dialog>
    }
}

/// Whether the decision of a row is on its way.
pub(super) fn busy(desk: Desk, row: &Pending) -> Signal<bool> {
    let id = row.id.clone();
    Signal::derive(move || desk.busy.with(|busy| busy.contains(&id)))
}

fn shadowed(desk: Desk, row: Pending, allow: Allow, [rule, host, scope]: [String; 3]) -> impl IntoView {
    let busy = busy(desk, &row);
    let asked_for = row.host.clone();
    let forced = Allow { force: true, ..allow };
    let force = move || desk.allow(row.clone(), forced.clone());
    let whose = match scope.as_str() {
        "tenant" => " of the tenant",
        "resource" => " of the resource",
        _ => "",
    };
    view! {
        <p>
            "Rule " <strong class="mono"><Outside text=rule /></strong> {whose} " denies "
            <span class="mono"><Outside text=host /></span> ". A deny beats every allow, so that "
            <span class="mono"><Outside text=asked_for /></span>
            " stays rejected as long as that rule is there. Change that rule, or add the allow for the day it is gone."
        </p>
        <p class="actions">
            <Button label="Allow all the same" on_click=force look=Look::Danger operates=true busy=busy />
            <Button label="Cancel" on_click=move || desk.asking.set(false) look=Look::Primary />
        </p>
    }
}

fn inside(desk: Desk, row: Pending, allow: Allow) -> impl IntoView {
    let busy = busy(desk, &row);
    let host = row.host.clone();
    let peer = row.example["peer"].as_str().map(str::to_owned);
    let agreed = Allow { inside: true, ..allow };
    let go = move || desk.allow(row.clone(), agreed.clone());
    view! {
        <p>
            <span class="mono"><Outside text=host /></span>
            " was rejected for where it led"
            {peer.map(|peer| view! { ": " <span class="mono"><Outside text=peer /></span> })}
            ". Allowing it also permits the private addresses that it led to: whoever answers for this name decides what inside your network is reached by it."
        </p>
        <p class="actions">
            <Button label="Allow, with these addresses" on_click=go look=Look::Primary operates=true busy=busy />
            <Button label="Cancel" on_click=move || desk.asking.set(false) />
        </p>
    }
}

#[component]
fn Until(row: Pending, desk: Desk) -> impl IntoView {
    let busy = busy(desk, &row);
    let host = row.host.clone();
    let at = RwSignal::new(clock::to_input(&clock::from_now(86_400.0)));
    let wrong = Signal::derive(move || {
        let past = clock::of_input(&at.get()).is_none_or(|at| at <= clock::from_now(0.0));
        past.then(|| "A moment that is still to come".to_owned())
    });
    let go = move || {
        let Some(expires_at) = clock::of_input(&at.get_untracked()) else {
            return;
        };
        let how = Allow {
            expires_at: Some(expires_at),
            ..Allow::default()
        };
        desk.allow(row.clone(), how);
    };
    view! {
        <p>
            "After that moment " <span class="mono"><Outside text=host /></span>
            " is rejected again, and waits here again."
        </p>
        <Field label="Until, in your time zone" value=at kind="datetime-local" error=wrong />
        <p class="actions">
            <Button
                label="Allow until then"
                on_click=go
                look=Look::Primary
                operates=true
                busy=busy
                disabled=Signal::derive(move || wrong.get().is_some())
            />
            <Button label="Cancel" on_click=move || desk.asking.set(false) />
        </p>
    }
}
