//! The four states of what is fetched: on its way, there, empty, and failed with what to do next.

use leptos::prelude::*;

use super::{Button, Outside};
use crate::api::ApiError;
use crate::load::{Load, State};

/// Shows what is loaded. The content is made once and hears of new answers through its signal, so that focus and
/// scrolling stay where they are.
#[component]
pub(crate) fn Shown<T, V>(
    /// What.
    load: Load<T>,
    /// How.
    children: impl Fn(Signal<T>) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Default + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let value = Memo::new(move |_| load.ready().unwrap_or_default());
    // 0: on its way, 1: there, 2: failed.
    let phase = Memo::new(move |_| match load.state() {
        State::Loading => 0,
        State::Ready(_) => 1,
        State::Failed(_) => 2,
    });
    move || match phase.get() {
        0 => view! {
            <div class="loading" role="status">
                <span class="visually-hidden">"Loading"</span>
                <span class="bone"></span>
                <span class="bone"></span>
                <span class="bone"></span>
            </div>
        }
        .into_any(),
        1 => children(value.into()).into_any(),
        _ => match load.state() {
            State::Failed(error) => view! { <Failure error=error retry=move || load.reload() /> }.into_any(),
            _ => ().into_any(),
        },
    }
}

/// What went wrong, and trying again.
#[component]
pub(crate) fn Failure(error: ApiError, retry: impl Fn() + 'static) -> impl IntoView {
    let advice = match error.status {
        0 => "Is it running, and is the network up? Changes that were not confirmed were not made.",
        403 => "Ask an admin for a role or a scope that includes it.",
        404 => "It may have been removed meanwhile.",
        429 => "Wait a little before trying again.",
        500.. => "The collector's log says more; the request can be repeated.",
        _ => "",
    };
    view! {
        <div class="state state-failed" role="alert">
            <p class="state-what">
                <Outside text=error.message />
            </p>
            <p>{advice}</p>
            <Button label="Try again" on_click=retry />
        </div>
    }
}

/// Nothing there, and what to do so that there is.
#[component]
pub(crate) fn Empty(
    /// What there is none of.
    #[prop(into)]
    what: String,
    /// The next step.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="state">
            <p class="state-what">{what}</p>
            <div>{children()}</div>
        </div>
    }
}
