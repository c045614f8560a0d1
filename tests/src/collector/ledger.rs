//! Adds up what arrived, as a collector must: each record once, and everything that is missing by number.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::event::Event;

/// What a pile of events says, by instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// By `sluice.instance`, `<process>/<vm>`.
    pub instances: BTreeMap<String, Account>,
    /// Events without instance or number, which cannot be told from their duplicates.
    pub unnumbered: usize,
}

/// What one VM has sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// Numbers missing below the highest that came. The first number may be 0 or 1.
    pub gaps: Vec<RangeInclusive<i64>>,
    /// Events that came again with the same credential, instance and number.
    pub duplicates: usize,
    /// Decisions that have an audit event: distinct `log.record.uid`, because an open stream's event is updated.
    pub audits: usize,
    /// Decisions in summaries: the sum of their `sluice.count`.
    pub summarised: i64,
    /// The one with the highest number.
    pub heartbeat: Option<Heartbeat>,
}

/// The counters of a heartbeat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// The process's, all its VMs together, since it started.
    pub decisions: i64,
    /// Events that the VM could not keep.
    pub dropped: i64,
    /// Events that the collector refused for good.
    pub refused: i64,
    /// Events that were merged into summaries.
    pub merged: i64,
    /// What waits to be sent.
    pub unsent_bytes: i64,
}

/// The accounts of one process's VMs, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Process {
    /// Audit events, summarised decisions, and the dropped and refused ones that were owned up to.
    pub accounted: i64,
    /// The highest count of decisions in any heartbeat.
    pub decisions: i64,
}

impl Process {
    /// Decisions that nobody has accounted for. Negative if the last heartbeat is older than the last event.
    #[must_use]
    pub fn lost(&self) -> i64 {
        self.decisions - self.accounted
    }
}

impl Account {
    /// Decisions that arrived, or that the VM owned up to not sending.
    #[must_use]
    pub fn accounted(&self) -> i64 {
        let heartbeat = self.heartbeat.unwrap_or_default();
        let audits = i64::try_from(self.audits).expect("events in memory can be counted");
        audits + self.summarised + heartbeat.dropped + heartbeat.refused
    }
}

/// What an account is made from.
#[derive(Default)]
struct Tally<'a> {
    account: Account,
    seen: BTreeSet<(Option<&'a str>, i64)>,
    audits: BTreeSet<&'a str>,
    heartbeat_seq: Option<i64>,
}

impl Ledger {
    /// Adds up.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let mut tallies: BTreeMap<&str, Tally<'_>> = BTreeMap::new();
        let mut unnumbered = 0;
        for event in events {
            match (event.text("sluice.instance"), event.int("sluice.seq")) {
                (Some(instance), Some(seq)) => tallies.entry(instance).or_default().add(event, seq),
                _ => unnumbered += 1,
            }
        }
        let close = |(instance, tally): (&str, Tally<'_>)| (instance.to_owned(), tally.close());
        Self {
            instances: tallies.into_iter().map(close).collect(),
            unnumbered,
        }
    }

    /// By process: the part of `sluice.instance` before the slash.
    #[must_use]
    pub fn processes(&self) -> BTreeMap<String, Process> {
        let mut processes: BTreeMap<String, Process> = BTreeMap::new();
        for (instance, account) in &self.instances {
            let name = instance
                .split_once('/')
                .map_or(instance.as_str(), |(process, _)| process);
            let process = processes.entry(name.to_owned()).or_default();
            let decisions = account.heartbeat.unwrap_or_default().decisions;
            process.accounted += account.accounted();
            process.decisions = process.decisions.max(decisions);
        }
        processes
    }

    /// All decisions that arrived or were owned up to.
    #[must_use]
    pub fn accounted(&self) -> i64 {
        self.instances.values().map(Account::accounted).sum()
    }

    /// The process counters, added up: what [`Ledger::accounted`] should be.
    #[must_use]
    pub fn decisions(&self) -> i64 {
        self.processes().values().map(|process| process.decisions).sum()
    }

    /// All numbers missing, with the instance that did not send them.
    #[must_use]
    pub fn gaps(&self) -> Vec<(&str, RangeInclusive<i64>)> {
        let gaps = self.instances.iter();
        gaps.flat_map(|(instance, account)| account.gaps.iter().map(move |gap| (instance.as_str(), gap.clone())))
            .collect()
    }

    /// Events that came again.
    #[must_use]
    pub fn duplicates(&self) -> usize {
        self.instances.values().map(|account| account.duplicates).sum()
    }
}

impl<'a> Tally<'a> {
    fn add(&mut self, event: &'a Event, seq: i64) {
        if !self.seen.insert((event.token.as_deref(), seq)) {
            self.account.duplicates += 1;
            return;
        }
        match event.name() {
            "audit" => {
                self.audits.extend(event.text("log.record.uid"));
            }
            "summary" => self.account.summarised += event.int("sluice.count").unwrap_or(0),
            "heartbeat" if self.heartbeat_seq < Some(seq) => {
                self.heartbeat_seq = Some(seq);
                self.account.heartbeat = Some(Heartbeat::of(event));
            }
            _ => {}
        }
    }

    fn close(self) -> Account {
        let numbers: BTreeSet<i64> = self.seen.iter().map(|(_, seq)| *seq).collect();
        let mut gaps = Vec::new();
        let mut expected = numbers.first().map_or(1, |first| *first.min(&1));
        for number in numbers {
            if number > expected {
                gaps.push(expected..=number - 1);
            }
            expected = number + 1;
        }
        Account {
            gaps,
            audits: self.audits.len(),
            ..self.account
        }
    }
}

impl Heartbeat {
    fn of(event: &Event) -> Self {
        let counter = |name: &str| event.int(&format!("sluice.heartbeat.{name}")).unwrap_or(0);
        Self {
            decisions: counter("decisions"),
            dropped: counter("dropped"),
            refused: counter("refused"),
            merged: counter("merged"),
            unsent_bytes: counter("unsent_bytes"),
        }
    }
}

#[cfg(test)]
mod tests;
