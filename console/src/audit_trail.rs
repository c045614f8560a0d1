//! The rows of the audit page, the newest first: pages of older ones at the end, those that arrive at the top. What is
//! there never has a gap: if more arrives than is kept, what is older goes, and can be asked for again.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::audit_filter::{before, micros};
use crate::model::AuditRow;

/// How many of the rows that arrived are kept.
pub const TAIL: usize = 500;

/// The rows as far as they were fetched.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trail {
    /// The newest first.
    rows: VecDeque<Arc<AuditRow>>,
    /// Those that arrived and are not shown yet, the newest first.
    held: VecDeque<Arc<AuditRow>>,
    /// How many arrived and are not shown yet, with those that are not kept.
    waiting: usize,
    /// How many of the rows arrived.
    arrived: usize,
    /// How many were ever put on top of the first page.
    added: i64,
    /// Where older ones are.
    older: Option<String>,
}

impl Trail {
    /// The first page, as the API answers it: the oldest first.
    #[must_use]
    pub fn of_page(rows: Vec<AuditRow>, older: Option<String>) -> Self {
        Self {
            rows: rows.into_iter().rev().map(Arc::new).collect(),
            older,
            ..Self::default()
        }
    }

    /// The next page of older rows, as the API answers it.
    pub fn add_older(&mut self, rows: Vec<AuditRow>, older: Option<String>) {
        self.rows.extend(rows.into_iter().rev().map(Arc::new));
        self.older = older;
    }

    /// A row arrived; whether it is new. Streams that begin again repeat rows.
    pub fn arrive(&mut self, row: AuditRow) -> bool {
        if self.newest().is_some_and(|newest| row.inserted_at.as_str() <= newest) {
            return false;
        }
        self.held.push_front(Arc::new(row));
        self.held.truncate(TAIL);
        self.waiting += 1;
        true
    }

    /// Shows what arrived.
    pub fn release(&mut self) {
        let has_gap = self.waiting > self.held.len();
        if has_gap {
            // Some of it is gone, and with it what leads to the rows that are there.
            self.rows.clear();
            self.arrived = 0;
        }
        let coming = self.held.len();
        self.added += coming as i64;
        self.arrived += coming;
        while let Some(row) = self.held.pop_back() {
            self.rows.push_front(row);
        }
        self.waiting = 0;
        if has_gap || self.arrived > TAIL {
            self.rows.truncate(TAIL);
            self.arrived = self.rows.len();
            let last = self.rows.back().and_then(|row| micros(&row.inserted_at));
            self.older = last.map(before);
        }
    }

    /// When the newest row was stored, shown or not.
    #[must_use]
    pub fn newest(&self) -> Option<&str> {
        let newest = self.held.front().or_else(|| self.rows.front());
        newest.map(|row| row.inserted_at.as_str())
    }

    /// How many rows arrived and are not shown yet.
    #[must_use]
    pub const fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many rows are shown.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The cursor of what is older.
    #[must_use]
    pub fn older(&self) -> Option<&str> {
        self.older.as_deref()
    }

    /// Rows with their places. A row keeps its place when others arrive above it; `index = place + added`.
    #[must_use]
    pub fn shown(&self, from: usize, to: usize) -> Vec<(i64, Arc<AuditRow>)> {
        let to = to.min(self.rows.len());
        let from = from.min(to);
        let rows = self.rows.range(from..to).cloned();
        rows.zip(from as i64 - self.added..)
            .map(|(row, place)| (place, row))
            .collect()
    }

    /// How many rows were put on top since the first page.
    #[must_use]
    pub const fn added(&self) -> i64 {
        self.added
    }

    /// Where a place is now.
    #[must_use]
    pub fn index(&self, place: i64) -> Option<usize> {
        let index = usize::try_from(place + self.added).ok()?;
        (index < self.rows.len()).then_some(index)
    }
}

/// How a list of equal rows, of which one may be unfolded, lies in a box that scrolls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// How high a row is.
    pub row: f64,
    /// How many there are.
    pub count: usize,
    /// Which is unfolded, and how much higher it is.
    pub unfolded: Option<(usize, f64)>,
}

impl Layout {
    /// Where a row begins.
    #[must_use]
    pub fn offset(&self, index: usize) -> f64 {
        let extra = match self.unfolded {
            Some((open, extra)) if open < index => extra,
            _ => 0.0,
        };
        index as f64 * self.row + extra
    }

    /// How high the list is.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.offset(self.count)
    }

    /// The row at a height.
    #[must_use]
    pub fn at(&self, y: f64) -> usize {
        let y = match self.unfolded {
            Some((open, extra)) if y >= self.offset(open) + self.row => {
                (y - extra).max(self.offset(open) + self.row / 2.0)
            }
            _ => y,
        };
        ((y.max(0.0) / self.row.max(1.0)) as usize).min(self.count)
    }

    /// The rows of which something is seen, and `margin` more at both ends.
    #[must_use]
    pub fn seen(&self, top: f64, height: f64, margin: usize) -> (usize, usize) {
        let first = self.at(top).saturating_sub(margin);
        (first, (self.at(top + height) + 1 + margin).min(self.count))
    }
}

#[cfg(test)]
mod tests;
