//! Decisions over time.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::Row;

use super::destinations::count;
use super::selection::Selection;
use crate::error::Error;
use crate::moment::{Moment, SECOND};
use crate::store::Store;

/// The seconds that ingest counts together: no step is finer.
const FINEST: i64 = 300;
/// How many points an answer may have.
const MOST: i64 = 2_000;

/// What was decided in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Point {
    /// When the step begins.
    pub at: Moment,
    /// Action allow.
    pub allowed: u64,
    /// Action warn.
    pub warned: u64,
    /// Action reject.
    pub rejected: u64,
    /// Verdict reject, in every mode.
    pub would_reject: u64,
}

/// The decisions on the selected resources, a point for each `step` seconds from
/// the step that `since` is in to the one that ends at `until` or after, those
/// with none included.
///
/// # Errors
/// [`Error::Validation`] for a step that does not fit, saying which would; what the database says.
pub async fn of(
    store: &Store,
    selection: &Selection,
    since: Moment,
    until: Moment,
    step: i64,
) -> Result<Vec<Point>, Error> {
    let steps = steps(since, until, step)?;
    let mut points: BTreeMap<i64, Point> = steps.clone().map(|at| (at, Point::new(at))).collect();
    // Division cuts off, and no bucket is before the epoch.
    const SUMS: &str = "SELECT bucket / $3 * $3, CAST(SUM(allowed) AS BIGINT), CAST(SUM(warned) AS BIGINT), \
         CAST(SUM(rejected) AS BIGINT), CAST(SUM(would_reject) AS BIGINT) \
         FROM traffic WHERE {} AND bucket >= $1 AND bucket < $2 GROUP BY 1";
    let filter = selection.filter();
    let query = filter.query(SUMS, &[steps.next, steps.end, steps.step]);
    for row in query.fetch_all(store.read()).await? {
        if let Some(point) = points.get_mut(&row.try_get(0)?) {
            point.allowed += count(row.try_get(1)?);
            point.warned += count(row.try_get(2)?);
            point.rejected += count(row.try_get(3)?);
            point.would_reject += count(row.try_get(4)?);
        }
    }
    Ok(points.into_values().collect())
}

/// The steps, in microseconds.
#[derive(Debug, Clone)]
struct Steps {
    next: i64,
    end: i64,
    step: i64,
}

impl Iterator for Steps {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let at = self.next;
        self.next = at.saturating_add(self.step);
        (at < self.end).then_some(at)
    }
}

fn steps(since: Moment, until: Moment, step: i64) -> Result<Steps, Error> {
    if step < FINEST || step % FINEST != 0 || step.checked_mul(SECOND).is_none() {
        let fits = (step.clamp(0, 366 * 86_400) + FINEST - 1) / FINEST * FINEST;
        let expected = format!("a multiple of {FINEST} seconds, such as {}", fits.max(FINEST));
        return Err(Error::field("step", step, &expected));
    }
    let span = until.0.checked_sub(since.0).filter(|span| *span >= 0);
    let Some(span) = span else {
        return Err(Error::field("until", until, &format!("a time after since, {since}")));
    };
    let micros = step * SECOND;
    let start = since.0 - since.0.rem_euclid(micros);
    // Half of a step at either end may be a point more.
    if (until.0 - start) / micros >= MOST {
        let least = span / (MOST - 1) / SECOND + 1;
        let fits = (least + FINEST - 1) / FINEST * FINEST;
        let expected = format!("long enough for at most {MOST} points in this window: {fits} would do");
        return Err(Error::field("step", step, &expected));
    }
    Ok(Steps {
        next: start,
        end: until.0,
        step: micros,
    })
}

impl Point {
    fn new(at: i64) -> Self {
        Self {
            at: Moment(at),
            allowed: 0,
            warned: 0,
            rejected: 0,
            would_reject: 0,
        }
    }
}
