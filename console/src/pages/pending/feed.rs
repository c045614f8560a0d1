//! The queue in the page, kept up with the collector's.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api::{self, ApiError};
use crate::calm::calm;
use crate::live::Live;
use crate::load::State;
use crate::model::Pending;
use crate::queue::Queue;
use crate::session::Visitor;

/// Rows of one answer when all are read.
const WHOLE: usize = 1_000;
/// Rows of one answer when only what is new is looked for.
const HEAD: usize = 100;
/// How often that is done at most, in milliseconds.
const PAUSE: u32 = 1_000;

/// The queue, and how it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feed {
    /// The rows.
    pub(super) queue: RwSignal<Queue>,
    /// Whether they are there.
    pub(super) phase: RwSignal<State<()>>,
    /// Whether somebody is at the list, so that nothing must move.
    pub(super) engaged: RwSignal<bool>,
    question: Memo<String>,
    /// Counts questions, so that answers to earlier ones are dropped.
    number: StoredValue<u64>,
    visitor: Visitor,
}

impl Feed {
    /// Of the rows that a query selects.
    pub(super) fn new(question: Memo<String>) -> Self {
        let feed = Self {
            queue: RwSignal::new(Queue::default()),
            phase: RwSignal::new(State::Loading),
            engaged: RwSignal::new(false),
            question,
            number: StoredValue::new(0),
            visitor: Visitor::get(),
        };
        Effect::new(move |_| {
            question.track();
            feed.begin();
        });
        let live = Live::get();
        let changed = calm(move || live.pending.track(), PAUSE);
        let busy = StoredValue::new(false);
        Effect::new(move |before: Option<()>| {
            changed.track();
            if before.is_none() || busy.get_value() {
                return;
            }
            busy.set_value(true);
            spawn_local(async move {
                feed.follow().await;
                let _ = busy.try_set_value(false);
            });
        });
        Effect::new(move |_| {
            if !feed.engaged.get() && feed.queue.with_untracked(|queue| queue.held() > 0) {
                feed.queue.update(Queue::release);
            }
        });
        feed
    }

    /// Reads all of it for the first time.
    pub(super) fn begin(self) {
        let number = self.number.get_value() + 1;
        self.number.set_value(number);
        self.queue.set(Queue::default());
        self.phase.set(State::Loading);
        spawn_local(async move {
            let mut offset = 0;
            loop {
                let answer = self.ask(WHOLE, offset).await;
                if !self.is_current(number) {
                    return;
                }
                match answer {
                    Ok(list) => {
                        offset += list.rows.len();
                        let more = !list.rows.is_empty() && list.total.is_some_and(|total| (offset as u64) < total);
                        self.queue.update(|queue| queue.extend(list.rows));
                        self.phase.set(State::Ready(()));
                        if !more {
                            return;
                        }
                    }
                    Err(error) => return self.failed(error),
                }
            }
        });
    }

    /// Looks for what is new, now.
    pub(super) fn look(self) {
        spawn_local(self.follow());
    }

    /// Looks for what is new; reads all again only if the numbers do not agree after that.
    async fn follow(self) {
        let Some(number) = self.number.try_get_value() else {
            return;
        };
        let mut offset = 0;
        let total = loop {
            let answer = self.ask(HEAD, offset).await;
            if !self.is_current(number) {
                return;
            }
            // What cannot be read now is read with the next change; the frame says that the collector is not heard.
            let Ok(list) = answer else { return };
            offset += list.rows.len();
            let (last, total) = (list.rows.len() < HEAD, list.total);
            let hold = self.engaged.get_untracked();
            let known = self.queue.try_update(|queue| queue.hear(list.rows, hold));
            self.phase.set(State::Ready(()));
            if known != Some(false) || last {
                break total;
            }
        };
        let held = self.queue.with_untracked(|queue| queue.len() as u64);
        if total.is_some_and(|total| total != held) {
            self.read_again(number).await;
        }
    }

    async fn read_again(self, number: u64) {
        let mut all = Vec::new();
        loop {
            let answer = self.ask(WHOLE, all.len()).await;
            if !self.is_current(number) {
                return;
            }
            let Ok(list) = answer else { return };
            let empty = list.rows.is_empty();
            all.extend(list.rows);
            if empty || list.total.is_none_or(|total| all.len() as u64 >= total) {
                break;
            }
        }
        let hold = self.engaged.get_untracked();
        self.queue.update(|queue| queue.take(all, hold));
    }

    async fn ask(self, limit: usize, offset: usize) -> Result<api::List<Pending>, ApiError> {
        let Some(question) = self.question.try_get_untracked() else {
            return Err(ApiError::default());
        };
        api::list(&format!("/egress/pending?{question}&limit={limit}&offset={offset}")).await
    }

    fn is_current(self, number: u64) -> bool {
        self.number.try_get_value() == Some(number)
    }

    fn failed(self, error: ApiError) {
        if error.is_unauthenticated() {
            self.visitor.left();
        } else {
            self.phase.set(State::Failed(error));
        }
    }
}
