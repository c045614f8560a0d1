//! Changes that come in swarms, heard one at a time.

use gloo_timers::future::TimeoutFuture;
use js_sys::Date;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Rises when a signal changes that `changes` reads: at once if it was quiet, and never more often than every
/// `pause` milliseconds. The last of many is never lost.
pub(crate) fn calm(changes: impl Fn() + 'static, pause: u32) -> ReadSignal<u64> {
    let (heard, tell) = signal(0_u64);
    let (waits, last) = (StoredValue::new(false), StoredValue::new(0.0_f64));
    Effect::new(move |before: Option<()>| {
        changes();
        if before.is_none() || waits.get_value() {
            return;
        }
        waits.set_value(true);
        let left = f64::from(pause) - (Date::now() - last.get_value());
        spawn_local(async move {
            TimeoutFuture::new(left.clamp(0.0, f64::from(pause)) as u32).await;
            // The page may be gone.
            if waits.try_set_value(false).is_none() {
                last.set_value(Date::now());
                let _ = tell.try_update(|number| *number += 1);
            }
        });
    });
    heard
}
