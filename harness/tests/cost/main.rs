//! What decisions cost, in counts that no machine and no load changes: executed operators and calls of the host.
//!
//! `baseline.json` says what they cost when somebody looked last; a rise of more than 5 % fails and says by how much.
//! Whoever means it writes a new one: `SLUICE_WRITE_BASELINE=1 cargo test --workspace --test cost`.

mod baseline;
mod work;

use std::path::Path;
use std::sync::LazyLock;

use sluice_harness::lab::LabFilter;

use crate::baseline::{Baseline, Costs};
use crate::work::Work;

fn costs(work: &Work) -> Costs {
    static FILTER: LazyLock<LabFilter> = LazyLock::new(|| LabFilter::metered().unwrap());
    let (counts, memory) = work.costs(&FILTER);
    Costs::of(counts, memory)
}

#[test]
fn nothing_costs_more_than_it_did() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cost/baseline.json");
    let now = Baseline::of(work::all().map(|work| (work.name(), costs(&work))));
    for line in now.lines() {
        println!("{line}");
    }
    if std::env::var_os("SLUICE_WRITE_BASELINE").is_some() {
        std::fs::write(&path, now.written()).unwrap();
    }
    let before = Baseline::read(&std::fs::read_to_string(&path).unwrap());
    for fall in before.falls(&now) {
        println!("less than before, worth a new baseline: {fall}");
    }
    let rises = before.rises(&now);
    assert!(rises.is_empty(), "more than the baseline says:\n{}", rises.join("\n"));
}

/// The budget of DESIGN.md.
#[test]
fn an_allowed_request_reads_little_of_the_host() {
    for work in work::all().filter(|work| work.name().contains("allowed")) {
        let reads = costs(&work).reads();
        assert!(
            reads <= 8 * work::REQUESTS,
            "{}: {reads} for {}",
            work.name(),
            work::REQUESTS
        );
    }
}

/// But for where things land in tables of hashes, which are seeded anew each time.
#[test]
fn counting_twice_gives_the_same() {
    for work in work::all() {
        let (one, other) = (costs(&work), costs(&work));
        assert_eq!(one.without_fuel(), other.without_fuel(), "{}", work.name());
        let (less, more) = (one.fuel().min(other.fuel()), one.fuel().max(other.fuel()));
        assert!(more * 100 <= less * 101, "{}: {less} and {more}", work.name());
    }
}
