//! Where decisions are made: sends them, asks where one has to be asked about, and keeps what was decided.

use std::collections::HashSet;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::{Value, json};
use wasm_bindgen::JsCast;

use super::feed::Feed;
use crate::api::{self, ApiError};
use crate::model::{Decided, Pending, Resource};
use crate::parts::Messages;
use crate::queue::Queue;
use crate::text::visible;

/// What is remembered of decisions.
const MOST: usize = 5;
/// How long a row stays that was decided about, in milliseconds: whoever clicks twice must not decide about the next.
const STAYS: u32 = 900;

/// For whom a host is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Reach {
    /// Who asked for it.
    #[default]
    Resource,
    /// What is made from this template.
    Template(String),
    /// Everybody.
    Tenant,
}

/// How a host is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Allow {
    pub(super) pattern: Option<String>,
    pub(super) warn_only: bool,
    pub(super) expires_at: Option<String>,
    pub(super) reach: Reach,
    pub(super) force: bool,
    /// Whether somebody said yes to the addresses it led to.
    pub(super) inside: bool,
}

impl Allow {
    fn body(&self) -> Value {
        let scope = match self.reach {
            Reach::Resource => "resource",
            Reach::Template(_) => "template",
            Reach::Tenant => "tenant",
        };
        let mut body = json!({"scope": scope, "warn_only": self.warn_only, "force": self.force});
        if let Some(pattern) = &self.pattern {
            body["pattern"] = json!(pattern);
        }
        if let Some(at) = &self.expires_at {
            body["expires_at"] = json!(at);
        }
        body
    }
}

/// What is asked before a decision.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asked {
    /// A deny rule beats it: `(rule, host, scope)`.
    Shadowed(Pending, Allow, [String; 3]),
    /// It led to private addresses.
    Inside(Pending, Allow),
    /// Until when.
    Until(Pending),
    /// Which domain.
    Domain(Pending),
}

/// A decision that proxies are being told of.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Done {
    pub(super) number: u64,
    pub(super) host: String,
    /// `allowed`, `blocked`, with what else was said.
    pub(super) what: String,
    /// Whose policy was changed.
    pub(super) resource: Resource,
    pub(super) revision: i64,
}

/// The desk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Desk {
    pub(super) feed: Feed,
    pub(super) done: RwSignal<Vec<Done>>,
    pub(super) asked: RwSignal<Option<Asked>>,
    /// Whether the question is shown.
    pub(super) asking: RwSignal<bool>,
    /// Rows whose decision is on its way.
    pub(super) busy: RwSignal<HashSet<String>>,
    /// The row whose choices are unfolded.
    pub(super) unfolded: RwSignal<Option<String>>,
    /// What went wrong with the question that is shown.
    pub(super) wrong: RwSignal<Option<String>>,
    pub(super) state: Memo<String>,
    messages: Messages,
    next: StoredValue<u64>,
    /// Rows that had the focus when they were decided about.
    focused: StoredValue<HashSet<String>>,
}

/// The id of a row in the page.
pub(super) fn row_id(id: &str) -> String {
    format!("host-{id}")
}

/// The id of the button that unfolds its choices.
pub(super) fn more_id(id: &str) -> String {
    format!("more-{id}")
}

impl Desk {
    pub(super) fn provide(feed: Feed, state: Memo<String>) -> Self {
        Self {
            feed,
            done: RwSignal::new(Vec::new()),
            asked: RwSignal::new(None),
            asking: RwSignal::new(false),
            busy: RwSignal::new(HashSet::new()),
            unfolded: RwSignal::new(None),
            wrong: RwSignal::new(None),
            state,
            messages: Messages::get(),
            next: StoredValue::new(0),
            focused: StoredValue::new(HashSet::new()),
        }
    }

    /// A row as it is now.
    pub(super) fn row(self, id: &str) -> Option<Pending> {
        self.feed.queue.with_untracked(|queue| queue.row(id).cloned())
    }

    pub(super) fn ask(self, question: Asked) {
        self.wrong.set(None);
        self.asked.set(Some(question));
        self.asking.set(true);
    }

    /// Allows a host; where it led inside, after asking.
    pub(super) fn allow(self, row: Pending, allow: Allow) {
        if row.rejected_by == "private_address" && !allow.inside {
            return self.ask(Asked::Inside(row, allow));
        }
        self.start(&row);
        spawn_local(async move {
            let path = format!("/egress/pending/{}/approve", row.id);
            match api::post::<Decided>(&path, &allow.body()).await {
                Ok(decided) => self.allowed(&row, &allow, &decided),
                Err(error) if error.code == "SHADOWED_BY_DENY" => {
                    let text = |name: &str| error.details[name].as_str().unwrap_or_default().to_owned();
                    let rule = [text("rule_id"), text("host"), text("scope")];
                    self.end(&row);
                    self.ask(Asked::Shadowed(row, allow, rule));
                }
                Err(error) => self.failed(&row, &error),
            }
        });
    }

