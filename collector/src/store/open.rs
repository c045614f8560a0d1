//! Opening the database, and bringing its schema up to date.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnectOptions;

use super::{Kind, Store, notify};
use crate::changes::Changes;
use crate::moment::Moment;

/// Why there is no database to work with.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address makes no sense.
    #[error("{url:?} is no database: expected sqlite:FILE or postgres://USER@HOST/NAME")]
    Url {
        /// As given, without what might be a password.
        url: String,
    },
    /// It cannot be reached or opened.
    #[error("the database cannot be opened: {0}")]
    Connect(#[from] sqlx::Error),
    /// Its tables are not what this version needs.
    #[error("the database's tables cannot be brought up to date: {0}")]
    Migrate(#[from] MigrateError),
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Store {
    /// Opens a database, makes it if it is a file that is not there yet, and
    /// brings its tables up to date.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let kind = match url.split_once(':') {
            Some(("sqlite", _)) => Kind::Sqlite,
            Some(("postgres" | "postgresql", _)) => Kind::Postgres,
            _ => {
                let url = url.split('@').next_back().unwrap_or_default().to_owned();
                return Err(OpenError::Url { url });
            }
        };
        let changes = Changes::default();
        let store = match kind {
            Kind::Sqlite => {
                let separator = if url.contains('?') { '&' } else { '?' };
                let options = AnyConnectOptions::from_str(&format!("{url}{separator}mode=rwc"))?;
                let write = sqlite(1).connect_with(options.clone()).await?;
                sqlx::migrate!("migrations/sqlite").run(&write).await?;
                let read = sqlite(4).connect_with(options).await?;
                Self {
                    kind,
                    read,
                    write,
                    changes,
                    probe: Arc::default(),
                }
            }
            Kind::Postgres => {
                let pool = AnyPoolOptions::new().max_connections(16).acquire_timeout(PATIENCE);
                let pool = pool.connect_with(AnyConnectOptions::from_str(url)?).await?;
                sqlx::migrate!("migrations/postgres").run(&pool).await?;
                tokio::spawn(notify::listen(PgConnectOptions::from_str(url)?, changes.clone()));
                Self {
                    kind,
                    read: pool.clone(),
                    write: pool,
                    changes,
                    probe: Arc::default(),
                }
            }
        };
        store.begin_epoch().await?;
        Ok(store)
    }

    /// A new database has a new epoch: the time at which it was made.
    async fn begin_epoch(&self) -> Result<(), sqlx::Error> {
        let insert = sqlx::query("INSERT INTO meta (name, value) VALUES ('epoch', $1) ON CONFLICT (name) DO NOTHING");
        insert
            .bind(Moment::now().0 / crate::moment::SECOND)
            .execute(&self.write)
            .await?;
        Ok(())
    }
}

/// `synchronous = FULL`: what was acknowledged survives a power failure too.
fn sqlite(connections: u32) -> AnyPoolOptions {
    const SETTINGS: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                            PRAGMA busy_timeout = 10000; PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY";
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        // SQLite ends a transaction by itself when it cannot write. sqlx does not
        // notice, and would never start another one on this connection.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SETTINGS).execute(&mut *connection).await?;
                Ok(())
            })
        })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use sqlx::Row as _;
    use sqlx::migrate::Migrator;

    use super::*;

    #[test]
    fn both_databases_have_the_same_schema() {
        let schemas = [
            [
                include_str!("../../migrations/sqlite/0001_first.sql"),
                include_str!("../../migrations/postgres/0001_first.sql"),
            ],
            [
                include_str!("../../migrations/sqlite/0002_addresses.sql"),
                include_str!("../../migrations/postgres/0002_addresses.sql"),
            ],
            [
                include_str!("../../migrations/sqlite/0003_people.sql"),
                include_str!("../../migrations/postgres/0003_people.sql"),
            ],
        ];
        for migrator in migrators() {
            let same = migrator.iter().filter(|migration| migration.version != IN_ORDER);
            assert_eq!(same.count(), schemas.len(), "one is not compared here");
        }
        let rest = |text: &str| {
            text.lines()
                .filter(|line| !line.starts_with("-- migrations/"))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        for [sqlite, postgres] in schemas {
            // `INTEGER PRIMARY KEY` is the row's own number in SQLite, and needs no index beside the table.
            let same = postgres.replace(
                "inserted_at BIGINT NOT NULL PRIMARY KEY",
                "inserted_at INTEGER NOT NULL PRIMARY KEY",
            );
            assert_eq!(rest(&same), rest(sqlite));
        }
    }

    /// The version that changes how SQLite stores a table, and nothing else.
    const IN_ORDER: i64 = 4;

    fn migrators() -> [Migrator; 2] {
        [
            sqlx::migrate!("migrations/sqlite"),
            sqlx::migrate!("migrations/postgres"),
        ]
    }

    #[tokio::test]
    async fn what_is_in_an_older_database_stays() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("sluice.db").display());
        sqlx::any::install_default_drivers();
        let options = AnyConnectOptions::from_str(&format!("{url}?mode=rwc")).unwrap();
        let old = sqlite(1).connect_with(options).await.unwrap();
        let [mut first, _] = migrators();
        first.migrations = Cow::Owned(first.migrations[..1].to_vec());
        first.run(&old).await.unwrap();
        let written = "INSERT INTO destinations VALUES ('sandbox', 'sb_1', 'a.example.com', 443, 0, 'example.com', \
                       1, 2, NULL, 2, '[]')";
        let traffic = "INSERT INTO traffic VALUES ('sandbox', 'sb_1', 300, 1, 2, 3, 4)";
        for written in [written, traffic] {
            sqlx::query(written).execute(&old).await.unwrap();
        }
        old.close().await;

        let store = Store::open(&url).await.unwrap();
        let row = sqlx::query("SELECT host, addresses FROM destinations")
            .fetch_one(store.read())
            .await
            .unwrap();
        let read = |column: usize| row.try_get::<String, _>(column).unwrap();
        assert_eq!((read(0).as_str(), read(1).as_str()), ("a.example.com", "[]"));
        let without: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM audit WHERE peer IS NULL")
            .fetch_one(store.read())
            .await
            .unwrap();
        assert_eq!(without, 0);
        let traffic = "SELECT resource_id || bucket || allowed || warned || rejected || would_reject FROM traffic";
        let traffic: String = sqlx::query_scalar(traffic).fetch_one(store.read()).await.unwrap();
        assert_eq!(traffic, "sb_13001234");
        store.close().await;
    }
}
