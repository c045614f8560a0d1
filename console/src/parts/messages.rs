//! What was done, and what was not, for eyes and for screen readers.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Outside;
use crate::api::ApiError;
use crate::session::Visitor;

/// How long good news stay, in milliseconds. Bad news stay until they are closed.
const STAYS: u32 = if cfg!(test) { 100 } else { 8_000 };
/// Older ones go when there are more.
const MOST: usize = 5;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Message {
    number: u64,
    text: String,
    is_bad: bool,
}

/// Where parts of the page say something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Messages {
    shown: RwSignal<Vec<Message>>,
    next: StoredValue<u64>,
    /// The regions that are there, the one in front last.
    regions: RwSignal<Vec<u64>>,
    /// Taken here, because what was spawned has no context to take it from.
    visitor: Visitor,
}

impl Messages {
    /// For all below.
    pub(crate) fn provide() -> Self {
        let messages = Self {
            shown: RwSignal::new(Vec::new()),
            next: StoredValue::new(0),
            regions: RwSignal::new(Vec::new()),
            visitor: Visitor::get(),
        };
        provide_context(messages);
        messages
    }

    /// Of the page.
    ///
    /// # Panics
    /// Outside of it.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// Something was done.
    pub(crate) fn say(self, text: impl Into<String>) {
        let number = self.add(text.into(), false);
        spawn_local(async move {
            TimeoutFuture::new(STAYS).await;
            self.close(number);
        });
    }

    /// Something was not done. Who is not signed in any more is asked to.
    pub(crate) fn fail(self, error: &ApiError) {
        if error.is_unauthenticated() {
            self.visitor.left();
        }
        self.add(error.message.clone(), true);
    }

    fn add(self, text: String, is_bad: bool) -> u64 {
        let number = self.number();
        self.shown.update(|shown| {
            shown.push(Message { number, text, is_bad });
            if shown.len() > MOST {
                shown.remove(0);
            }
        });
        number
    }

    /// One that nothing else has.
    fn number(self) -> u64 {
        let number = self.next.try_update_value(|next| {
            *next += 1;
            *next
        });
        number.unwrap_or_default()
    }

    fn close(self, number: u64) {
        let _ = self
            .shown
            .try_update(|shown| shown.retain(|message| message.number != number));
    }
}

/// Where they are shown: the page has one, and so has every dialog, since the page below an open one can be neither
/// clicked nor heard by screen readers. Only that in front shows them.
#[component]
pub(crate) fn MessagesRegion() -> impl IntoView {
    let messages = Messages::get();
    let this = messages.number();
    messages.regions.update(|regions| regions.push(this));
    on_cleanup(move || {
        let _ = messages
            .regions
            .try_update(|regions| regions.retain(|region| *region != this));
    });
    let is_in_front = Memo::new(move |_| messages.regions.with(|regions| regions.last() == Some(&this)));
    let here = move || {
        if is_in_front.get() {
            messages.shown.get()
        } else {
            Vec::new()
        }
    };
    view! {
        <div class="messages" role="status" aria-live="polite">
            <For each=here key=|message| message.number let:message>
                <div class="message" class:message-bad=message.is_bad>
                    <p>
                        <Outside text=message.text />
                    </p>
                    <button
                        type="button"
                        class="button button-quiet"
                        aria-label="Close this message"
                        on:click=move |_| messages.close(message.number)
                    >
                        "✕"
                    </button>
                </div>
            </For>
        </div>
    }
}
