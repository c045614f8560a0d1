//! Walks `behaviour.md`: every row on the deciding crate, on the `.wasm` in the harness, and in real Envoy.

mod checking;
mod deciding;
mod listed;
mod scenes;
mod sending;

use sluice_harness::engine::CompiledFilter;
use sluice_tests::table::{self, Section};

use checking::{Mismatches, check};
use deciding::{in_the_harness, natively};
use scenes::Scenes;
use sending::Sent;

const TABLE: &str = include_str!("../../behaviour.md");

fn sections() -> Vec<Section> {
    let sections = table::read(TABLE);
    let rows: usize = sections.iter().map(|section| section.rows.len()).sum();
    assert!(
        sections.len() > 10 && rows > 300,
        "{rows} rows in {} sections",
        sections.len()
    );
    sections
}

#[test]
fn the_deciding_crate_decides_as_written() {
    let mut mismatches = Mismatches::default();
    for section in sections() {
        for (row, record) in section.rows.iter().zip(natively(&section)) {
            mismatches.expect(row, "decision", table::words(&record), row.decision.clone());
            mismatches.expect(row, "target", table::target(&record), row.target.clone());
        }
    }
}

#[test]
fn the_filter_in_the_harness_decides_the_same() {
    let filter = CompiledFilter::embedded().expect("the filter is a plugin");
    let mut mismatches = Mismatches::default();
    for section in sections() {
        let expected = natively(&section);
        let found = in_the_harness(&section, &filter);
        for ((row, found), expected) in section.rows.iter().zip(found).zip(expected) {
            mismatches.expect(row, "record", found, expected);
        }
    }
}

#[test]
fn the_filter_in_envoy_decides_the_same() {
    let mut scenes = Scenes::start();
    let mut mismatches = Mismatches::default();
    // Lines of the log are known by the client's port, which must not be used twice.
    let mut open = Vec::new();
    for section in sections() {
        scenes.switch(&section);
        // First everything is sent, each row on a connection of its own; the log comes later.
        let sent: Vec<Sent> = section
            .rows
            .iter()
            .map(|row| Sent::send(row, scenes.place(row.form).listener))
            .collect();
        open.extend(scenes.mark(&section));
        for ((row, sent), expected) in section.rows.iter().zip(&sent).zip(natively(&section)) {
            check(row, sent, &expected, scenes.place(row.form).envoy, &mut mismatches);
        }
        open.extend(sent);
    }
    scenes.nothing_was_resolved();
}
