//! Sluice's own collector in this process, on a database of its own.

use sluice_collector::{Collector, Running, Settings};
use tempfile::TempDir;

use crate::contract::Addresses;
use crate::playbook::Database;
use crate::{RUNTIME, postgres};

/// Who may do everything.
const TOKEN: &str = "sluice_test_admin";

/// Where proxies of tests let names lead.
const HERE: &[&str] = &["127.0.0.0/8"];

/// A running collector. It ends when dropped, as a process that is told to end does.
#[derive(Debug)]
pub struct Sluice {
    running: Option<Running>,
    /// With the database, if that is a file.
    _folder: Option<TempDir>,
}

impl Sluice {
    /// Starts one on a new SQLite file.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn sqlite() -> Self {
        let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
        let database = format!("sqlite:{}", folder.path().join("sluice.db").display());
        Self {
            running: Some(start(database, HERE)),
            _folder: Some(folder),
        }
    }

    /// Starts one on a new database of the tests' PostgreSQL.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn postgres() -> Self {
        Self {
            running: Some(start(postgres::fresh(), HERE)),
            _folder: None,
        }
    }

    /// The same, told that proxies let names lead nowhere but to public addresses.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn expecting_nothing(database: Database) -> Self {
        let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
        let url = match database {
            Database::Sqlite => format!("sqlite:{}", folder.path().join("sluice.db").display()),
            Database::Postgres => postgres::fresh(),
        };
        Self {
            running: Some(start(url, &[])),
            _folder: Some(folder),
        }
    }

    /// Starts one more on a database that is there: a replica, if that is PostgreSQL.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn on(database: &str) -> Self {
        Self {
            running: Some(start(database.to_owned(), HERE)),
            _folder: None,
        }
    }

    /// Where it listens, and an admin's token.
    ///
    /// # Panics
    /// Never, before it is dropped.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        let running = self.running.as_ref().expect("only dropping ends it");
        Addresses {
            http: running.http,
            grpc: running.grpc,
            token: TOKEN.to_owned(),
        }
    }
}

fn start(database: String, resolves_to: &[&str]) -> Running {
    let settings = Settings {
        http: ([127, 0, 0, 1], 0).into(),
        grpc: ([127, 0, 0, 1], 0).into(),
        database,
        admin_token: Some(TOKEN.to_owned()),
        resolves_to: resolves_to.iter().map(ToString::to_string).collect(),
        ..Settings::default()
    };
    RUNTIME
        .block_on(Collector::start(settings))
        .unwrap_or_else(|error| panic!("the collector does not start: {error}"))
}

impl Drop for Sluice {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            RUNTIME.block_on(running.shutdown());
        }
    }
}
