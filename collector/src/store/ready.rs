//! Whether the database takes what is written: a full disk still answers who reads.

use std::time::{Duration, Instant};

use super::Store;
use crate::error::Error;
use crate::moment::Moment;

/// How long an answer is good for: whoever asks more often makes nothing be written more often.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// The last answer: when, and what was wrong.
pub(super) type Probe = Option<(Instant, Option<String>)>;

impl Store {
    /// Whether the database takes what is written.
    ///
    /// # Errors
    /// What it says.
    pub async fn ready(&self) -> Result<(), Error> {
        let mut last = self.probe.lock().await;
        let known = last.as_ref().filter(|(at, _)| at.elapsed() < GOOD_FOR);
        let problem = match known {
            Some((_, problem)) => problem.clone(),
            None => {
                let problem = self.write_something().await.err().map(|error| error.to_string());
                *last = Some((Instant::now(), problem.clone()));
                problem
            }
        };
        match problem {
            None => Ok(()),
            Some(problem) => Err(Error::Database(sqlx::Error::Protocol(problem))),
        }
    }

    async fn write_something(&self) -> Result<(), sqlx::Error> {
        let write = "INSERT INTO meta (name, value) VALUES ('ready', $1) \
                     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(write).bind(Moment::now().0).execute(&self.write).await?;
        Ok(())
    }
}
