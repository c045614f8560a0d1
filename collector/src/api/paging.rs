//! Pages of lists that are read whole: everything, unless a limit is given.

use super::input::Query;
use crate::error::Error;

/// The rows that `limit` and `cursor` ask for, and the cursor of the next ones.
///
/// # Errors
/// [`Error::Validation`] for a cursor whose row is not in the list (any more): going on from nowhere would pass for the end.
pub(super) fn page<T>(
    rows: Vec<T>,
    query: &Query,
    most: i64,
    id: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), Error> {
    let limit = query.number("limit", 1, most)?;
    let start = match query.text("cursor") {
        None => 0,
        Some(cursor) => {
            let place = rows.iter().position(|row| id(row) == cursor);
            let gone = || {
                Error::field(
                    "cursor",
                    cursor,
                    "the next_cursor of an answer whose last row is still there",
                )
            };
            place.ok_or_else(gone)? + 1
        }
    };
    let end = limit
        .and_then(|limit| usize::try_from(limit).ok())
        .map_or(rows.len(), |limit| start.saturating_add(limit));
    let has_more = end < rows.len();
    let page: Vec<T> = rows.into_iter().take(end).skip(start).collect();
    let next = page.last().filter(|_| has_more).map(|row| id(row).to_owned());
    Ok((page, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<(Vec<&'static str>, Option<String>), Error> {
        page(vec!["a", "b", "c"], &Query::of(query), 10, |row| row)
    }

    #[test]
    fn pages_follow_each_other_and_a_lost_cursor_is_said() {
        assert_eq!(asked("").unwrap(), (vec!["a", "b", "c"], None));
        assert_eq!(asked("limit=2").unwrap(), (vec!["a", "b"], Some("b".to_owned())));
        assert_eq!(asked("limit=2&cursor=b").unwrap(), (vec!["c"], None));
        assert_eq!(asked("cursor=c").unwrap(), (vec![], None));
        for query in ["cursor=x", "limit=0", "limit=11", "limit=x"] {
            assert!(matches!(asked(query), Err(Error::Validation { .. })), "{query}");
        }
    }
}
