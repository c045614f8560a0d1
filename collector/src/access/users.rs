//! People who sign in with a name and a password.

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{Role, Scope, sessions};
use crate::error::Error;
use crate::id;
use crate::moment::Moment;
use crate::store::{Store, Tx};

/// The longest name.
const LONGEST_NAME: usize = 64;

/// A person as the API shows them: never the hash of their password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Its id.
    pub id: String,
    /// What they sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where, as text.
    pub scope: String,
    /// When it was made.
    pub created_at: Moment,
    /// By whom.
    pub created_by: String,
    /// When the password, role or scope was changed last, or they were disabled or enabled.
    pub changed_at: Moment,
    /// Since when they may not sign in.
    pub disabled_at: Option<Moment>,
}

/// A person, and what their password hashes to.
#[derive(Debug, Clone)]
pub struct Known {
    /// Who.
    pub user: User,
    /// As a PHC string.
    pub hash: String,
}

/// The name as it is kept and compared, in lower case: of letters, digits and
/// what addresses of mail have, so that no two names look alike.
///
/// # Errors
/// [`Error::Validation`] for a text that is none.
pub fn name(text: &str) -> Result<String, Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'@' | b'+');
    if text.is_empty() || text.len() > LONGEST_NAME || !text.bytes().all(allowed) {
        let expected = format!("a name of at most {LONGEST_NAME} of A-Z a-z 0-9 . _ - @ +");
        return Err(Error::field("name", text, &expected));
    }
    Ok(text.to_ascii_lowercase())
}

/// A role that people have.
///
/// # Errors
/// [`Error::Validation`] for a text that is none.
pub fn role(text: &str) -> Result<Role, Error> {
    let role = text.parse().ok().filter(|role: &Role| role.reads());
    role.ok_or_else(|| Error::field("role", text, "one of viewer, operator, admin"))
}

/// Adds a person.
///
/// # Errors
/// [`Error::Validation`] if somebody has the name, and what the database says.
pub async fn create(tx: &mut Tx, name: &str, hash: &str, role: Role, scope: &Scope, by: &str) -> Result<User, Error> {
    let now = Moment::now();
    let user = User {
        id: id::new("usr"),
        name: name.to_owned(),
        role,
        scope: scope.to_string(),
        created_at: now,
        created_by: by.to_owned(),
        changed_at: now,
        disabled_at: None,
    };
    let insert = "INSERT INTO users (id, name, hash, role, scope, created_at, created_by, changed_at, disabled_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL) ON CONFLICT (name) DO NOTHING";
    let done = sqlx::query(insert)
        .bind(&user.id)
        .bind(&user.name)
        .bind(hash)
        .bind(user.role.as_str())
        .bind(&user.scope)
        .bind(user.created_at.0)
        .bind(&user.created_by)
        .bind(user.changed_at.0)
        .execute(&mut **tx)
        .await?;
    match done.rows_affected() {
        0 => Err(Error::field("name", name, "a name that nobody has yet")),
        _ => Ok(user),
    }
}

/// Everybody, by name.
///
/// # Errors
/// What the database says.
pub async fn list(store: &Store) -> Result<Vec<User>, Error> {
    let rows = sqlx::query("SELECT * FROM users ORDER BY name");
    rows.fetch_all(store.read()).await?.iter().map(user).collect()
}

/// Who has this id.
///
/// # Errors
/// What the database says.
pub async fn find(store: &Store, id: &str) -> Result<Option<Known>, Error> {
    let row = sqlx::query("SELECT * FROM users WHERE id = $1").bind(id);
    row.fetch_optional(store.read()).await?.as_ref().map(known).transpose()
}

/// Who has this name.
pub(super) async fn named(store: &Store, name: &str) -> Result<Option<Known>, Error> {
    let row = sqlx::query("SELECT * FROM users WHERE name = $1").bind(name);
    row.fetch_optional(store.read()).await?.as_ref().map(known).transpose()
}

/// Who has this id, and nobody else changes them until the transaction ends.
///
/// # Errors
/// What the database says.
pub async fn lock(store: &Store, tx: &mut Tx, id: &str) -> Result<Option<Known>, Error> {
    let query = format!("SELECT * FROM users WHERE id = $1{}", store.for_update());
    let row = sqlx::query(AssertSqlSafe(query)).bind(id);
    row.fetch_optional(&mut **tx).await?.as_ref().map(known).transpose()
}

/// Writes what was changed of a person, and ends their sessions.
///
/// # Errors
/// What the database says.
pub async fn change(tx: &mut Tx, changed: &mut Known) -> Result<(), Error> {
    let Known { user, hash } = changed;
    user.changed_at = Moment::now();
    let update = "UPDATE users SET hash = $1, role = $2, scope = $3, changed_at = $4, disabled_at = $5 WHERE id = $6";
    sqlx::query(update)
        .bind(&*hash)
        .bind(user.role.as_str())
        .bind(&user.scope)
        .bind(user.changed_at.0)
        .bind(user.disabled_at.map(|time| time.0))
        .bind(&user.id)
        .execute(&mut **tx)
        .await?;
    sessions::end_all(tx, &user.id, user.changed_at).await
}

/// Removes a person, and ends their sessions.
///
/// # Errors
/// What the database says.
pub async fn remove(tx: &mut Tx, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM users WHERE id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    sessions::end_all(tx, id, Moment::now()).await
}

/// Whether there was somebody with this id who was removed: the operator log has it.
///
/// # Errors
/// What the database says.
pub async fn was_removed(store: &Store, id: &str) -> Result<bool, Error> {
    let count = "SELECT COUNT(*) FROM operator_log WHERE operation = 'remove_user' AND subject = $1";
    let count: i64 = sqlx::query_scalar(count).bind(id).fetch_one(store.read()).await?;
    Ok(count > 0)
}

fn known(row: &AnyRow) -> Result<Known, Error> {
    Ok(Known {
        user: user(row)?,
        hash: row.try_get("hash")?,
    })
}

fn user(row: &AnyRow) -> Result<User, Error> {
    let role: String = row.try_get("role")?;
    Ok(User {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        role: role.parse()?,
        scope: row.try_get("scope")?,
        created_at: Moment(row.try_get("created_at")?),
        created_by: row.try_get("created_by")?,
        changed_at: Moment(row.try_get("changed_at")?),
        disabled_at: row.try_get::<Option<i64>, _>("disabled_at")?.map(Moment),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fresh;

    #[test]
    fn names_are_plain_and_of_one_case() {
        assert_eq!(name("Ann.Smith+x@example.com").unwrap(), "ann.smith+x@example.com");
        for text in ["", "ann smith", "änn", "a/b", "a\0", &"a".repeat(65)] {
            assert!(name(text).is_err(), "{text}");
        }
        for (text, is_right) in [
            ("viewer", true),
            ("operator", true),
            ("admin", true),
            ("filter", false),
            ("relay", false),
            ("", false),
        ] {
            assert_eq!(role(text).is_ok(), is_right, "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_is_of_one_person() {
        let fresh = Fresh::new().await;
        let mut tx = fresh.store.begin().await.unwrap();
        let made = create(&mut tx, "ann", "h", Role::Viewer, &Scope::Tenant, "t")
            .await
            .unwrap();
        let refused = create(&mut tx, "ann", "h", Role::Admin, &Scope::Tenant, "t").await;
        assert!(matches!(refused, Err(Error::Validation { .. })), "{refused:?}");
        fresh.store.commit(tx, &[]).await.unwrap();
        assert_eq!(list(&fresh.store).await.unwrap(), [made]);
    }
}
