//! That the file says why, and that the sequences it lists are tried.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sluice_tests::table::{Sequence, sequences};

use crate::{TABLE, sections};

/// The tests of sequences; what else is listed is a test of another folder.
const FOLDER: &str = "ways_round";

fn listed() -> Vec<Sequence> {
    let sequences = sequences(TABLE);
    assert!(sequences.len() > 10, "{} sequences", sequences.len());
    sequences
}

#[test]
fn every_row_says_why() {
    let rows = sections().into_iter().flat_map(|section| section.rows);
    let rows = rows.map(|row| (row.text, row.why));
    let sequences = listed().into_iter().map(|sequence| (sequence.text, sequence.why));
    for (text, why) in rows.chain(sequences) {
        assert!(why.split(' ').count() > 1, "a reason is a few words: {text}");
    }
}

#[test]
fn every_sequence_is_a_test() {
    for Sequence {
        text,
        sent,
        expected,
        test,
        ..
    } in listed()
    {
        assert!(!sent.is_empty() && !expected.is_empty(), "{text}");
        let (file, name) = test
            .rsplit_once("::")
            .unwrap_or_else(|| panic!("file::test is expected: {text}"));
        let file = folder().join(format!("{}.rs", file.replace("::", "/")));
        assert!(
            tests_of(&file).contains(name),
            "{} has no test {name}: {text}",
            file.display()
        );
    }
}

#[test]
fn every_test_of_a_sequence_is_listed() {
    let listed: BTreeSet<String> = listed().into_iter().map(|sequence| sequence.test).collect();
    let entries = fs::read_dir(folder().join(FOLDER)).expect("the checkout is complete");
    let files = entries.map(|entry| entry.expect("it can be read").path());
    let mut seen = 0;
    for file in files {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        for name in tests_of(&file) {
            let test = format!("{FOLDER}::{stem}::{name}");
            assert!(listed.contains(&test), "{test} is not listed in behaviour.md");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen} tests in {FOLDER}");
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The names of the tests in a file.
fn tests_of(file: &Path) -> BTreeSet<String> {
    let source = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let after = source.split("#[test]\n").skip(1);
    let name = |rest: &str| Some(rest.split_once("fn ")?.1.split_once('(')?.0.to_owned());
    after.filter_map(name).collect()
}
