//! Numbers that only go up, in the order in which transactions commit.

use super::{Kind, Tx};
use crate::error::Error;
use crate::moment::Moment;

impl super::Store {
    /// `count` new times, unique and higher than all before; answers the first of them.
    ///
    /// The clock's row stays locked until `tx` commits, so take them last.
    ///
    /// # Errors
    /// What the database says.
    pub async fn inserted_at(tx: &mut Tx, count: usize) -> Result<i64, Error> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let last: i64 = sqlx::query_scalar(
            "UPDATE clocks SET last = CASE WHEN last >= $1 THEN last + $2 ELSE $1 + $2 END \
             WHERE name = 'inserted_at' RETURNING last",
        )
        .bind(Moment::now().0)
        .bind(count)
        .fetch_one(&mut **tx)
        .await?;
        Ok(last - count + 1)
    }

    /// The next number of the operator log. It has a clock of its own: who changes
    /// a policy must not keep events from being stored, nor wait for them.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn next_entry(tx: &mut Tx) -> Result<i64, Error> {
        let next = sqlx::query_scalar(
            "INSERT INTO clocks (name, last) VALUES ('operator_log', $1) ON CONFLICT (name) DO UPDATE \
             SET last = CASE WHEN clocks.last >= excluded.last THEN clocks.last + 1 ELSE excluded.last END RETURNING last",
        );
        Ok(next.bind(Moment::now().0).fetch_one(&mut **tx).await?)
    }

    /// Starts a transaction that changes policies. All of them move the clock of
    /// revisions, so they come one after the other anyway; who took it after a
    /// policy's row would be in the way of who does several policies.
    ///
    /// # Errors
    /// As [`begin`](super::Store::begin).
    pub async fn begin_change(&self) -> Result<Tx, Error> {
        let mut tx = self.begin().await?;
        if self.kind() == Kind::Postgres {
            let lock = sqlx::query("SELECT last FROM clocks WHERE name = 'revision' FOR UPDATE");
            lock.execute(&mut *tx).await?;
        }
        Ok(tx)
    }

    /// The next revision: of all policies one sequence, so that the effective
    /// policy of a resource has the higher of its own and its tenant's.
    ///
    /// # Errors
    /// What the database says.
    pub async fn next_revision(tx: &mut Tx) -> Result<i64, Error> {
        let next = sqlx::query_scalar("UPDATE clocks SET last = last + 1 WHERE name = 'revision' RETURNING last");
        Ok(next.fetch_one(&mut **tx).await?)
    }
}
