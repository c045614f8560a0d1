//! Statements over many rows: one round trip for up to 128, in three sizes that stay prepared.

use std::sync::{Arc, OnceLock};

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, Arguments, AssertSqlSafe, Encode, Type};

use crate::error::Error;
use crate::store::{Kind, Tx};

/// How many rows a statement is prepared for.
const SIZES: [usize; 3] = [128, 16, 1];

/// A statement with a list of rows, `VALUES ...`, in its middle.
pub(super) struct Statement {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    built: [[OnceLock<Arc<str>>; SIZES.len()]; 2],
}

/// The values of a statement, in order.
#[derive(Default)]
pub(super) struct Values(AnyArguments);

impl Values {
    /// The next one: `i64`, a text, or an `Option` of these.
    pub(super) fn add<'q, T: Encode<'q, Any> + Type<Any>>(&mut self, value: T) -> &mut Self {
        // Encoding for `Any` cannot fail; a value less would be an error of the database.
        let _ = self.0.add(value);
        self
    }
}

impl Statement {
    /// `head` ends with `VALUES `.
    pub(super) const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self {
            head,
            columns,
            tail,
            built: [const { [const { OnceLock::new() }; SIZES.len()] }; 2],
        }
    }

    fn sql(&self, kind: Kind, size: usize) -> Arc<str> {
        let of_kind = match kind {
            Kind::Sqlite => 0,
            Kind::Postgres => 1,
        };
        let build = || {
            let mut sql = self.head.to_owned();
            for row in 0..SIZES[size] {
                sql.push_str(if row == 0 { "(" } else { ", (" });
                for column in 0..self.columns {
                    sql.push_str(if column == 0 { "" } else { ", " });
                    match kind {
                        // SQLite looks numbered parameters up one by one, which takes
                        // quadratic time; PostgreSQL has no others.
                        Kind::Sqlite => sql.push('?'),
                        Kind::Postgres => sql.push_str(&format!("${}", row * self.columns + column + 1)),
                    }
                }
                sql.push(')');
            }
            sql.push_str(self.tail);
            sql.into()
        };
        Arc::clone(self.built[of_kind][size].get_or_init(build))
    }

    /// Runs it on all rows.
    pub(super) async fn run<T>(
        &self,
        kind: Kind,
        tx: &mut Tx,
        rows: &[T],
        bind: impl Fn(&T, &mut Values),
    ) -> Result<(), Error> {
        for (sql, values) in self.parts(kind, rows, bind) {
            sqlx::query_with(AssertSqlSafe(sql), values.0)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    /// Runs it on all rows, and answers what it finds.
    pub(super) async fn fetch<T>(
        &self,
        kind: Kind,
        tx: &mut Tx,
        rows: &[T],
        bind: impl Fn(&T, &mut Values),
    ) -> Result<Vec<AnyRow>, Error> {
        let mut found = Vec::new();
        for (sql, values) in self.parts(kind, rows, bind) {
            found.extend(
                sqlx::query_with(AssertSqlSafe(sql), values.0)
                    .fetch_all(&mut **tx)
                    .await?,
            );
        }
        Ok(found)
    }

    fn parts<T>(
        &self,
        kind: Kind,
        mut rows: &[T],
        bind: impl Fn(&T, &mut Values),
    ) -> impl Iterator<Item = (Arc<str>, Values)> {
        std::iter::from_fn(move || {
            let size = SIZES.iter().position(|size| *size <= rows.len())?;
            let (now, rest) = rows.split_at(SIZES[size]);
            rows = rest;
            let mut values = Values::default();
            values.0.reserve(now.len() * self.columns, 0);
            now.iter().for_each(|row| bind(row, &mut values));
            Some((self.sql(kind, size), values))
        })
    }
}
