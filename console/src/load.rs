//! What is fetched and shown: it is asked for anew when what the question depends on changes, an answer that was
//! overtaken by a later question is dropped, and what is there stays until the new answer has come.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::ApiError;
use crate::session::Visitor;

/// What is there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State<T> {
    /// Nothing yet.
    Loading,
    /// An answer.
    Ready(T),
    /// None, and why.
    Failed(ApiError),
}

/// Something that is fetched.
#[derive(Debug)]
pub(crate) struct Load<T: Send + Sync + 'static> {
    state: RwSignal<State<T>>,
    again: RwSignal<u64>,
    /// Whether a question is on its way.
    pub(crate) busy: RwSignal<bool>,
}

impl<T: Send + Sync + 'static> Clone for Load<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Load<T> {}

impl<T: Clone + PartialEq + Send + Sync + 'static> Load<T> {
    /// Asks now, and again whenever a signal changes that `question` reads before it answers its future.
    pub(crate) fn new<F>(question: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = Result<T, ApiError>> + 'static,
    {
        let (state, again, busy) = (RwSignal::new(State::Loading), RwSignal::new(0), RwSignal::new(false));
        let latest = StoredValue::new(0_u64);
        let visitor = Visitor::get();
        Effect::new(move |_| {
            again.track();
            let asked = question();
            let number = latest.get_value() + 1;
            latest.set_value(number);
            busy.set(true);
            spawn_local(async move {
                let answer = asked.await;
                // The page may be gone, and a later question may be on its way.
                if latest.try_get_value() != Some(number) {
                    return;
                }
                busy.set(false);
                match answer {
                    Ok(new) => state.set(State::Ready(new)),
                    Err(error) if error.is_unauthenticated() => visitor.left(),
                    // What is there is better than nothing, if the collector only restarts.
                    Err(error) if error.status == 0 && state.with_untracked(|is| matches!(is, State::Ready(_))) => {}
                    Err(error) => state.set(State::Failed(error)),
                }
            });
        });
        Self { state, again, busy }
    }

    /// What is there.
    pub(crate) fn state(&self) -> State<T> {
        self.state.get()
    }

    /// The answer, if there is one.
    pub(crate) fn ready(&self) -> Option<T> {
        self.state.with(|state| match state {
            State::Ready(value) => Some(value.clone()),
            _ => None,
        })
    }

    /// Something about the answer, if there is one.
    pub(crate) fn map<U>(&self, of: impl FnOnce(&T) -> U) -> Option<U> {
        self.state.with(|state| match state {
            State::Ready(value) => Some(of(value)),
            _ => None,
        })
    }

    /// Takes an answer that came another way, such as that of a change.
    pub(crate) fn set(&self, value: T) {
        self.state.set(State::Ready(value));
    }

    /// Asks once more.
    pub(crate) fn reload(&self) {
        self.again.update(|again| *again += 1);
    }
}

#[cfg(test)]
mod tests;
