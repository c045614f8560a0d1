//! What a change of one rule makes of what was recorded, by the very code that filters decide with.
//!
//! Each destination is judged as it was seen, opaque or with method and path, under the policy as it is and under the
//! policy as it would be. What is not known of a request makes its outcome uncertain, as in the collector's simulation.

mod documents;
mod judge;
mod outcome;

use std::collections::BTreeMap;

use sluice_policy::{Effect, Mode, PolicyDocument, Problems, RuleDocument, Scope, Timestamp};

use crate::model::{Destination, Policy};
use judge::{Judge, parts};

pub use documents::{document, rule_document};
pub use outcome::{Outcome, Word};

/// What is there before the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    tenant: Option<PolicyDocument>,
    own: PolicyDocument,
    scope: Scope,
    now: Timestamp,
}

/// The change. Rules are named by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// One more rule, behind the others.
    Add(RuleDocument),
    /// Another rule in the place of this one.
    Replace(String, RuleDocument),
    /// This rule is taken away.
    Remove(String),
}

/// What the change does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// What the rule matches or the change changes: changes first, then the most requested.
    pub rows: Vec<Row>,
    /// The sums.
    pub counts: Counts,
}

/// Requests to one destination that fare alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The host, or what stands for many.
    pub host: String,
    /// The port; 0 is several.
    pub port: u16,
    /// How many requests and connections.
    pub count: u64,
    /// Some of what was seen of them in clear.
    pub examples: Vec<String>,
    /// Whether the rule in question matches them.
    pub matched: Matched,
    /// What the next one would be without the change.
    pub before: Outcome,
    /// What it would be with it.
    pub after: Outcome,
}

/// Whether a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matched {
    /// It does.
    Yes,
    /// It depends on something that was not recorded.
    Perhaps,
    /// It does not.
    No,
}

/// Sums over all destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Destinations of which the rule matches something.
    pub destinations: u64,
    /// The requests that it matches.
    pub requests: u64,
    /// Requests that the change lets pass.
    pub opened: u64,
    /// Requests that it stops.
    pub stopped: u64,
    /// Requests that pass before and after, with a warning on one side only.
    pub rewarned: u64,
    /// Requests of which not enough is known.
    pub uncertain: u64,
}

impl Row {
    /// Whether the change makes a difference to the request.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.before.word != self.after.word || self.before.is_uncertain != self.after.is_uncertain
    }
}

/// How many examples a row shows.
const EXAMPLES: usize = 3;

impl Ground {
    /// The policy of a resource, with the tenant's unless it is the tenant's own.
    #[must_use]
    pub fn new(own: &Policy, tenant: Option<&Policy>, now: Timestamp) -> Self {
        let is_tenant = own.resource_type.as_deref() == Some("tenant");
        Self {
            tenant: tenant.filter(|_| !is_tenant).map(document),
            own: document(own),
            scope: if is_tenant { Scope::Tenant } else { Scope::Resource },
            now,
        }
    }

    /// The mode in force.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.own.mode.unwrap_or(Mode::AuditOnly)
    }

    /// What the change does to the next request of each kind that was recorded.
    ///
    /// # Errors
    /// What is wrong with the rule, by `sluice_policy`.
    pub fn preview(&self, edit: &Edit, destinations: &[Destination]) -> Result<Preview, Problems> {
        let changed = edit.applied(&self.own);
        let rule = match edit {
            Edit::Add(rule) | Edit::Replace(_, rule) => Some(rule),
            Edit::Remove(id) => self.own.rules.iter().find(|rule| rule.id == *id),
        };
        let alone = rule.map(|rule| alone(rule, self.now)).transpose()?;
        let (before, after) = (self.judge(&self.own)?, self.judge(&changed)?);
        let mut preview = Preview::default();
        for destination in destinations {
            let matched = |known| {
                alone
                    .as_ref()
                    .map_or(Matched::No, |alone| alone.matches(destination, known))
            };
            let mut rows: BTreeMap<_, Row> = BTreeMap::new();
            for (known, count) in parts(destination) {
                let (before, after) = (before.outcome(destination, known), after.outcome(destination, known));
                let matched = matched(known);
                let key = (matched, before.clone(), after.clone());
                let row = rows.entry(key).or_insert_with(|| Row {
                    host: destination.host.clone(),
                    port: destination.port,
                    count: 0,
                    examples: Vec::new(),
                    matched,
                    before,
                    after,
                });
                row.count = row.count.saturating_add(count);
                if let (Some(example), true) = (known.example(), row.examples.len() < EXAMPLES) {
                    row.examples.push(example);
                }
            }
            preview.add(rows.into_values());
        }
        preview
            .rows
            .sort_by_key(|row| (!row.is_changed(), row.matched, std::cmp::Reverse(row.count)));
        Ok(preview)
    }

    fn judge(&self, own: &PolicyDocument) -> Result<Judge, Problems> {
        match self.scope {
            Scope::Tenant => Judge::new(Some(own), None, self.now),
            Scope::Resource => Judge::new(self.tenant.as_ref(), Some(own), self.now),
        }
    }
}

impl Edit {
    fn applied(&self, own: &PolicyDocument) -> PolicyDocument {
        let mut changed = own.clone();
        match self {
            Self::Add(rule) => changed.rules.push(rule.clone()),
            Self::Replace(id, rule) => {
                for old in changed.rules.iter_mut().filter(|old| old.id == *id) {
                    old.clone_from(rule);
                }
            }
            Self::Remove(id) => changed.rules.retain(|rule| rule.id != *id),
        }
        changed
    }
}

impl Preview {
    fn add(&mut self, rows: impl Iterator<Item = Row>) {
        let mut is_matched = false;
        for row in rows {
            let counts = &mut self.counts;
            let add = |to: &mut u64| *to = to.saturating_add(row.count);
            if row.matched == Matched::Yes {
                add(&mut counts.requests);
            }
            is_matched |= row.matched != Matched::No;
            match (row.before.passes(), row.after.passes()) {
                (false, true) => add(&mut counts.opened),
                (true, false) => add(&mut counts.stopped),
                _ if row.before.word != row.after.word => add(&mut counts.rewarned),
                _ => {}
            }
            let is_shown = row.matched != Matched::No || row.is_changed();
            if is_shown && (row.matched == Matched::Perhaps || row.after.is_uncertain) {
                add(&mut counts.uncertain);
            }
            if is_shown {
                self.rows.push(row);
            }
        }
        self.counts.destinations += u64::from(is_matched);
    }
}

/// The rule as if there were no other, against the opposite default: what it decides is what it matches.
fn alone(rule: &RuleDocument, now: Timestamp) -> Result<Judge, Problems> {
    let opposite = match rule.effect {
        Effect::Allow => Effect::Deny,
        Effect::Deny => Effect::Allow,
    };
    let document = PolicyDocument {
        mode: Some(Mode::Enforce),
        default_effect: Some(opposite),
        rules: vec![rule.clone()],
    };
    Judge::new(None, Some(&document), now)
}

#[cfg(test)]
mod tests;
