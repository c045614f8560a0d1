//! What the parts of the page share.

use std::collections::BTreeMap;

use leptos::prelude::*;
use sluice_policy::Timestamp;

use crate::api::{self, ApiError};
use crate::app::Workload;
use crate::draft::THIS_RULE;
use crate::live::Live;
use crate::load::Load;
use crate::model::{Destination, Nearest, Policy, Rule};
use crate::parts::Messages;
use crate::preview::Ground;
use crate::session::Visitor;

/// How many recorded destinations are judged.
pub(super) const MOST: u64 = 2_000;

/// The page's state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Desk {
    /// Whose rules.
    pub(super) workload: Workload,
    /// The tenant's policy; `None` for the tenant itself.
    pub(super) tenant: Load<Option<Policy>>,
    /// Whether the visitor may not change this policy although the role may change others.
    pub(super) barred: Signal<bool>,
    /// What the collector said about the last change.
    pub(super) warnings: RwSignal<Vec<String>>,
    /// What is being edited.
    pub(super) editing: RwSignal<Option<Editing>>,
    /// Whether it is shown.
    pub(super) editor: RwSignal<bool>,
    /// What is about to be removed.
    pub(super) removing: RwSignal<Option<Rule>>,
    /// Whether that is asked.
    pub(super) removal: RwSignal<bool>,
    messages: Messages,
}

/// What is being edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Editing {
    /// A rule that is not there yet.
    New,
    /// A rule that is.
    Rule(Rule),
}

/// What was recorded, as far as it is judged.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Recorded {
    /// The most requested ones.
    pub(super) rows: Vec<Destination>,
    /// How many there are in all.
    pub(super) total: u64,
}

impl Desk {
    /// Of the page.
    pub(super) fn of_page() -> Self {
        let (workload, live, visitor) = (Workload::get(), Live::get(), Visitor::get());
        let is_tenant = Memo::new(move |_| workload.resource.with(crate::model::Resource::is_tenant));
        let tenant = Load::new(move || {
            live.policy.track();
            let is_tenant = is_tenant.get();
            async move {
                if is_tenant {
                    return Ok(None);
                }
                let rows = api::list::<Policy>("/egress/policies?resource_type=tenant").await?;
                Ok(rows.rows.into_iter().next())
            }
        });
        let (warnings, editor, removal) = (RwSignal::new(Vec::new()), RwSignal::new(false), RwSignal::new(false));
        // What was being done to one resource is nothing to do to another.
        Effect::new(move |_| {
            workload.resource.track();
            warnings.set(Vec::new());
            editor.set(false);
            removal.set(false);
        });
        Self {
            workload,
            tenant,
            barred: Signal::derive(move || is_tenant.get() && !visitor.operates_tenant()),
            warnings,
            editing: RwSignal::new(None),
            editor,
            removing: RwSignal::new(None),
            removal,
            messages: Messages::get(),
        }
    }

    /// Whether it is the tenant's own page.
    pub(super) fn is_tenant(self) -> bool {
        self.workload.resource.with(crate::model::Resource::is_tenant)
    }

    /// The resource's own policy.
    pub(super) fn own(self) -> Option<Policy> {
        self.workload.policy()
    }

    /// Opens the editor.
    pub(super) fn edit(self, editing: Editing) {
        self.editing.set(Some(editing));
        self.editor.set(true);
    }

    /// Asks whether to remove a rule.
    pub(super) fn remove(self, rule: Rule) {
        self.removing.set(Some(rule));
        self.removal.set(true);
    }

    /// What recorded destinations are judged by. Tells whether the tenant's rules are in it.
    pub(super) fn ground(self) -> Option<(Ground, bool)> {
        let own = self.own()?;
        let tenant = self.tenant.ready().flatten();
        let knows_tenant = self.is_tenant() || self.tenant.ready().is_some();
        Some((Ground::new(&own, tenant.as_ref(), now()), knows_tenant))
    }

    /// Asks for what was recorded.
    pub(super) fn recorded(self) -> Load<Recorded> {
        let resource = self.workload.resource;
        Load::new(move || {
            let query = resource.get().query();
            async move {
                let rows = api::list::<Destination>(&format!("/egress/destinations?{query}&limit={MOST}")).await?;
                let total = rows.total.unwrap_or(rows.rows.len() as u64);
                Ok(Recorded { rows: rows.rows, total })
            }
        })
    }

    /// What people call the rules that may decide here.
    pub(super) fn names(self) -> Names {
        let mut names = BTreeMap::new();
        for policy in [self.tenant.ready().flatten(), self.own()].into_iter().flatten() {
            let of = if policy.resource_type.as_deref() == Some("tenant") && !self.is_tenant() {
                "the tenant's "
            } else {
                ""
            };
            for rule in policy.rules {
                let name = if rule.name.is_empty() { rule.host } else { rule.name };
                names.insert(rule.id, format!("{of}{name}"));
            }
        }
        names.insert(THIS_RULE.to_owned(), "this rule".to_owned());
        Names(names)
    }

    /// Something was done.
    pub(super) fn say(self, text: &str) {
        self.messages.say(text);
    }

    /// Something was not done; if that is because somebody else was faster, what they did is shown.
    pub(super) fn failed(self, error: &ApiError) {
        if error.is_stale() {
            self.workload.policy.reload();
            self.messages.fail(&ApiError {
                message: "Somebody else changed this policy meanwhile. It was loaded anew: look at it, then try again."
                    .to_owned(),
                ..error.clone()
            });
        } else {
            self.messages.fail(error);
        }
    }
}

/// What people call rules, by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    /// Of a rule or of a reason.
    pub(super) fn of(&self, id: &str) -> String {
        self.0.get(id).cloned().unwrap_or_else(|| id.to_owned())
    }

    /// Why a rule that names the host does not match, in a sentence.
    pub(super) fn nearly(&self, nearest: &Nearest) -> String {
        let why = match nearest.why.as_str() {
            "expired" => "has expired",
            "port" => "is for other ports",
            "opaque" => "looks at method or path, which are not visible",
            "method" => "is for other methods",
            "path" => "is for other paths",
            other => other,
        };
        format!("{} {why}", self.of(&nearest.rule_id))
    }
}

/// Now.
pub(super) fn now() -> Timestamp {
    Timestamp::from_micros((js_sys::Date::now() * 1_000.0) as i64)
}
