//! What was measured, in tables.

use std::fmt::Write as _;
use std::time::Duration;

use crate::load::RATE;
use crate::subject::{Protocol, Subject};

/// Of one subject in one round.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Over HTTP/1.1, or connections.
    pub(crate) per_second: f64,
    /// What Envoy spent on each of these.
    pub(crate) cpu_micros: f64,
    pub(crate) http2_per_second: f64,
    pub(crate) latencies: Vec<Duration>,
}

/// All rounds of one subject.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) subject: Subject,
    rounds: Vec<Figures>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) rows: Vec<Row>,
    envoy: String,
}

impl Row {
    fn numbers(&self, of: impl Fn(&Figures) -> f64) -> Vec<f64> {
        let mut numbers: Vec<f64> = self.rounds.iter().map(of).collect();
        numbers.sort_by(f64::total_cmp);
        numbers
    }

    fn median(&self, of: impl Fn(&Figures) -> f64) -> f64 {
        let numbers = self.numbers(of);
        numbers.get(numbers.len() / 2).copied().unwrap_or_default()
    }

    fn spread(&self, of: impl Fn(&Figures) -> f64) -> String {
        let numbers = self.numbers(of);
        let of = |number: Option<&f64>| number.copied().unwrap_or_default();
        format!("{:.0}–{:.0}", of(numbers.first()), of(numbers.last()))
    }

    pub(crate) fn cpu_micros(&self) -> f64 {
        self.median(|figures| figures.cpu_micros)
    }

    /// In milliseconds, over all rounds.
    fn latency(&self, percent: usize) -> f64 {
        let mut all: Vec<Duration> = self
            .rounds
            .iter()
            .flat_map(|round| round.latencies.iter().copied())
            .collect();
        all.sort();
        let at = (all.len() * percent / 100).min(all.len().saturating_sub(1));
        all.get(at).map_or(0.0, |took| took.as_secs_f64() * 1e3)
    }
}

impl Report {
    pub(crate) fn new(subjects: &[Subject], envoy: String) -> Self {
        let row = |subject: &Subject| Row {
            subject: subject.clone(),
            rounds: Vec::new(),
        };
        Self {
            rows: subjects.iter().map(row).collect(),
            envoy,
        }
    }

    pub(crate) fn add(&mut self, subject: &Subject, figures: Figures) {
        let row = self.rows.iter_mut().find(|row| row.subject.name == subject.name);
        row.expect("it has a row").rounds.push(figures);
    }

    fn of(&self, protocol: Protocol) -> Vec<&Row> {
        self.rows
            .iter()
            .filter(|row| row.subject.protocol == protocol)
            .collect()
    }

    /// As Markdown.
    pub(crate) fn tables(&self, rounds: u32, seconds: u32) -> String {
        let mut text = format!(
            "Envoy {}, one worker; medians of {rounds} interleaved rounds of {seconds} s; latencies at {RATE} requests/s.\n\n",
            self.envoy
        );
        self.http(&mut text);
        self.tls(&mut text);
        text
    }

    fn http(&self, text: &mut String) {
        let rows = self.of(Protocol::Http);
        let Some(first) = rows.first() else { return };
        let base = |of: fn(&Figures) -> f64| first.median(of);
        let (http1, http2) = (base(|round| round.per_second), base(|round| round.http2_per_second));
        text.push_str(
            "| | HTTP/1.1 req/s | ratio | least–most | HTTP/2 req/s | ratio | Envoy CPU µs/request | p50 ms | p99 ms |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for row in rows {
            let (one, two) = (
                row.median(|round| round.per_second),
                row.median(|round| round.http2_per_second),
            );
            let _ = writeln!(
                text,
                "| {} | {one:.0} | {:.2} | {} | {two:.0} | {:.2} | {:.1} | {:.2} | {:.2} |",
                row.subject.name,
                one / http1,
                row.spread(|round| round.per_second),
                two / http2,
                row.cpu_micros(),
                row.latency(50),
                row.latency(99),
            );
        }
    }

    fn tls(&self, text: &mut String) {
        let rows = self.of(Protocol::Tls);
        let Some(first) = rows.first() else { return };
        let base = first.median(|round| round.per_second);
        text.push_str("\n| | connections/s | ratio | least–most | Envoy CPU µs/connection |\n|---|--:|--:|--:|--:|\n");
        for row in rows {
            let connections = row.median(|round| round.per_second);
            let _ = writeln!(
                text,
                "| {} | {connections:.0} | {:.2} | {} | {:.1} |",
                row.subject.name,
                connections / base,
                row.spread(|round| round.per_second),
                row.cpu_micros(),
            );
        }
    }
}