    fn allowed(self, row: &Pending, allow: &Allow, decided: &Decided) {
        let mut what = "allowed".to_owned();
        if allow.warn_only {
            what.push_str(" with a warning");
        }
        let resource = match &allow.reach {
            Reach::Resource => row.resource.clone(),
            Reach::Template(template) => {
                what.push_str(" for the template");
                Resource::new("template", template)
            }
            Reach::Tenant => {
                what.push_str(" for the tenant");
                Resource::new("tenant", "")
            }
        };
        let host = allow.pattern.clone().unwrap_or_else(|| row.host.clone());
        self.decided(row, host, what, resource, decided.revision);
    }

    /// Denies a host by a rule of its own.
    pub(super) fn block(self, row: Pending) {
        self.start(&row);
        spawn_local(async move {
            let path = format!("/egress/pending/{}/block", row.id);
            match api::post::<Decided>(&path, &json!({})).await {
                Ok(decided) => {
                    let (host, resource) = (row.host.clone(), row.resource.clone());
                    self.decided(&row, host, "blocked".to_owned(), resource, decided.revision);
                }
                Err(error) => self.failed(&row, &error),
            }
        });
    }

    /// Hides a host. No rule comes of it, so that there is nothing to wait for.
    pub(super) fn dismiss(self, row: Pending) {
        self.start(&row);
        spawn_local(async move {
            let path = format!("/egress/pending/{}/dismiss", row.id);
            match api::post::<Pending>(&path, &json!({})).await {
                Ok(_) => {
                    self.settle(&row, "dismissed");
                    let host = visible(&row.host);
                    self.messages.say(format!(
                        "{host} dismissed: it stays rejected, and is not shown any more"
                    ));
                }
                Err(error) => self.failed(&row, &error),
            }
        });
    }

    fn decided(self, row: &Pending, host: String, what: String, resource: Resource, revision: i64) {
        let state = if what == "blocked" { "blocked" } else { "approved" };
        self.settle(row, state);
        let number = self.next.try_update_value(|next| {
            *next += 1;
            *next
        });
        let Some(number) = number else { return };
        let done = Done {
            number,
            host,
            what,
            resource,
            revision,
        };
        self.done.update(|all| {
            all.insert(0, done);
            all.truncate(MOST);
        });
    }

    fn start(self, row: &Pending) {
        self.wrong.set(None);
        let active = document().active_element();
        let element = document().get_element_by_id(&row_id(&row.id));
        let inside = element.is_some_and(|element| element.contains(active.as_ref().map(AsRef::as_ref)));
        if inside || self.asking.get_untracked() {
            // The button is barred from now on, and loses the focus.
            self.focused.update_value(|focused| {
                focused.insert(row.id.clone());
            });
        }
        self.busy.update(|busy| {
            busy.insert(row.id.clone());
        });
    }

    /// The page may be gone when an answer comes.
    fn end(self, row: &Pending) {
        let _ = self.busy.try_update(|busy| busy.remove(&row.id));
    }

    /// The row was decided about.
    fn settle(self, row: &Pending, state: &str) {
        if self.asking.try_set(false).is_some() {
            return;
        }
        if self.unfolded.get_untracked().as_ref() == Some(&row.id) {
            self.unfolded.set(None);
        }
        let beside = self
            .feed
            .queue
            .with_untracked(|queue| queue.beside(&row.id).map(str::to_owned));
        self.feed.queue.update(|queue| queue.decided(&row.id, state));
        let (row, all) = (row.clone(), self.state.get_untracked() == "all");
        spawn_local(async move {
            TimeoutFuture::new(STAYS).await;
            if self.busy.is_disposed() {
                return;
            }
            self.end(&row);
            if all {
                self.feed.look();
                self.refocus(&row.id, &row.id);
            } else {
                self.feed.queue.update(|queue: &mut Queue| queue.remove(&row.id));
                self.refocus(&row.id, &beside.unwrap_or_default());
            }
        });
    }

    /// Gives the focus to a row, if it was in the one that was decided about and went nowhere since.
    fn refocus(self, from: &str, to: &str) {
        let had = self
            .focused
            .try_update_value(|focused| focused.remove(from))
            .unwrap_or_default();
        let nowhere = document()
            .active_element()
            .is_none_or(|active| active.tag_name() == "BODY");
        let button = document().get_element_by_id(&more_id(to));
        if let Some(button) = button.and_then(|button| button.dyn_into::<web_sys::HtmlElement>().ok())
            && had
            && nowhere
        {
            // A button that is there can be focused.
            let _ = button.focus();
        }
    }

    fn failed(self, row: &Pending, error: &ApiError) {
        self.end(row);
        self.refocus(&row.id, &row.id);
        if error.is_stale() {
            self.feed.begin();
            let said = "Somebody else changed the policy meanwhile: look again, and decide again";
            self.messages.say(said);
        } else if self.asking.try_get_untracked() == Some(true) && !error.is_unauthenticated() {
            // Said where it was asked; a message would be behind the sheet.
            self.wrong.set(Some(error.message.clone()));
        } else {
            self.messages.fail(error);
        }
        if error.status == 404 {
            self.feed.begin();
        }
    }
}
