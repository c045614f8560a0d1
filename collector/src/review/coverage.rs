//! Coverage: whether the window was long enough to judge by.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::Row;

use super::destinations::count;
use super::selection::{Filter, Selection};
use crate::error::Error;
use crate::moment::{DAY, Moment};
use crate::store::Store;

/// How many days make a week.
const WEEK: i64 = 7;

/// What a window covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Where the window begins.
    pub since: Moment,
    /// Where it ends.
    pub until: Moment,
    /// On how many days (UTC) there was traffic.
    pub days: usize,
    /// The first event; of the whole first day.
    pub first_event: Option<Moment>,
    /// The last one.
    pub last_event: Option<Moment>,
    /// How many requests and connections.
    pub requests: u64,
    /// How many hosts and ports.
    pub destinations: u64,
    /// When a destination was last seen for the first time.
    pub last_new_destination: Option<Moment>,
    /// Whole days since then.
    pub days_since_new_destination: Option<i64>,
    /// By day, from the first with traffic to the end of the window.
    pub growth: Vec<Growth>,
    /// On which days of the week there was traffic.
    pub weekdays: Weekdays,
    /// Whether it reaches over seven days or more.
    pub full_week: bool,
    /// What to make of it.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
}

/// One day of the growth curve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Growth {
    /// When it begins.
    pub day: Moment,
    /// Destinations that were first seen on it.
    pub new: u64,
    /// Those of the window that were known by its end.
    pub total: u64,
}

/// The days of the week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "they are the days of the week")]
pub struct Weekdays {
    pub monday: bool,
    pub tuesday: bool,
    pub wednesday: bool,
    pub thursday: bool,
    pub friday: bool,
    pub saturday: bool,
    pub sunday: bool,
}

/// Whether the window was long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was.
    Complete,
    /// New destinations still appear.
    Growing,
    /// It was no full week.
    TooShort,
}

/// What the selected resources' traffic between two times covers.
///
/// # Errors
/// What the database says.
pub async fn of(store: &Store, selection: &Selection, since: Moment, now: Moment) -> Result<Coverage, Error> {
    let mut counted = Counted::default();
    let filter = selection.filter();
    counted.read_days(store, &filter, since).await?;
    counted.read_destinations(store, &filter, since).await?;
    Ok(counted.coverage(since, now))
}

/// What is in the tables.
#[derive(Debug, Default)]
struct Counted {
    days: BTreeSet<i64>,
    first: Option<i64>,
    last: Option<i64>,
    requests: u64,
    /// How many destinations were first seen on which day.
    found: BTreeMap<i64, u64>,
    /// When one was last seen for the first time.
    newest: Option<i64>,
}

impl Counted {
    async fn read_days(&mut self, store: &Store, filter: &Filter<'_>, since: Moment) -> Result<(), Error> {
        const DAYS: &str = "SELECT day, MIN(first_seen), MAX(last_seen), CAST(SUM(requests) AS BIGINT) \
             FROM destination_days WHERE {} AND day >= $1 AND last_seen >= $2 GROUP BY day";
        let query = filter.query(DAYS, &[since.day(), since.0]);
        for row in query.fetch_all(store.read()).await? {
            self.days.insert(row.try_get(0)?);
            self.first = self.first.into_iter().chain([row.try_get(1)?]).min();
            self.last = self.last.max(Some(row.try_get(2)?));
            self.requests += count(row.try_get(3)?);
        }
        Ok(())
    }

    /// Those of the window, counted by the database, but looked at all there are: a destination that one
    /// resource had long ago is nothing new where another finds it. Whatever comes to the row for many may
    /// be a name that never was there before.
    async fn read_destinations(&mut self, store: &Store, filter: &Filter<'_>, since: Moment) -> Result<(), Error> {
        const FOUND: &str = "SELECT found / $2, COUNT(*), MAX(found) FROM (SELECT MAX(last_seen) AS last, \
             CASE WHEN MAX(overflow) = 0 THEN MIN(first_seen) ELSE MAX(last_seen) END AS found \
             FROM destinations WHERE {} GROUP BY host, port) AS one WHERE last >= $1 GROUP BY 1";
        for row in filter.query(FOUND, &[since.0, DAY]).fetch_all(store.read()).await? {
            self.found.insert(row.try_get(0)?, count(row.try_get(1)?));
            self.newest = self.newest.max(Some(row.try_get(2)?));
        }
        Ok(())
    }

