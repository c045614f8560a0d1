//! Rows that come from both ends.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn row(number: usize) -> AuditRow {
    AuditRow {
        id: format!("aud_{number}"),
        inserted_at: format!("2026-11-01T00:{:02}:{:02}.000000Z", number / 60, number % 60),
        ..AuditRow::default()
    }
}

fn page(numbers: std::ops::Range<usize>) -> Vec<AuditRow> {
    numbers.map(row).collect()
}

fn ids(trail: &Trail) -> Vec<String> {
    let shown = trail.shown(0, usize::MAX);
    shown.iter().map(|(_, row)| row.id.clone()).collect()
}

fn expected(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.rev().map(|number| format!("aud_{number}")).collect()
}

#[test]
fn pages_and_arrivals_make_one_list_without_a_gap() {
    let mut trail = Trail::of_page(page(100..110), Some("before.1".to_owned()));
    trail.add_older(page(90..100), None);
    assert_eq!(ids(&trail), expected(90..110));
    // What is repeated does not count.
    let new = [108, 109, 110, 111, 110].map(|number| trail.arrive(row(number)));
    assert_eq!(new, [false, false, true, true, false]);
    assert_eq!((trail.waiting(), trail.len()), (2, 20));
    assert_eq!(trail.newest(), Some(row(111).inserted_at.as_str()));
    trail.release();
    assert_eq!(ids(&trail), expected(90..112));
    assert_eq!((trail.waiting(), trail.older()), (0, None));
}

#[test]
fn rows_keep_their_places() {
    let mut trail = Trail::of_page(page(10..20), None);
    let before = trail.shown(2, 4);
    trail.arrive(row(20));
    trail.arrive(row(21));
    trail.release();
    assert_eq!(trail.shown(4, 6), before);
    assert_eq!(trail.index(before[0].0), Some(4));
    assert_eq!(trail.shown(0, 1)[0].0, -2);
    assert_eq!(trail.index(-3), None);
    assert_eq!(trail.index(10), None);
    assert!(trail.shown(50, 60).is_empty());
}

#[test]
fn a_long_tail_lets_go_of_what_is_older_and_knows_where_it_is() {
    let mut trail = Trail::of_page(page(0..10), None);
    for number in 10..10 + TAIL + 1 {
        assert!(trail.arrive(row(number)));
        trail.release();
        assert!(trail.len() <= TAIL + 10);
    }
    assert_eq!(ids(&trail), expected(11..11 + TAIL));
    let last = micros(&row(11).inserted_at).unwrap();
    assert_eq!(trail.older(), Some(before(last).as_str()));
    // And goes on so.
    trail.add_older(page(0..11), None);
    assert_eq!(ids(&trail), expected(0..11 + TAIL));
}

#[test]
fn more_than_is_kept_arrives_while_nobody_looks() {
    let mut trail = Trail::of_page(page(0..10), Some("before.0".to_owned()));
    for number in 10..10 + TAIL + 40 {
        trail.arrive(row(number));
    }
    assert_eq!((trail.waiting(), trail.len()), (TAIL + 40, 10));
    trail.release();
    assert_eq!(ids(&trail), expected(50..50 + TAIL));
    assert_eq!(
        trail.older(),
        Some(before(micros(&row(50).inserted_at).unwrap()).as_str())
    );
}

#[test]
fn a_list_that_was_empty_is_filled_by_what_arrives() {
    let mut trail = Trail::of_page(Vec::new(), None);
    assert!(trail.is_empty() && trail.newest().is_none());
    trail.release();
    assert!(trail.older().is_none());
    trail.arrive(row(1));
    trail.release();
    assert_eq!(ids(&trail), expected(1..2));
}

#[test]
fn layout_knows_every_row_by_its_height_and_back() {
    for unfolded in [None, Some((0, 300.0)), Some((7, 300.0)), Some((99, 12.5))] {
        let layout = Layout {
            row: 40.0,
            count: 100,
            unfolded,
        };
        for index in 0..100 {
            assert_eq!(layout.at(layout.offset(index)), index, "{unfolded:?}");
            assert_eq!(layout.at(layout.offset(index) + 39.0), index, "{unfolded:?}");
        }
        if let Some((open, extra)) = unfolded {
            assert_eq!(layout.at(layout.offset(open) + 40.0 + extra - 1.0), open);
        }
        assert_eq!(layout.at(layout.height()), 100);
        assert_eq!(layout.at(-5.0), 0);
        assert_eq!(layout.at(1e12), 100);
    }
    let layout = Layout {
        row: 40.0,
        count: 100_000,
        unfolded: None,
    };
    assert_eq!(layout.seen(0.0, 800.0, 10), (0, 31));
    assert_eq!(layout.seen(40.0 * 50_000.0, 800.0, 10), (49_990, 50_031));
    assert_eq!(layout.seen(layout.height() - 800.0, 800.0, 10).1, 100_000);
    let none = Layout {
        row: 0.0,
        count: 0,
        unfolded: None,
    };
    assert_eq!(none.seen(0.0, 800.0, 10), (0, 0));
}
