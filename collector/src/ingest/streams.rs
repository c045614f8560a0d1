//! Streams that were reported open: their end updates what was written, and is
//! no second decision.

use std::collections::HashMap;

use sqlx::Row as _;

use super::event::{OPEN, Row};
use super::rows::{self, Entry};
use super::sql::Statement;
use crate::error::Error;
use crate::store::{Kind, Tx};

/// A filter reports a stream as open after ten seconds, so one that was shorter has no such record.
const LONG_US: i64 = 9_000_000;

/// Where a stream is.
#[derive(Debug, Clone, Copy)]
enum Stream {
    /// In the database, since earlier.
    Stored { inserted_at: i64, ended: bool },
    /// Among the rows of this group.
    New { index: usize, ended: bool },
}

/// What becomes of an audit record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Becomes {
    /// A decision that was not known.
    Decision {
        /// It goes on.
        open: bool,
    },
    /// The end of one that was known.
    End,
    /// Nothing new.
    Nothing,
}

/// The streams of a group of batches, and the rows it writes.
#[derive(Debug, Default)]
pub(super) struct Streams<'a> {
    streams: HashMap<(&'a str, &'a str), Stream>,
    rows: Vec<Entry<'a>>,
    ended: Vec<(i64, &'a str, &'a Row)>,
    /// Rows that the end of a stream may still come for, or its beginning (`true`).
    to_remember: Vec<(usize, bool)>,
}

static LOAD: Statement = Statement::new(
    "WITH k (c, u) AS (VALUES ",
    2,
    ") SELECT s.credential, s.uid, s.inserted_at, s.ended FROM k CROSS JOIN open_streams s \
     WHERE s.credential = k.c AND s.uid = k.u",
);
static REMEMBER: Statement = Statement::new(
    "INSERT INTO open_streams (credential, uid, inserted_at, ended) VALUES ",
    4,
    " ON CONFLICT (credential, uid) DO NOTHING",
);

impl<'a> Streams<'a> {
    /// Looks up what the database knows of these (credential, uid).
    pub(super) async fn load(kind: Kind, tx: &mut Tx, wanted: &[(&'a str, &'a str)]) -> Result<Self, Error> {
        let rows = LOAD.fetch(kind, tx, wanted, |(credential, uid), values| {
            values.add(*credential).add(*uid);
        });
        let mut found: HashMap<(String, String), Stream> = HashMap::new();
        for row in rows.await? {
            let ended = row.try_get::<i64, _>(3)? != 0;
            let inserted_at = row.try_get(2)?;
            found.insert(
                (row.try_get(0)?, row.try_get(1)?),
                Stream::Stored { inserted_at, ended },
            );
        }
        let mut streams = Self::default();
        if !found.is_empty() {
            for (credential, uid) in wanted {
                if let Some(stream) = found.get(&((*credential).to_owned(), (*uid).to_owned())) {
                    streams.streams.insert((credential, uid), *stream);
                }
            }
        }
        Ok(streams)
    }

    /// Takes an audit record in.
    pub(super) fn audit(&mut self, entry: Entry<'a>) -> Becomes {
        let key = (entry.credential, entry.row.uid.as_str());
        let open = entry.row.outcome == OPEN;
        match self.streams.get_mut(&key) {
            Some(_) if open => Becomes::Nothing,
            Some(Stream::Stored { ended: true, .. } | Stream::New { ended: true, .. }) => Becomes::Nothing,
            Some(Stream::Stored { inserted_at, ended }) => {
                *ended = true;
                self.ended.push((*inserted_at, entry.credential, entry.row));
                Becomes::End
            }
            Some(Stream::New { index, ended }) => {
                *ended = true;
                self.rows[*index] = entry;
                let index = *index;
                self.to_remember.retain(|(open, _)| *open != index);
                Becomes::End
            }
            None => {
                let index = self.rows.len();
                let remembered = open || entry.row.duration_us >= LONG_US;
                if remembered {
                    self.streams.insert(key, Stream::New { index, ended: !open });
                    self.to_remember.push((index, !open));
                }
                self.rows.push(entry);
                Becomes::Decision { open }
            }
        }
    }

    /// Takes a row in that is no stream.
    pub(super) fn other(&mut self, entry: Entry<'a>) {
        self.rows.push(entry);
    }

    /// Writes the ends of streams of earlier groups.
    pub(super) async fn write_ends(&self, tx: &mut Tx) -> Result<(), Error> {
        for (inserted_at, credential, row) in &self.ended {
            rows::end(tx, *inserted_at, row).await?;
            let forget = sqlx::query("DELETE FROM open_streams WHERE credential = $1 AND uid = $2");
            forget
                .bind(*credential)
                .bind(row.uid.as_str())
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    /// Writes the new rows; last, because it takes the clock. How many there are.
    pub(super) async fn write_rows(&self, kind: Kind, tx: &mut Tx) -> Result<usize, Error> {
        if self.rows.is_empty() {
            return Ok(0);
        }
        let first = rows::insert(kind, tx, &self.rows).await?;
        let to_remember: Vec<(i64, &Entry<'_>, bool)> = self
            .to_remember
            .iter()
            .map(|(index, ended)| (first.saturating_add_unsigned(*index as u64), &self.rows[*index], *ended))
            .collect();
        REMEMBER
            .run(kind, tx, &to_remember, |(inserted_at, entry, ended), values| {
                values.add(entry.credential).add(entry.row.uid.as_str());
                values.add(*inserted_at).add(i64::from(*ended));
            })
            .await?;
        Ok(self.rows.len())
    }
}
