//! What a group of batches adds to one destination.

use std::collections::{BTreeMap, HashMap};

use sluice_policy::Action;

use crate::addresses::Addresses;
use crate::ingest::event::Row;
use crate::ingest::traffic::Counts;
use crate::moment::DAY;

/// Longer methods and paths are kept in no shape.
const LONGEST_METHOD: usize = 32;
const LONGEST_PATH: usize = 512;

/// Method and path; both empty for those that are not kept apart.
pub(super) type Shape<'a> = (&'a str, &'a str);

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Tally<'a> {
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    pub(super) last_rejected: Option<i64>,
    pub(super) last_allowed: Option<i64>,
    pub(super) addresses: Addresses,
    pub(super) days: BTreeMap<i64, Day<'a>>,
}

/// One day of it.
#[derive(Debug)]
pub(super) struct Day<'a> {
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) counts: Counts,
    pub(super) opaque: i64,
    /// How often, and when last.
    pub(super) shapes: HashMap<Shape<'a>, (i64, i64)>,
}

impl<'a> Tally<'a> {
    pub(super) fn add(&mut self, row: &'a Row) {
        let at = row.at.0;
        self.span(row.first.0, at);
        let last = match row.action {
            Action::Reject => &mut self.last_rejected,
            Action::Allow | Action::Warn => &mut self.last_allowed,
        };
        *last = (*last).max(Some(at));
        if let Some(peer) = row.peer {
            self.addresses.add(peer);
        }
        let day = row.at.day();
        let first = row.first.0.max(day * DAY);
        let day = self.days.entry(day).or_insert_with(|| Day::new(first, at));
        day.span(first, at);
        day.counts.add(row);
        match shape(row) {
            Some(shape) => {
                let (count, last) = day.shapes.entry(shape).or_insert((0, at));
                *count += row.count;
                *last = at.max(*last);
            }
            None => day.opaque += row.count,
        }
    }

    fn span(&mut self, first: i64, last: i64) {
        self.first = Some(self.first.map_or(first, |known| known.min(first)));
        self.last = self.last.max(Some(last));
    }

    pub(super) fn merge(&mut self, other: Self) {
        if let (Some(first), Some(last)) = (other.first, other.last) {
            self.span(first, last);
        }
        self.last_rejected = self.last_rejected.max(other.last_rejected);
        self.last_allowed = self.last_allowed.max(other.last_allowed);
        self.addresses.merge(&other.addresses);
        for (day, more) in other.days {
            let day = self.days.entry(day).or_insert_with(|| Day::new(more.first, more.last));
            day.span(more.first, more.last);
            day.counts.merge(more.counts);
            day.opaque += more.opaque;
            for (shape, (count, last)) in more.shapes {
                let known = day.shapes.entry(shape).or_insert((0, last));
                *known = (known.0 + count, known.1.max(last));
            }
        }
    }
}

impl Day<'_> {
    fn new(first: i64, last: i64) -> Self {
        Self {
            first,
            last,
            counts: Counts::default(),
            opaque: 0,
            shapes: HashMap::new(),
        }
    }

    fn span(&mut self, first: i64, last: i64) {
        self.first = self.first.min(first);
        self.last = self.last.max(last);
    }
}

/// What was seen of a request in clear; `None` if it was opaque.
fn shape(row: &Row) -> Option<Shape<'_>> {
    let method = row
        .method
        .as_deref()
        .filter(|method| row.protocol == "http" && *method != "CONNECT")?;
    let path = row.path.as_deref().unwrap_or_default();
    if method.len() > LONGEST_METHOD || path.len() > LONGEST_PATH || row.path_cut {
        return Some(("", ""));
    }
    Some((method, path))
}
