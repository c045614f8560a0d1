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

/// Which rows of a list `offset` and `limit` ask for; all of them unless given.
///
/// # Errors
/// [`Error::Validation`] for what is no number.
pub(super) fn window(query: &Query, most: i64) -> Result<Window, Error> {
    let number = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(Window {
        offset: query.number("offset", 0, i64::from(i32::MAX))?.map_or(0, number),
        limit: query.number("limit", 1, most)?.map_or(usize::MAX, number),
    })
}

/// What [`window`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    offset: usize,
    limit: usize,
}

impl Window {
    /// Whether it is less than everything.
    pub(super) fn is_part(self) -> bool {
        self.offset > 0 || self.limit < usize::MAX
    }

    /// Those rows.
    pub(super) fn of<I: IntoIterator>(self, rows: I) -> impl Iterator<Item = I::Item> {
        rows.into_iter().skip(self.offset).take(self.limit)
    }
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
    #[test]
    fn windows_are_all_there_is_unless_they_are_less() {
        let rows = |query: &str| {
            let window = window(&Query::of(query), 10)?;
            Ok::<_, Error>(window.of([1, 2, 3]).collect::<Vec<_>>())
        };
        assert_eq!(rows("").unwrap(), [1, 2, 3]);
        assert_eq!(rows("limit=2").unwrap(), [1, 2]);
        assert_eq!(rows("limit=2&offset=1").unwrap(), [2, 3]);
        assert_eq!(rows("offset=9").unwrap(), [0; 0]);
        for query in ["offset=-1", "offset=x", "limit=0", "limit=11"] {
            assert!(matches!(rows(query), Err(Error::Validation { .. })), "{query}");
        }
    }
}
