//! Keeps replicas apart that write about the same things.
//!
//! Rows are read, changed and written back, also rows that are not there yet, so
//! locking rows is not enough. Where several replicas can write (PostgreSQL),
//! each transaction first takes advisory locks for all it is about, in one order.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::resource::Resource;
use crate::store::{Kind, Tx};

/// Few, because PostgreSQL has a table of fixed size for all locks of all transactions.
const BUCKETS: u8 = 64;
/// `Slui`, so that locks of others in the same database are others.
const RESOURCES: i64 = 0x536c_7569 << 16;
const INSTANCES: i64 = RESOURCES + 0x100;

/// What a transaction is about.
#[derive(Debug, Default)]
pub(crate) struct Locks(BTreeSet<i64>);

impl Locks {
    /// The aggregates of a resource.
    pub(crate) fn resource(&mut self, resource: &Resource) {
        self.0.insert(RESOURCES + bucket(&resource.to_string()));
    }

    /// The numbers of an instance.
    pub(crate) fn instance(&mut self, credential: &str, instance: &str) {
        self.0.insert(INSTANCES + bucket(&format!("{credential} {instance}")));
    }

    /// Takes them, until the transaction ends.
    pub(crate) async fn take(self, kind: Kind, tx: &mut Tx) -> Result<(), Error> {
        // SQLite has one writer at a time.
        if kind == Kind::Postgres {
            for lock in self.0 {
                let take = sqlx::query("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)");
                take.bind(lock).execute(&mut **tx).await?;
            }
        }
        Ok(())
    }
}

/// The same at every replica, whatever compiler it was built with.
fn bucket(name: &str) -> i64 {
    i64::from(Sha256::digest(name)[0] % BUCKETS)
}
