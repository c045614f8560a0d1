//! The days of destinations, as lines of a text: what one resource did on one day comes
//! in one row. There are few resources and days and very many destinations, and of the
//! time that a row takes most goes into handing it over.

use sluice_harness::spread;
use sqlx::Row;

use super::{Destination, Seen, Table, count};
use crate::error::Error;
use crate::moment::Moment;
use crate::review::selection::Filter;
use crate::store::Store;

/// No host has a space in it, and no JSON text a line break. Shapes that are none are no part of a line.
const LINES: &str = "SELECT day, string_agg(concat_ws(' ', host, port, first_seen, last_seen, requests, rejected, opaque, \
     NULLIF(shapes, '[]')), '\n') \
     FROM destination_days WHERE {} AND day >= $1 AND last_seen >= $2 GROUP BY resource_type, resource_id, day";

/// A day, and a line for each destination.
type Day = (i32, String);

/// A destination on a day.
#[derive(Debug, Clone, Copy)]
struct Line<'d> {
    host: &'d str,
    port: u16,
    day: i32,
    first_seen: i64,
    last_seen: i64,
    requests: u64,
    rejected: u64,
    opaque: u64,
    shapes: Option<&'d str>,
}

/// What the days say of destinations; on a thread that may be busy for a while.
pub(super) async fn read(store: &Store, filter: &Filter<'_>, since: Moment) -> Result<Table, Error> {
    let rows = filter.query(LINES, &[since.day(), since.0]).fetch_all(store.read());
    let days = rows.await?.into_iter().map(|row| {
        Ok((
            i32::try_from(row.try_get::<i64, _>(0)?).unwrap_or(i32::MAX),
            row.try_get(1)?,
        ))
    });
    let days = days.collect::<Result<Vec<Day>, Error>>()?;
    let summed = tokio::task::spawn_blocking(move || sum(&days));
    summed.await.map_err(|error| Error::Internal(error.to_string()))?
}

fn sum(days: &[Day]) -> Result<Table, Error> {
    let texts = days
        .iter()
        .flat_map(|(day, text)| text.lines().map(|line| (*day, line)));
    let mut lines = spread::try_each(texts.collect(), |(day, text)| Line::of(day, text))?;
    // Mostly they come in order, day by day.
    lines.sort_by_key(Line::of_what);
    let of_one: Vec<&[Line<'_>]> = lines.chunk_by(|one, other| one.of_what() == other.of_what()).collect();
    Ok(Table::in_order(spread::try_each(of_one, destination)?))
}

/// What its days say of one destination, all of them.
fn destination(days: &[Line<'_>]) -> Result<Destination, Error> {
    let (host, port) = days.first().map(Line::of_what).unwrap_or_default();
    let mut destination = Destination::new(host, port);
    for line in days {
        destination.days.insert(line.day);
        destination.first_seen = destination.first_seen.min(line.first_seen);
        destination.last_seen = destination.last_seen.max(line.last_seen);
        destination.requests += line.requests;
        destination.rejected += line.rejected;
        if line.opaque > 0 {
            destination.opaque.add(Seen {
                count: line.opaque,
                last: line.last_seen,
            });
        }
        for (method, path, number, last) in line.shapes()? {
            let count = count(number);
            destination.add_shape(method, path.unwrap_or_default(), Seen { count, last });
        }
    }
    Ok(destination)
}

/// Method, path, how often and when last.
type Shape = (String, Option<String>, i64, i64);

impl<'d> Line<'d> {
    fn of(day: i32, text: &'d str) -> Result<Self, Error> {
        Self::read(day, text).ok_or_else(|| Error::Internal(format!("a destination of a day is {text:?}")))
    }

    fn read(day: i32, text: &'d str) -> Option<Self> {
        let mut parts = text.splitn(8, ' ');
        let host = parts.next()?;
        let mut number = || parts.next()?.parse::<i64>().ok();
        Some(Self {
            host,
            port: u16::try_from(number()?).unwrap_or(0),
            day,
            first_seen: number()?,
            last_seen: number()?,
            requests: count(number()?),
            rejected: count(number()?),
            opaque: count(number()?),
            shapes: parts.next(),
        })
    }

    fn of_what(&self) -> (&'d str, u16) {
        (self.host, self.port)
    }

    fn shapes(&self) -> Result<Vec<Shape>, Error> {
        let Some(shapes) = self.shapes else {
            return Ok(Vec::new());
        };
        serde_json::from_str(shapes).map_err(|error| Error::Internal(format!("shapes of a destination: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_several_days_are_of_one_destination() {
        let days = [
            (
                10,
                "b.example.com 443 5 9 3 1 0 [[\"GET\",\"/a b\",3,9]]\na.example.com 80 1 2 1 0 1",
            ),
            (11, "a.example.com 80 3 4 2 0 0\na.example.com 81 3 4 2 0 2"),
        ];
        let all = sum(&days.map(|(day, text)| (day, text.to_owned()))).unwrap();
        let hosts: Vec<(&str, u16)> = all.iter().map(Destination::key).collect();
        assert_eq!(
            hosts,
            [("a.example.com", 80), ("a.example.com", 81), ("b.example.com", 443)]
        );
        let of = |host, port| all.iter().find(|one| one.key() == (host, port)).unwrap();
        let both = of("a.example.com", 80);
        assert_eq!((both.first_seen, both.last_seen, both.requests), (1, 4, 3));
        assert_eq!((both.opaque.count, both.opaque.last, both.unknown()), (1, 2, 2));
        assert!(both.days.iter().eq([10, 11]));
        let clear = of("b.example.com", 443);
        assert_eq!((clear.rejected, clear.unknown()), (1, 0));
        assert!(clear.shapes.contains_key(&("GET".to_owned(), "/a b".to_owned())));
    }

    #[test]
    fn a_line_that_is_none_is_an_error() {
        for line in [
            "a.example.com",
            "a.example.com 80 1 2 1 0",
            "a.example.com 80 1 2 1 0 x",
            "a 80 1 2 1 0 0 [1]",
        ] {
            assert!(sum(&[(10, line.to_owned())]).is_err(), "{line}");
        }
    }
}
