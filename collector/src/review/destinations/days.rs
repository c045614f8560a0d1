//! Days of a window as the bits of a number: a destination's come in one row, whatever their number.

use std::collections::BTreeSet;

/// The bit of all days past those that have one of their own.
const FURTHER: i64 = 62;

/// Of one resource a day has one row for a destination, so the sum of its bits
/// is all of them, unless there is more than one day past the last.
pub(super) const OF_ONE: &str = "SELECT host, port, CAST(SUM(CASE WHEN day - $1 < 62 \
     THEN CAST(1 AS BIGINT) << CAST(day - $1 AS INTEGER) ELSE 0 END) AS BIGINT) \
     + MAX(CASE WHEN day - $1 < 62 THEN 0 ELSE CAST(1 AS BIGINT) << 62 END), \
     MIN(first_seen), MAX(last_seen), CAST(SUM(requests) AS BIGINT), CAST(SUM(rejected) AS BIGINT), \
     CAST(SUM(opaque) AS BIGINT), MAX(CASE WHEN opaque > 0 THEN last_seen END) \
     FROM destination_days WHERE {} AND day >= $1 AND last_seen >= $2 GROUP BY host, port";

/// The days whose bits are set, since the epoch; `None` if that does not say all.
pub(super) fn of(bits: i64, first: i64) -> Option<BTreeSet<i64>> {
    let is_set = |day: &i64| bits >> day & 1 == 1;
    let days = (0..FURTHER).filter(is_set).map(|day| first + day);
    (!is_set(&FURTHER)).then(|| days.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_days() {
        assert_eq!(of(0b1000_0101, 100), Some(BTreeSet::from([100, 102, 107])));
        assert_eq!(of(1 << 61, 100), Some(BTreeSet::from([161])));
        assert_eq!(of(1 | 1 << 62, 100), None);
        assert_eq!(of(0, 100), Some(BTreeSet::new()));
    }
}
