//! What a link to a page keeps: filters, windows and orders, in the address's query.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::query_signal_with_options;

/// How long nothing is typed before the address follows, in milliseconds.
const PAUSE: u32 = 250;

/// A word that the address keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Linked {
    /// For a field: what is in it.
    pub(crate) value: RwSignal<String>,
    /// For questions: what the address says, which follows the field when nothing more is typed.
    pub(crate) settled: Memo<String>,
}

/// A word of the query by its name. What equals `usual` is not in the address.
pub(crate) fn linked(name: &'static str, usual: &'static str) -> Linked {
    let options = NavigateOptions {
        replace: true,
        scroll: false,
        ..NavigateOptions::default()
    };
    let (told, tell) = query_signal_with_options::<String>(name, options);
    let settled = Memo::new(move |_| told.get().unwrap_or_else(|| usual.to_owned()));
    let value = RwSignal::new(settled.get_untracked());
    // The last that went from the field to the address: when it comes back, the field may be further.
    let written = StoredValue::new(settled.get_untracked());
    Effect::new(move |before: Option<()>| {
        let now = settled.get();
        if before.is_some() && written.with_value(|written| *written != now) {
            written.set_value(now.clone());
            value.set(now);
        }
    });
    Effect::new(move |before: Option<()>| {
        let now = value.get();
        if before.is_none() || written.with_value(|written| *written == now) {
            return;
        }
        spawn_local(async move {
            TimeoutFuture::new(PAUSE).await;
            if value.try_get_untracked().as_ref() != Some(&now) {
                return;
            }
            written.set_value(now.clone());
            tell.set((now != usual).then_some(now));
        });
    });
    Linked { value, settled }
}
