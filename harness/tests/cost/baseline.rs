//! Costs, as a file keeps them, and how others compare.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluice_harness::lab::Counts;

/// What a work cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Costs(BTreeMap<String, u64>);

/// Works by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Baseline(BTreeMap<String, Costs>);

/// How much more is none, in percent.
const SLACK: u64 = 5;
/// What begins the names of host functions that read something of a stream.
const READS: [&str; 4] = [
    "proxy_get_header_map_value",
    "proxy_get_header_map_pairs",
    "proxy_get_property",
    "proxy_get_buffer_bytes",
];

impl Costs {
    pub(crate) fn of(counts: Counts, memory: usize) -> Self {
        let mut costs = BTreeMap::from([
            ("fuel".to_owned(), counts.fuel),
            ("memory bytes".to_owned(), u64::try_from(memory).unwrap()),
            ("host calls".to_owned(), counts.host_calls.values().sum()),
        ]);
        costs.extend(counts.host_calls);
        Self(costs)
    }

    pub(crate) fn fuel(&self) -> u64 {
        self.0.get("fuel").copied().unwrap_or_default()
    }

    pub(crate) fn without_fuel(&self) -> Self {
        let others = self.0.iter().filter(|(what, _)| *what != "fuel");
        Self(others.map(|(what, number)| (what.clone(), *number)).collect())
    }

    /// How often something of a stream was read.
    pub(crate) fn reads(&self) -> u64 {
        READS.iter().filter_map(|name| self.0.get(*name)).sum()
    }
}

impl Baseline {
    pub(crate) fn of(works: impl Iterator<Item = (String, Costs)>) -> Self {
        Self(works.collect())
    }

    pub(crate) fn read(text: &str) -> Self {
        let works: BTreeMap<String, BTreeMap<String, u64>> = serde_json::from_str(text).unwrap();
        Self::of(works.into_iter().map(|(name, costs)| (name, Costs(costs))))
    }

    pub(crate) fn written(&self) -> String {
        let works = self.0.iter().map(|(name, costs)| (name.clone(), json!(costs.0)));
        let mut text = serde_json::to_string_pretty(&Value::Object(works.collect())).unwrap();
        text.push('\n');
        text
    }

    /// A line for each work.
    pub(crate) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(name, costs)| {
            let of = |what: &str| costs.0.get(what).copied().unwrap_or_default();
            format!(
                "{name}: {} fuel, {} host calls, {} reads",
                of("fuel"),
                of("host calls"),
                costs.reads()
            )
        })
    }

    /// What costs more than `self` says, or is new or gone.
    pub(crate) fn rises(&self, now: &Self) -> Vec<String> {
        let gone = self.0.keys().filter(|name| !now.0.contains_key(*name));
        let mut rises: Vec<String> = gone.map(|name| format!("{name}: no work any more")).collect();
        for (name, costs) in &now.0 {
            match self.0.get(name) {
                Some(before) => rises.extend(changes(name, before, costs, |before, now| {
                    now * 100 > before * (100 + SLACK)
                })),
                None => rises.push(format!("{name}: not in the baseline")),
            }
        }
        rises
    }

    /// What costs less.
    pub(crate) fn falls(&self, now: &Self) -> Vec<String> {
        let both = now
            .0
            .iter()
            .filter_map(|(name, costs)| Some((name, self.0.get(name)?, costs)));
        let falls = both.flat_map(|(name, before, costs)| {
            changes(name, before, costs, |before, now| now * (100 + SLACK) < before * 100)
        });
        falls.collect()
    }
}

fn changes(name: &str, before: &Costs, now: &Costs, is_one: impl Fn(u64, u64) -> bool) -> Vec<String> {
    let what = before
        .0
        .keys()
        .chain(now.0.keys().filter(|what| !before.0.contains_key(*what)));
    let numbers = what.map(|what| {
        let of = |costs: &Costs| costs.0.get(what).copied().unwrap_or_default();
        (what, of(before), of(now))
    });
    let changed = numbers.filter(|(_, before, now)| is_one(*before, *now));
    let line = |(what, before, now): (&String, u64, u64)| {
        let percent = (now as f64 / before as f64 - 1.0) * 100.0;
        let share = if before == 0 {
            "new".to_owned()
        } else {
            format!("{percent:+.1} %")
        };
        format!("{name}: {what} {before} → {now} ({share})")
    };
    changed.map(line).collect()
}

#[test]
fn a_rise_is_told_with_its_size() {
    let costs = |fuel: u64, calls: u64| {
        let counts = Counts {
            fuel,
            host_calls: BTreeMap::from([("proxy_get_property".to_owned(), calls)]),
            ..Counts::default()
        };
        Baseline::of([("work".to_owned(), Costs::of(counts, 65_536))].into_iter())
    };
    let before = costs(1_000, 100);
    assert_eq!(Baseline::read(&before.written()), before);
    assert!(before.rises(&costs(1_050, 105)).is_empty());
    let rises = before.rises(&costs(1_051, 200));
    assert_eq!(rises.len(), 3, "{rises:?}");
    assert_eq!(rises[0], "work: fuel 1000 → 1051 (+5.1 %)");
    assert_eq!(before.falls(&costs(900, 100)), ["work: fuel 1000 → 900 (-10.0 %)"]);
    let none = Baseline::of(std::iter::empty());
    assert_eq!(before.rises(&none), ["work: no work any more"]);
    assert_eq!(none.rises(&before), ["work: not in the baseline"]);
    let without_calls = Baseline::read(r#"{"work": {"fuel": 1000, "host calls": 100, "memory bytes": 65536}}"#);
    assert!(
        without_calls.rises(&before)[0].contains("proxy_get_property 0 → 100"),
        "{:?}",
        without_calls.rises(&before)
    );
}
