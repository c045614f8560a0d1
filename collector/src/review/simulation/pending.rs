//! The queue, where it knows more than the window.

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::any::AnyRow;

use super::super::destinations::{self, Destination, Read, Seen, texts};
use super::super::selection::Selection;
use crate::error::Error;
use crate::moment::Moment;
use crate::store::Store;

/// Adds hosts that wait in the queue and have no destination in the window:
/// the queue keeps rejections for longer.
pub(super) async fn add(read: &mut Read, store: &Store, selection: &Selection, since: Moment) -> Result<(), Error> {
    const PENDING: &str = "SELECT resource_type, resource_id, host, overflow, ports, methods, attempts, first_seen, \
         last_seen, example FROM pending WHERE {} AND state = 'pending' AND last_seen >= $1";
    let filter = selection.filter();
    let mut new = New::new();
    for row in filter.query(PENDING, &[since.0]).fetch_all(store.read()).await? {
        add_row(read, &mut new, &row)?;
    }
    read.destinations.add(new.into_values());
    Ok(())
}

/// Those that the window has not.
type New = BTreeMap<(String, u16), Destination>;

fn add_row(read: &mut Read, new: &mut New, row: &AnyRow) -> Result<(), Error> {
    let number = read.number(row.try_get(0)?, row.try_get(1)?);
    let host: &str = row.try_get(2)?;
    let added = new.range((host.to_owned(), 0)..=(host.to_owned(), u16::MAX));
    let mut of_host = read.destinations.of_host(host).iter().chain(added.map(|(_, one)| one));
    if of_host.any(|known| known.resources.contains(number)) {
        return Ok(());
    }
    let ports: Vec<u16> = serde_json::from_str(row.try_get(4)?)
        .map_err(|error| Error::Internal(format!("ports of a pending host: {error}")))?;
    // How the attempts are spread over several ports nobody counted.
    let port = match ports.as_slice() {
        [port] => *port,
        _ => 0,
    };
    let attempts = Seen {
        count: destinations::count(row.try_get(6)?),
        last: row.try_get(8)?,
    };
    let in_clear = texts(row.try_get(5)?)?.iter().any(|method| method != "CONNECT");
    let is_many = row.try_get::<i64, _>(3)? != 0;
    let example: serde_json::Value = serde_json::from_str(row.try_get(9)?).unwrap_or_default();
    let example = example["host"].as_str().map(str::to_owned);
    let destination = match read.destinations.get_mut(host, port) {
        Some(known) => known,
        None => new.entry((host.to_owned(), port)).or_insert_with(|| Destination {
            many: is_many.then(|| example.into_iter().collect()),
            ..Destination::new(host, port)
        }),
    };
    destination.resources.insert(number);
    destination.requests += attempts.count;
    destination.rejected += attempts.count;
    destination.first_seen = destination.first_seen.min(row.try_get(7)?);
    destination.last_seen = destination.last_seen.max(attempts.last);
    destination.last_rejected = destination.last_rejected.max(Some(attempts.last));
    if !in_clear {
        destination.opaque.add(attempts);
    }
    Ok(())
}
