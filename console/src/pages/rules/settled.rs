//! What somebody types, once they pause.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// The value after it has not changed for so many milliseconds.
pub(super) fn settled<T>(source: Memo<T>, millis: u32) -> RwSignal<T>
where
    T: Clone + PartialEq + Send + Sync + 'static,
{
    let settled = RwSignal::new(source.get_untracked());
    let latest = StoredValue::new(0_u64);
    Effect::new(move |before: Option<()>| {
        let value = source.get();
        if before.is_none() {
            return;
        }
        let number = latest.get_value() + 1;
        latest.set_value(number);
        spawn_local(async move {
            TimeoutFuture::new(millis).await;
            if latest.try_get_value() == Some(number) {
                let _ = settled.try_set(value);
            }
        });
    });
    settled
}
