//! The rows of the page: the newest ones of a view, and older ones as they are asked for.

use js_sys::Date;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::tail::Follow;
use super::view::View;
use crate::api::{self, ApiError};
use crate::audit_filter::Member;
use crate::audit_trail::Trail;
use crate::model::AuditRow;
use crate::session::Visitor;
use crate::text::visible;

/// How many rows are fetched together.
const PAGE: usize = 200;

/// Whether there are rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phase {
    /// They are on their way.
    Loading,
    /// There are, or none fits.
    Ready,
    /// There is no answer.
    Failed(ApiError),
}

/// The rows, and what is done to them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feed {
    view: View,
    visitor: Visitor,
    /// As far as they were fetched.
    pub(super) trail: RwSignal<Trail>,
    /// Whether there are any.
    pub(super) phase: RwSignal<Phase>,
    /// Whether they are those that the address says.
    pub(super) fresh: RwSignal<bool>,
    /// Whether older ones are on their way.
    pub(super) busy: RwSignal<bool>,
    /// Why there are none.
    pub(super) older_error: RwSignal<Option<ApiError>>,
    /// Whether new ones are shown as they come.
    pub(super) follow: RwSignal<Follow>,
    /// Whether the stream of new ones is there.
    pub(super) heard: RwSignal<bool>,
    /// The id of the row that is opened.
    pub(super) open: RwSignal<Option<String>>,
    /// Whether the newest row is in view.
    pub(super) at_top: RwSignal<bool>,
    /// Rises when the list is to begin at its top.
    pub(super) top: RwSignal<u64>,
    /// When the first page came, on this machine's clock.
    pub(super) since: StoredValue<f64>,
    again: RwSignal<u64>,
    number: StoredValue<u64>,
}

impl Feed {
    /// For the page.
    pub(super) fn provide(view: View) -> Self {
        let feed = Self {
            view,
            visitor: Visitor::get(),
            trail: RwSignal::new(Trail::default()),
            phase: RwSignal::new(Phase::Loading),
            fresh: RwSignal::new(false),
            busy: RwSignal::new(false),
            older_error: RwSignal::new(None),
            follow: RwSignal::new(Follow::Off),
            heard: RwSignal::new(false),
            open: RwSignal::new(None),
            at_top: RwSignal::new(true),
            top: RwSignal::new(0),
            since: StoredValue::new(0.0),
            again: RwSignal::new(0),
            number: StoredValue::new(0),
        };
        Effect::new(move |_| {
            feed.again.track();
            view.filter.track();
            untrack(|| feed.first());
        });
        provide_context(feed);
        feed
    }

    /// Asks for the newest rows. What is there stays until they come.
    fn first(self) {
        self.number.update_value(|number| *number += 1);
        let number = self.number.get_value();
        self.fresh.set(false);
        self.busy.set(true);
        self.older_error.set(None);
        let asked = Date::now();
        let query = self.query(None);
        spawn_local(async move {
            let answer = api::list::<AuditRow>(&format!("/egress/audit?{query}")).await;
            if self.number.try_get_value() != Some(number) {
                return;
            }
            self.busy.set(false);
            match answer {
                Ok(page) => {
                    self.since.set_value(asked);
                    self.to_top();
                    self.trail.set(Trail::of_page(page.rows, page.next));
                    self.phase.set(Phase::Ready);
                    self.fresh.set(true);
                }
                Err(error) if error.is_unauthenticated() => self.visitor.left(),
                Err(error) => self.phase.set(Phase::Failed(error)),
            }
        });
    }

    /// Asks for older rows, if there are any and they are not on their way.
    pub(super) fn older(self) {
        let Some(cursor) = self.trail.with_untracked(|trail| trail.older().map(str::to_owned)) else {
            return;
        };
        if self.busy.get_untracked() {
            return;
        }
        let number = self.number.get_value();
        self.busy.set(true);
        self.older_error.set(None);
        let query = self.query(Some(&cursor));
        spawn_local(async move {
            let answer = api::list::<AuditRow>(&format!("/egress/audit?{query}")).await;
            if self.number.try_get_value() != Some(number) {
                return;
            }
            self.busy.set(false);
            match answer {
                // A long tail may have let go of what these would go on from.
                Ok(_)
                    if self
                        .trail
                        .with_untracked(|trail| trail.older() != Some(cursor.as_str())) => {}
                Ok(page) => self.trail.update(|trail| trail.add_older(page.rows, page.next)),
                Err(error) if error.is_unauthenticated() => self.visitor.left(),
                Err(error) => self.older_error.set(Some(error)),
            }
        });
    }

    fn query(self, cursor: Option<&str>) -> String {
        let now = (Date::now() * 1_000.0) as i64;
        self.view.filter.with_untracked(|filter| filter.page(PAGE, cursor, now))
    }

    /// Asks for all of it anew.
    pub(super) fn reload(self) {
        self.phase.set(Phase::Loading);
        self.again.update(|again| *again += 1);
    }

    /// Shows what arrived, at the top.
    pub(super) fn release(self) {
        self.to_top();
        self.trail.update(Trail::release);
    }

    fn to_top(self) {
        self.open.set(None);
        self.at_top.set(true);
        self.top.update(|top| *top += 1);
    }

    /// What the API says is wrong with a member of the filters.
    pub(super) fn wrong(self, member: Member) -> Signal<Option<String>> {
        Signal::derive(move || {
            self.phase.with(|phase| {
                let Phase::Failed(error) = phase else { return None };
                error.details.as_array()?.iter().find_map(|detail| {
                    let field = detail["field"].as_str()?;
                    (Member::of_field(field) == Some(member)).then(|| {
                        format!(
                            "Expected: {}",
                            visible(detail["expected"].as_str().unwrap_or("something else"))
                        )
                    })
                })
            })
        })
    }
}
