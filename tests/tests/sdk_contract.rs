//! Every line of the REST contract, on both stores: `tests/sdk_contract/*.yml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sluice_tests::contract::{self, Row};
use sluice_tests::sluice::Sluice;

fn tables() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk_contract");
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let read = |file: std::io::Result<fs::DirEntry>| {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    files.map(read).collect()
}

fn rows(name: &str) -> Vec<Row> {
    contract::read(name, &tables()[name])
}

/// Each table begins with the same credentials, at a collector of its own.
fn failures(name: &str, rows: Vec<Row>, collector: &Sluice) -> Vec<String> {
    let whole = [self::rows("setup"), rows].concat();
    contract::run(name, &whole, &collector.addresses())
}

fn holds(name: &str) {
    let mut wrong = Vec::new();
    for (store, collector) in [("SQLite", Sluice::sqlite()), ("PostgreSQL", Sluice::postgres())] {
        let failures = failures(name, rows(name), &collector);
        wrong.extend(failures.iter().map(|failure| format!("{store}, {failure}")));
    }
    assert!(
        wrong.is_empty(),
        "{} rows do not hold:\n\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

macro_rules! tables {
    ($($name:ident)+) => {
        $(#[test]
        fn $name() {
            holds(stringify!($name));
        })+

        #[test]
        fn no_table_is_left_out() {
            let walked = [$(stringify!($name)),+, "setup"];
            for name in tables().keys() {
                assert!(walked.contains(&name.as_str()), "{name} is not walked");
            }
        }
    };
}

tables!(access audit envelopes operations overview pending policies proxies resources review rules streams);

#[test]
fn a_row_that_does_not_hold_is_found() {
    let collector = Sluice::sqlite();
    let wrong = [
        "- {says: x, call: GET /healthz, as: nobody, status: 500}",
        "- {says: x, call: GET /egress/policies, status: 200, answer: {data: []}}",
        "- {says: x, call: GET /egress/policies, status: 200, answer_headers: {content-type: $absent}}",
        "- {says: x, call: GET /egress/policies, as: somebody, status: 200}",
        "- {says: x, call: GET /egress/policies, status: 200, keep: {y: /data/0}}",
        "- {says: x, send: {as: nobody, resource: sandbox/sb_1, instance: p/1, events: [{}]}}",
    ];
    let rows: Vec<Row> = wrong.iter().flat_map(|row| contract::read("wrong", row)).collect();
    let failures = failures("wrong", rows, &collector);
    assert_eq!(failures.len(), wrong.len(), "{failures:#?}");
    assert!(failures[0].contains("expected status 500, got 200"), "{}", failures[0]);
}
