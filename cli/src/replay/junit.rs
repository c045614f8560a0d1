//! A replay as JUnit XML: one test case for each destination, each expectation
//! and each skipped entry.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite};
use sluice_harness::expect::Unmet;
use sluice_harness::replay::{LeftOut, Replay};

use super::fail_on::FailOn;
use crate::decisions::{Destination, Row, by_cell, rows};

/// What the report is made of.
pub(super) struct Report<'a> {
    pub(super) replay: &'a Replay,
    pub(super) fail_on: FailOn,
    pub(super) expectations: usize,
    pub(super) unmet: &'a [Unmet],
}

impl Report<'_> {
    /// The XML document.
    pub(super) fn to_xml(&self) -> Result<String, SerializeError> {
        let mut report = quick_junit::Report::new("sluice replay");
        report.add_test_suite(self.destinations());
        if self.expectations > 0 {
            report.add_test_suite(self.expected());
        }
        if !self.replay.skipped.is_empty() {
            report.add_test_suite(self.skipped());
        }
        report.to_string()
    }

    /// A destination keeps its name whatever else is in the recording, so that
    /// a CI system can follow it from run to run.
    fn destinations(&self) -> TestSuite {
        let mut by_destination: BTreeMap<Destination<'_>, Vec<Row<'_>>> = BTreeMap::new();
        for row in rows(&self.replay.decisions) {
            by_destination.entry(row.destination).or_default().push(row);
        }
        let mut suite = TestSuite::new("destinations");
        for (destination, rows) in by_destination {
            let failing: Vec<_> = rows.iter().filter(|row| self.fail_on.names(&row.judged)).collect();
            let status = match failing.first() {
                None => TestCaseStatus::success(),
                Some(first) => failure(
                    &said(first),
                    &failing.iter().map(|row| details(row)).collect::<String>(),
                ),
            };
            let mut case = TestCase::new(destination.to_string(), status);
            case.set_classname("destinations");
            if failing.is_empty() {
                case.set_system_out(rows.iter().map(details).collect::<String>());
            }
            suite.add_test_case(case);
        }
        suite
    }

    fn expected(&self) -> TestSuite {
        let mut suite = TestSuite::new("expectations");
        for index in 0..self.expectations {
            let unmet = self.unmet.iter().filter(|unmet| unmet.index == index);
            let lines: String = unmet.map(|unmet| format!("{unmet}\n")).collect();
            let status = match lines.lines().next() {
                None => TestCaseStatus::success(),
                Some(first) => failure(first, &lines),
            };
            let mut case = TestCase::new(format!("expectation {index}"), status);
            case.set_classname("expectations");
            suite.add_test_case(case);
        }
        suite
    }

    fn skipped(&self) -> TestSuite {
        let mut suite = TestSuite::new("skipped entries");
        for left_out in &self.replay.skipped {
            let name = match left_out {
                LeftOut::Unreadable(skipped) => &skipped.source,
                LeftOut::NoTime { source_name } => source_name,
            };
            let mut status = TestCaseStatus::skipped();
            status.set_message(left_out.to_string());
            let mut case = TestCase::new(name.as_str(), status);
            case.set_classname("skipped entries");
            suite.add_test_case(case);
        }
        suite
    }
}

fn failure(message: &str, description: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message).set_description(description);
    status
}

fn said(row: &Row<'_>) -> String {
    format!("{} by {}", row.judged.action(), by_cell(row.judged.by))
}

fn details(row: &Row<'_>) -> String {
    let mut text = format!("{} × {}", row.count, said(row));
    if let Some((rule, why)) = row.judged.nearest {
        text.push_str(&format!(", nearest rule {rule} ({why})"));
    }
    text.push_str(&format!(": {}", row.sources.join(", ")));
    match row.entries.saturating_sub(row.sources.len()) {
        0 => text.push('\n'),
        more => text.push_str(&format!(" and {more} more\n")),
    }
    text
}

#[cfg(test)]
mod tests {
    use sluice_harness::expect::Shortfall;

    use super::*;

    fn read_back(fail_on: FailOn) -> quick_junit::Report {
        let unmet = [Unmet {
            index: 1,
            why: Shortfall::NothingSelected,
        }];
        let report = Report {
            replay: &super::super::sample(),
            fail_on,
            expectations: 2,
            unmet: &unmet,
        };
        quick_junit::Report::deserialize_from_str(&report.to_xml().unwrap()).unwrap()
    }

    fn failures(suite: &TestSuite) -> Vec<&str> {
        let failed = |case: &&TestCase| matches!(case.status, TestCaseStatus::NonSuccess { .. });
        suite
            .test_cases
            .iter()
            .filter(failed)
            .map(|case| case.name.as_str())
            .collect()
    }

    #[test]
    fn what_fails_is_what_fail_on_names() {
        let rejected = ["\"a\\x00<b>\"", "api.example.com:443", "cdn.example.com:443"];
        for (fail_on, expected) in [
            (FailOn::None, Vec::new()),
            (FailOn::Reject, rejected.to_vec()),
            (FailOn::Warn, [&rejected[..], &["new.example.com:443"]].concat()),
        ] {
            let report = read_back(fail_on);
            let [destinations, expectations, skipped] = &report.test_suites[..] else {
                panic!("three suites: {report:?}");
            };
            assert_eq!(failures(destinations), expected, "{fail_on}");
            assert_eq!((destinations.tests, destinations.failures), (5, expected.len()));
            assert_eq!(failures(expectations), ["expectation 1"]);
            assert_eq!((expectations.tests, skipped.skipped), (2, 1));
        }
    }
}
