//! The database: SQLite in a file, or PostgreSQL, behind one interface.
//!
//! Queries are written once, in what both understand (`$1`, `ON CONFLICT`,
//! `RETURNING`), on 64-bit numbers and texts. What differs is here: opening,
//! locking, and telling other replicas.

mod clock;
mod notify;
mod open;
mod ready;

use std::sync::Arc;

pub use open::OpenError;

use sqlx::AnyPool;
use sqlx::{Any, Transaction};
use tokio::sync::Mutex;

use crate::changes::{Change, Changes};
use crate::error::Error;

/// A running transaction; rolled back when dropped.
pub type Tx = Transaction<'static, Any>;

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One process, one file.
    Sqlite,
    /// Any number of replicas.
    Postgres,
}

/// The database.
#[derive(Debug, Clone)]
pub struct Store {
    kind: Kind,
    read: AnyPool,
    write: AnyPool,
    changes: Changes,
    probe: Arc<Mutex<ready::Probe>>,
}

impl Store {
    /// Which database it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What makes a `SELECT` lock the rows it finds, where that is not the writer's anyway.
    pub(crate) fn for_update(&self) -> &'static str {
        match self.kind {
            Kind::Sqlite => "",
            Kind::Postgres => " FOR UPDATE",
        }
    }

    /// For reading outside a transaction.
    #[must_use]
    pub fn read(&self) -> &AnyPool {
        &self.read
    }

    /// Starts a transaction that may write. SQLite has one writer at a time:
    /// who waits for anything but the database meanwhile stops all others.
    ///
    /// # Errors
    /// If there is no connection to be had.
    pub async fn begin(&self) -> Result<Tx, Error> {
        Ok(match self.kind {
            // A transaction that reads first and then writes would fail if another process wrote in between.
            Kind::Sqlite => self.write.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => self.write.begin().await?,
        })
    }

    /// Commits, then tells everybody who listens, here and at other replicas.
    ///
    /// # Errors
    /// If it could not be committed; then nothing was changed and nobody is told.
    pub async fn commit(&self, mut tx: Tx, changes: &[Change]) -> Result<(), Error> {
        if self.kind == Kind::Postgres {
            for change in changes {
                notify::announce(&mut tx, change).await?;
            }
        }
        tx.commit().await?;
        for change in changes {
            self.changes.tell(change.clone());
        }
        Ok(())
    }

    /// What changes, here and at other replicas.
    #[must_use]
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// What it says.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&self.read).await?;
        Ok(())
    }

    /// Closes all connections, after what runs.
    pub async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}
