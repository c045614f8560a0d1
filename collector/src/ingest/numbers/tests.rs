//! Numbers in every order.

use super::*;

fn came(seqs: &[i64]) -> (Numbers, Vec<i64>) {
    let mut numbers = Numbers::default();
    let new = seqs
        .iter()
        .copied()
        .filter(|seq| numbers.arrive(*seq, Moment(*seq)))
        .collect();
    (numbers, new)
}

#[test]
fn each_number_is_new_once_in_any_order() {
    for seqs in [
        [1, 2, 3, 4, 5, 6],
        [6, 5, 4, 3, 2, 1],
        [2, 4, 6, 1, 3, 5],
        [5, 6, 1, 2, 4, 3],
        [3, 1, 5, 2, 6, 4],
    ] {
        let twice = [seqs, seqs].concat();
        let (numbers, new) = came(&twice);
        assert_eq!(new, seqs);
        assert_eq!(
            (numbers.watermark(), numbers.missing(), numbers.gaps()),
            (6, 0, 0),
            "{seqs:?}"
        );
        assert_eq!((numbers.beyond().as_str(), numbers.missing_since()), ("[]", None));
    }
}

#[test]
fn holes_are_as_old_as_they_were_first_seen() {
    let (numbers, _) = came(&[2, 9, 5]);
    assert_eq!(numbers.beyond(), "[[2,2,2],[5,5,9],[9,9,9]]");
    assert_eq!((numbers.watermark(), numbers.missing()), (0, 1 + 2 + 3));
    let (numbers, _) = came(&[2, 9, 5, 3, 8, 1]);
    assert_eq!(numbers.beyond(), "[[5,5,9],[8,9,9]]");
    assert_eq!((numbers.watermark(), numbers.missing()), (3, 1 + 2));
}

#[test]
fn a_gap_is_reported_once_and_what_comes_late_is_taken_out_of_it() {
    let (mut numbers, _) = came(&[1, 5, 9]);
    assert_eq!(numbers.age(Moment(4)), 0, "too young");
    assert_eq!(numbers.age(Moment(5)), 3);
    assert_eq!((numbers.watermark(), numbers.gaps(), numbers.missing()), (5, 3, 3));
    assert_eq!(numbers.age(Moment(5)), 0);
    assert!(numbers.arrive(3, Moment(10)) && !numbers.arrive(3, Moment(10)));
    assert_eq!((numbers.gaps(), numbers.reported().as_str()), (2, "[[2,2],[4,4]]"));
    assert!(!numbers.arrive(5, Moment(10)) && !numbers.arrive(1, Moment(10)));
    assert_eq!(numbers.age(Moment(9)), 3);
    assert_eq!((numbers.watermark(), numbers.gaps()), (9, 5));
    for late in [2, 4, 6, 7, 8] {
        assert!(numbers.arrive(late, Moment(10)), "{late}");
    }
    assert_eq!((numbers.gaps(), numbers.reported().as_str()), (0, "[]"));
}

#[test]
fn they_are_read_back_as_written() {
    let (mut numbers, _) = came(&[1, 5, 9, 12]);
    numbers.age(Moment(9));
    let (beyond, reported) = (numbers.beyond(), numbers.reported());
    let again = Numbers::load(numbers.watermark(), &beyond, &reported, numbers.gaps()).unwrap();
    assert_eq!(again, numbers);
    assert!(Numbers::load(0, "[[1]]", "[]", 0).is_err() && Numbers::load(0, "[]", "x", 0).is_err());
}

#[test]
fn holes_without_end_take_bounded_room_and_every_number_counts_once() {
    let mut numbers = Numbers::default();
    for seq in (2..20_000).step_by(2) {
        assert!(numbers.arrive(seq, Moment(seq)));
    }
    assert_eq!((numbers.beyond.len(), numbers.reported.len()), (RANGES, RANGES));
    assert_eq!(numbers.gaps() + numbers.missing(), 9_999);
    assert!(!numbers.arrive(1, Moment(0)), "forgotten, and still missing");
    assert!(numbers.arrive(numbers.watermark() - 1, Moment(0)));
    assert_eq!(numbers.gaps() + numbers.missing(), 9_998);
    assert!((2..20_000).step_by(2).all(|seq| !numbers.arrive(seq, Moment(0))));
}

#[test]
fn the_highest_numbers_overflow_nothing() {
    let (mut numbers, new) = came(&[i64::MAX, 1, i64::MAX - 1, i64::MAX]);
    assert_eq!(new, [i64::MAX, 1, i64::MAX - 1]);
    numbers.age(Moment(i64::MAX));
    assert_eq!((numbers.watermark(), numbers.gaps()), (i64::MAX, i64::MAX - 3));
    assert!(numbers.arrive(2, Moment(0)) && !numbers.arrive(i64::MAX, Moment(0)));
}
