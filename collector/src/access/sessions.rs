//! Sessions: who is signed in, in a browser. The database has the SHA-256 of
//! a session's secret only, as of a token's.
//!
//! A session is as good as what it was begun with: it ends with the token, or
//! when the person is changed. What somebody may do is looked up anew each time.

use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{Caller, Role, Scope};
use crate::error::Error;
use crate::id;
use crate::moment::{Moment, SECOND};
use crate::store::{Store, Tx};

/// A session ends after this time, used or not.
const LONGEST: i64 = 12 * 3_600 * SECOND;
/// A session that is not used for this time ends.
const UNUSED: i64 = 2 * 3_600 * SECOND;
/// Use is noted no more often than this.
const NOTED: i64 = 60 * SECOND;
/// So much of what a browser says it is is kept.
const LONGEST_AGENT: usize = 256;

/// A session that has not ended.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Whose: a person's or a token's id, and what they are called and may do now.
    pub caller: Caller,
    /// Whether it was begun with a token.
    pub is_tokens: bool,
    /// What each call that changes something must repeat.
    pub csrf: String,
    /// When it began.
    pub created_at: Moment,
    /// When it was used last, to the minute.
    pub last_used: Moment,
    /// When it ends at the latest.
    pub expires_at: Moment,
    /// From where it was begun.
    pub address: String,
    /// What the browser said it is.
    pub agent: String,
}

/// Where a session is begun.
#[derive(Debug, Clone, Default)]
pub struct Browser {
    /// Its address.
    pub address: String,
    /// What it says it is.
    pub agent: String,
}

/// Those that have not ended; a person who was removed and a token that was revoked have none.
const ALIVE: &str = "SELECT s.id, s.csrf, s.user_id, s.token_id, s.created_at, s.last_used, s.expires_at, s.address, \
                     s.agent, COALESCE(u.name, t.name) AS name, COALESCE(u.role, t.role) AS role, \
                     COALESCE(u.scope, t.scope) AS scope FROM sessions s \
                     LEFT JOIN users u ON u.id = s.user_id LEFT JOIN tokens t ON t.id = s.token_id \
                     WHERE s.ended_at IS NULL AND s.expires_at > $1 AND s.last_used > $2 \
                     AND ((u.id IS NOT NULL AND u.disabled_at IS NULL) OR \
                     (t.id IS NOT NULL AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $1)))";

/// Begins a session; answers it and its secret, which only the browser keeps.
///
/// # Errors
/// What the database says.
pub(super) async fn begin(
    tx: &mut Tx,
    caller: Caller,
    token_ends: Option<Option<Moment>>,
    browser: &Browser,
    now: Moment,
) -> Result<(Session, String), Error> {
    let longest = Moment(now.0.saturating_add(LONGEST));
    let session = Session {
        id: id::new("ses"),
        caller,
        is_tokens: token_ends.is_some(),
        csrf: id::random::<32>(),
        created_at: now,
        last_used: now,
        expires_at: token_ends.flatten().map_or(longest, |end| end.min(longest)),
        address: browser.address.clone(),
        agent: browser.agent.chars().take(LONGEST_AGENT).collect(),
    };
    let secret = id::random::<40>();
    let of = |tokens: bool| (session.is_tokens == tokens).then_some(session.caller.id.as_str());
    let insert = "INSERT INTO sessions (id, hash, csrf, user_id, token_id, created_at, last_used, expires_at, ended_at, \
                  address, agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, $9, $10)";
    sqlx::query(insert)
        .bind(&session.id)
        .bind(hash(&secret))
        .bind(&session.csrf)
        .bind(of(false))
        .bind(of(true))
        .bind(session.created_at.0)
        .bind(session.last_used.0)
        .bind(session.expires_at.0)
        .bind(&session.address)
        .bind(&session.agent)
        .execute(&mut **tx)
        .await?;
    Ok((session, secret))
}

/// The session with this secret, which is used now.
///
/// # Errors
/// [`Error::Unauthenticated`] if there is none, or it has ended.
pub async fn resume(store: &Store, secret: &str, now: Moment) -> Result<Session, Error> {
    let query = format!("{ALIVE} AND s.hash = $3");
    let found = sqlx::query(AssertSqlSafe(query))
        .bind(now.0)
        .bind(now.0.saturating_sub(UNUSED))
        .bind(hash(secret))
        .fetch_optional(store.read())
        .await?;
    let found = found.ok_or(Error::Unauthenticated("this session has ended: sign in"))?;
    let session = session(&found)?;
    if session.last_used.0.saturating_add(NOTED) <= now.0
        && let Err(error) = note_use(store, &session.id, now).await
    {
        // Whoever looks may do so while nothing can be written.
        tracing::warn!(%error, "that a session is used cannot be noted");
    }
    Ok(session)
}

async fn note_use(store: &Store, id: &str, now: Moment) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    sqlx::query("UPDATE sessions SET last_used = $1 WHERE id = $2 AND last_used < $1")
        .bind(now.0)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    store.commit(tx, &[]).await
}

/// Every session that has not ended, the newest first.
///
/// # Errors
/// What the database says.
pub async fn list(store: &Store, now: Moment) -> Result<Vec<Session>, Error> {
    let query = format!("{ALIVE} ORDER BY s.created_at DESC, s.id");
    let rows = sqlx::query(AssertSqlSafe(query))
        .bind(now.0)
        .bind(now.0.saturating_sub(UNUSED))
        .fetch_all(store.read())
        .await?;
    rows.iter().map(session).collect()
}

/// Whether there is a session with this id, ended or not.
///
/// # Errors
/// What the database says.
pub async fn exists(store: &Store, id: &str) -> Result<bool, Error> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sessions WHERE id = $1")
        .bind(id)
        .fetch_one(store.read())
        .await?;
    Ok(count > 0)
}

/// Ends a session.
///
/// # Errors
/// What the database says.
pub async fn end(tx: &mut Tx, id: &str, now: Moment) -> Result<(), Error> {
    let end = sqlx::query("UPDATE sessions SET ended_at = COALESCE(ended_at, $1) WHERE id = $2");
    end.bind(now.0).bind(id).execute(&mut **tx).await?;
    Ok(())
}

/// Ends all of a person or of a token.
pub(super) async fn end_all(tx: &mut Tx, of: &str, now: Moment) -> Result<(), Error> {
    let end = "UPDATE sessions SET ended_at = $1 WHERE ended_at IS NULL AND (user_id = $2 OR token_id = $2)";
    sqlx::query(end).bind(now.0).bind(of).execute(&mut **tx).await?;
    Ok(())
}

fn hash(secret: &str) -> String {
    id::hex(&Sha256::digest(secret))
}

fn session(row: &AnyRow) -> Result<Session, Error> {
    let (user, token): (Option<String>, Option<String>) = (row.try_get("user_id")?, row.try_get("token_id")?);
    let (role, scope): (String, String) = (row.try_get("role")?, row.try_get("scope")?);
    let role: Role = role.parse()?;
    let scope: Scope = scope.parse()?;
    Ok(Session {
        id: row.try_get("id")?,
        is_tokens: user.is_none(),
        caller: Caller {
            id: user.or(token).unwrap_or_default(),
            name: row.try_get("name")?,
            role,
            scope,
        },
        csrf: row.try_get("csrf")?,
        created_at: Moment(row.try_get("created_at")?),
        last_used: Moment(row.try_get("last_used")?),
        expires_at: Moment(row.try_get("expires_at")?),
        address: row.try_get("address")?,
        agent: row.try_get("agent")?,
    })
}

#[cfg(test)]
mod tests;
