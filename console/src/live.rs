//! What changes in the collector, as it happens, so that no page needs a reload.

use futures_util::StreamExt;
use gloo_net::eventsource::State as SourceState;
use gloo_net::eventsource::futures::EventSource;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use crate::api;
use crate::session::Visitor;

/// How long is waited before it is tried again, in milliseconds.
const RETRY: u32 = 2_000;

/// Counters that rise when something changed. Reading one in a question makes it be asked again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Live {
    /// Decisions were stored.
    pub(crate) audit: RwSignal<u64>,
    /// The pending queue.
    pub(crate) pending: RwSignal<u64>,
    /// Policies.
    pub(crate) policy: RwSignal<u64>,
    /// What proxies have.
    pub(crate) proxies: RwSignal<u64>,
    /// Whether the collector can be heard.
    pub(crate) connected: RwSignal<bool>,
}

#[derive(Deserialize)]
struct Change {
    kind: String,
}

impl Live {
    /// Listens, for all below, while the page is looked at: a browser keeps only a few connections to one server,
    /// and pages in the background would take them all.
    pub(crate) fn provide() -> Self {
        let live = Self {
            audit: RwSignal::new(0),
            pending: RwSignal::new(0),
            policy: RwSignal::new(0),
            proxies: RwSignal::new(0),
            connected: RwSignal::new(true),
        };
        provide_context(live);
        let run = StoredValue::new(0_u64);
        live.listen(run);
        let document = document();
        let looked_at = Closure::<dyn FnMut()>::new(move || {
            if self::document().hidden() {
                run.try_update_value(|run| *run += 1);
            } else {
                live.listen(run);
            }
        });
        let callback = looked_at.as_ref().unchecked_ref::<js_sys::Function>().clone();
        // Without it the page would go stale in the background only.
        let _ = document.add_event_listener_with_callback("visibilitychange", &callback);
        let looked_at = StoredValue::new_local(Some(looked_at));
        on_cleanup(move || {
            let _ = self::document().remove_event_listener_with_callback("visibilitychange", &callback);
            looked_at.update_value(|closure| drop(closure.take()));
        });
        live
    }

    /// Of the page.
    ///
    /// # Panics
    /// Outside of it.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// Listens until there is a later listener.
    fn listen(self, run: StoredValue<u64>) {
        let Some(number) = run.try_update_value(|run| {
            *run += 1;
            *run
        }) else {
            return;
        };
        let visitor = Visitor::get();
        spawn_local(async move {
            while run.try_get_value() == Some(number) {
                self.hear(run, number).await;
                if run.try_get_value() != Some(number) {
                    return;
                }
                let _ = self.connected.try_set(false);
                // If it is the session that ended, this tells.
                visitor.ask_quietly();
                TimeoutFuture::new(RETRY).await;
            }
        });
    }

    /// Hears one stream to its end.
    async fn hear(self, run: StoredValue<u64>, number: u64) {
        let Ok(mut source) = EventSource::new(&api::url("/egress/changes")) else {
            return;
        };
        let Ok(mut changes) = source.subscribe("change") else {
            return;
        };
        while let Some(Ok((_, event))) = changes.next().await {
            if run.try_get_value() != Some(number) || source.state() == SourceState::Closed {
                break;
            }
            let _ = self.connected.try_set(true);
            let change = event.data().as_string();
            let change = change.and_then(|text| serde_json::from_str::<Change>(&text).ok());
            self.tell(change.as_ref().map_or("everything", |change| change.kind.as_str()));
        }
        source.close();
    }

    fn tell(self, kind: &str) {
        let all = [
            ("audit", self.audit),
            ("pending", self.pending),
            ("policy", self.policy),
            ("proxies", self.proxies),
        ];
        for (name, counter) in all {
            if kind == name || kind == "everything" {
                let _ = counter.try_update(|counter| *counter += 1);
            }
        }
    }
}
