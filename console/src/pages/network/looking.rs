//! What the page looks at: whose traffic, which part of it, and what was ticked; all but the ticks is in its address.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::live::Live;
use crate::load::Load;
use crate::model::{Resource, Suggestion, Summary};
use crate::narrow::Narrow;
use crate::ticks::Ticks;
use crate::{api, clock};

/// What the page looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looking {
    resource: StoredValue<Resource>,
    go: StoredValue<Go, LocalStorage>,
    /// Which part.
    pub(super) narrow: Memo<Narrow>,
    /// What goes into the list.
    pub(super) ticks: RwSignal<Ticks>,
    /// Rises when all of it is to be asked for anew.
    pub(super) again: RwSignal<u64>,
    /// All of the window, counted.
    pub(super) summary: Load<Summary>,
    /// When that was asked for.
    pub(super) as_of: RwSignal<String>,
    is_asked: Memo<bool>,
}

type Navigate = Box<dyn Fn(&str, NavigateOptions)>;

/// Goes to another address.
struct Go(Navigate);

impl std::fmt::Debug for Go {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Go")
    }
}

impl Looking {
    /// At a resource, as the address says.
    pub(super) fn at(resource: Resource) -> Self {
        let (query, live) = (use_query_map(), Live::get());
        let narrow = Memo::new(move |_| query.with(|query| Narrow::of(|name| query.get(name))));
        let since = Memo::new(move |_| narrow.with(|narrow| narrow.since.clone()));
        let (ticks, again) = (RwSignal::new(Ticks::default()), RwSignal::new(0));
        let as_of = RwSignal::new(String::new());
        // Another window has other suggestions, and what was ticked may not be one of them.
        Effect::new(move |before: Option<String>| {
            let since = since.get();
            if before.is_some_and(|before| before != since) {
                ticks.set(Ticks::default());
            }
            since
        });
        let resource = StoredValue::new(resource);
        let summary = Load::new(move || {
            live.policy.track();
            again.track();
            as_of.set(clock::from_now(0.0));
            let query = resource.with_value(Resource::query);
            let path = format!("/egress/audit/suggestions/summary?{query}&since={}", since.get());
            async move { api::get(&path).await }
        });
        Self {
            resource,
            go: StoredValue::new_local(Go(Box::new(use_navigate()))),
            narrow,
            ticks,
            again,
            summary,
            as_of,
            is_asked: Memo::new(move |_| query.with(|query| query.get("lockdown").is_some())),
        }
    }

    /// Whose traffic.
    pub(super) fn resource(self) -> Resource {
        self.resource.get_value()
    }

    /// Whether it has traffic of its own.
    pub(super) fn has_traffic(self) -> bool {
        self.resource
            .with_value(|resource| !resource.is_tenant() && resource.kind != "template")
    }

    /// The suggestions that are looked at.
    pub(super) fn suggestions(self, narrow: &Narrow) -> String {
        format!("/egress/audit/suggestions?{}", narrow.query(&self.resource()))
    }

    /// Decides about one.
    pub(super) fn tick(self, suggestion: &Suggestion, ticked: bool) {
        self.ticks.update(|ticks| ticks.set(suggestion, ticked));
    }

    /// Looks at another part, in the place of this one.
    pub(super) fn go(self, narrow: &Narrow) {
        self.at_address(narrow.address(), true);
    }

    /// Opens the sheet, so that the way back closes it.
    pub(super) fn lock_down(self) {
        let address = self.narrow.with_untracked(Narrow::address);
        let parts = [address.as_str(), "lockdown"];
        let query: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        self.at_address(query.join("&"), false);
    }

    /// Whether the sheet is open, which the address says too.
    pub(super) fn sheet(self) -> RwSignal<bool> {
        let open = RwSignal::new(self.is_asked.get_untracked());
        Effect::new(move |_| {
            let asked = self.is_asked.get();
            if open.get_untracked() != asked {
                open.set(asked);
            }
        });
        Effect::new(move |before: Option<bool>| {
            let is = open.get();
            if before == Some(true) && !is && self.is_asked.get_untracked() {
                self.go(&self.narrow.get_untracked());
            }
            is
        });
        open
    }

    fn at_address(self, query: String, replace: bool) {
        let place = self.resource.with_value(Resource::place);
        let separator = if query.is_empty() { "" } else { "?" };
        let options = NavigateOptions {
            replace,
            scroll: false,
            ..NavigateOptions::default()
        };
        self.go
            .with_value(|go| (go.0)(&format!("/resources/{place}{separator}{query}"), options));
    }
}
