//! What the address says is shown, and the way to another address.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate};

use crate::audit_filter::{Filter, Member};

/// How long nothing is typed before the address follows, in milliseconds.
const PAUSE: u32 = 350;

/// The filters, for all parts of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    /// As the address says it.
    pub(super) filter: Memo<Filter>,
    go: Callback<(String, bool)>,
    /// The field that the last step of the history came from: it is replaced while more is typed there.
    typed: StoredValue<Option<Member>>,
}

impl View {
    /// Of the address.
    pub(super) fn provide() -> Self {
        let (location, navigate) = (use_location(), use_navigate());
        let view = Self {
            filter: Memo::new(move |_| location.search.with(|search| Filter::of_query(search))),
            go: Callback::new(move |(place, replace): (String, bool)| {
                let options = NavigateOptions {
                    replace,
                    scroll: false,
                    ..NavigateOptions::default()
                };
                navigate(&place, options);
            }),
            typed: StoredValue::new(None),
        };
        provide_context(view);
        view
    }

    /// Shows something else; Back leads here again.
    pub(super) fn show(self, filter: &Filter) {
        self.typed.set_value(None);
        if self.filter.with_untracked(|shown| shown != filter) {
            self.go.run((filter.place(), false));
        }
    }

    /// A member of the filters, for a field: the address follows the field, and the field the address. While one is
    /// typed in, all that makes one step of the history.
    pub(super) fn bound(
        self,
        member: Member,
        of_filter: fn(&str) -> String,
        to_filter: fn(&str) -> String,
        typed: bool,
    ) -> RwSignal<String> {
        let told = Memo::new(move |_| self.filter.with(|filter| of_filter(filter.get(member))));
        let value = RwSignal::new(told.get_untracked());
        // What went from the field to the address: when it comes back, the field may be further.
        let sent = StoredValue::new(told.get_untracked());
        Effect::new(move |_| {
            let told = told.get();
            if sent.with_value(|sent| *sent != told) {
                self.typed.set_value(None);
                sent.set_value(told.clone());
                value.set(told);
            }
        });
        let turn = StoredValue::new(0_u64);
        Effect::new(move |_| {
            let text = value.with(|value| value.trim().to_owned());
            let number = turn.get_value() + 1;
            turn.set_value(number);
            if sent.with_value(|sent| *sent == text) {
                return;
            }
            spawn_local(async move {
                if typed {
                    TimeoutFuture::new(PAUSE).await;
                }
                if turn.try_get_value() != Some(number) {
                    return;
                }
                sent.set_value(text.clone());
                let filter = self.filter.get_untracked().with(member, &to_filter(&text));
                let replace = typed && self.typed.get_value() == Some(member);
                self.typed.set_value(typed.then_some(member));
                self.go.run((filter.place(), replace));
            });
        });
        value
    }
}
