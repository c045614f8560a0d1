//! Decisions over time, by five minutes.

use std::collections::BTreeMap;

use sluice_policy::Action;

use super::event::Row;
use super::sql::Statement;
use crate::error::Error;
use crate::moment::SECOND;
use crate::resource::Resource;
use crate::store::{Kind, Tx};

/// Microseconds that are counted together.
const BUCKET: i64 = 300 * SECOND;

/// How many decisions, by what was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) allowed: i64,
    pub(super) warned: i64,
    pub(super) rejected: i64,
    pub(super) would_reject: i64,
}

impl Counts {
    pub(super) fn add(&mut self, row: &Row) {
        let count = match row.action {
            Action::Allow => &mut self.allowed,
            Action::Warn => &mut self.warned,
            Action::Reject => &mut self.rejected,
        };
        *count += row.count;
        if row.would_reject {
            self.would_reject += row.count;
        }
    }

    pub(super) fn total(&self) -> i64 {
        self.allowed + self.warned + self.rejected
    }

    pub(super) fn merge(&mut self, other: Self) {
        let Self {
            allowed,
            warned,
            rejected,
            would_reject,
        } = other;
        self.allowed += allowed;
        self.warned += warned;
        self.rejected += rejected;
        self.would_reject += would_reject;
    }
}

/// What a group of batches adds.
#[derive(Debug, Default)]
pub(super) struct Traffic<'a>(BTreeMap<(&'a Resource, i64), Counts>);

static ADD: Statement = Statement::new(
    "INSERT INTO traffic (resource_type, resource_id, bucket, allowed, warned, rejected, would_reject) VALUES ",
    7,
    " ON CONFLICT (resource_type, resource_id, bucket) DO UPDATE SET allowed = traffic.allowed + excluded.allowed, \
     warned = traffic.warned + excluded.warned, rejected = traffic.rejected + excluded.rejected, \
     would_reject = traffic.would_reject + excluded.would_reject",
);

impl<'a> Traffic<'a> {
    /// Counts a decision, or many.
    pub(super) fn add(&mut self, resource: &'a Resource, row: &Row) {
        let bucket = row.at.0 - row.at.0.rem_euclid(BUCKET);
        self.0.entry((resource, bucket)).or_default().add(row);
    }

    /// Adds to what is there.
    pub(super) async fn save(&self, kind: Kind, tx: &mut Tx) -> Result<(), Error> {
        let rows: Vec<_> = self.0.iter().collect();
        ADD.run(kind, tx, &rows, |((resource, bucket), counts), values| {
            values
                .add(resource.kind.as_str())
                .add(resource.id.as_str())
                .add(*bucket);
            values.add(counts.allowed).add(counts.warned);
            values.add(counts.rejected).add(counts.would_reject);
        })
        .await
    }
}