    fn coverage(self, since: Moment, now: Moment) -> Coverage {
        let newest = self.newest.filter(|newest| *newest >= since.0);
        let growth = growth(&self.found, self.days.first().copied(), now);
        let weekdays = Weekdays::of(&self.days);
        let (first_day, last_day) = (self.days.first().copied(), self.days.last().copied());
        let span = first_day.zip(last_day).map_or(0, |(first, last)| last - first + 1);
        let (verdict, reason) = verdict(span, weekdays, newest, now);
        Coverage {
            since,
            until: now,
            days: self.days.len(),
            first_event: self.first.map(Moment),
            last_event: self.last.map(Moment),
            requests: self.requests,
            destinations: self.found.values().sum(),
            last_new_destination: newest.map(Moment),
            days_since_new_destination: newest.map(|newest| (now.0 - newest).max(0) / DAY),
            growth,
            weekdays,
            full_week: span >= WEEK,
            verdict,
            reason,
        }
    }
}

fn growth(found: &BTreeMap<i64, u64>, first_day: Option<i64>, now: Moment) -> Vec<Growth> {
    let Some(first_day) = first_day else { return Vec::new() };
    let mut total = found.range(..first_day).map(|(_, new)| new).sum();
    (first_day..=now.day())
        .map(|day| {
            let new = found.get(&day).copied().unwrap_or_default();
            total += new;
            Growth {
                day: Moment(day.saturating_mul(DAY)),
                new,
                total,
            }
        })
        .collect()
}

fn verdict(span: i64, weekdays: Weekdays, newest: Option<i64>, now: Moment) -> (Verdict, String) {
    let missing = weekdays.missing();
    match newest {
        _ if span == 0 => (
            Verdict::TooShort,
            "There was no traffic at all in this window.".to_owned(),
        ),
        _ if span < WEEK => (
            Verdict::TooShort,
            format!(
                "Traffic was seen over {span} of the 7 days that make a week: what runs weekly may not have run yet."
            ),
        ),
        _ if !missing.is_empty() => (
            Verdict::TooShort,
            format!(
                "There was no traffic on any {}: if the workload runs then at times, what it needs was not seen.",
                missing.join(", ")
            ),
        ),
        Some(newest) if newest > now.0.saturating_sub(DAY) => (
            Verdict::Growing,
            format!(
                "A new destination appeared within the last day, at {}: more may come.",
                Moment(newest)
            ),
        ),
        Some(newest) => (
            Verdict::Complete,
            format!(
                "A full week with each of its days was seen, and nothing new since {}.",
                Moment(newest)
            ),
        ),
        None => (
            Verdict::Complete,
            "A full week with each of its days was seen, and nothing new in all of it.".to_owned(),
        ),
    }
}

impl Weekdays {
    const NAMES: [&'static str; 7] = [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ];

    fn of(days: &BTreeSet<i64>) -> Self {
        // The first day of the Unix epoch was a Thursday.
        let has = |weekday: i64| days.iter().any(|day| (day + 3).rem_euclid(WEEK) == weekday);
        Self {
            monday: has(0),
            tuesday: has(1),
            wednesday: has(2),
            thursday: has(3),
            friday: has(4),
            saturday: has(5),
            sunday: has(6),
        }
    }

    fn missing(self) -> Vec<&'static str> {
        let Self {
            monday,
            tuesday,
            wednesday,
            thursday,
            friday,
            saturday,
            sunday,
        } = self;
        let seen = [monday, tuesday, wednesday, thursday, friday, saturday, sunday];
        let missing = Self::NAMES.into_iter().zip(seen).filter(|(_, seen)| !seen);
        missing.map(|(name, _)| name).collect()
    }
}
