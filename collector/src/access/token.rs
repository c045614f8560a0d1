//! Bearer tokens. The database has only their SHA-256: a token is 200 random
//! bits, so that there is nothing a slow hash would protect from guessing.

use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::{Role, Scope, sessions};
use crate::error::Error;
use crate::id;
use crate::moment::Moment;
use crate::resource::Resource;
use crate::store::{Store, Tx};

/// Somebody who said who they are.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The credential's id, as rows and the operator log keep it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Where.
    pub scope: Scope,
}

impl Caller {
    /// Lets pass who may look at a resource.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn reads(&self, resource: &Resource) -> Result<(), Error> {
        self.may("look at", self.role.reads(), resource)
    }

    /// Lets pass who may change a resource's policy.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn operates(&self, resource: &Resource) -> Result<(), Error> {
        self.may("change", self.role.operates(), resource)
    }

    /// Lets pass who may watch a resource's effective policy.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn watches(&self, resource: &Resource) -> Result<(), Error> {
        // What cannot be resolved is decided by the tenant's policy, so every filter needs that one.
        if resource.is_tenant() && self.role.watches() {
            return Ok(());
        }
        self.may("watch", self.role.watches(), resource)
    }

    fn may(&self, what: &str, role: bool, resource: &Resource) -> Result<(), Error> {
        if role && self.scope.contains(resource) {
            return Ok(());
        }
        let Self { name, role, scope, .. } = self;
        let role = role.as_str();
        Err(Error::Forbidden(format!(
            "{name} ({role} of {scope}) may not {what} {resource}"
        )))
    }
}

/// A credential as the API shows it: never its secret.
#[derive(Debug, Clone, Serialize)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Where, as text.
    pub scope: String,
    /// When it was made.
    pub created_at: Moment,
    /// By whom.
    pub created_by: String,
    /// When it ends.
    pub expires_at: Option<Moment>,
    /// When it was revoked.
    pub revoked_at: Option<Moment>,
}

fn hash(secret: &str) -> String {
    id::hex(&Sha256::digest(secret))
}

/// Who holds this secret.
///
/// # Errors
/// [`Error::Unauthenticated`] for a secret that is unknown, expired or revoked.
pub async fn authenticate(store: &Store, secret: &str) -> Result<Caller, Error> {
    let found = sqlx::query("SELECT * FROM tokens WHERE hash = $1").bind(hash(secret));
    let row = found.fetch_optional(store.read()).await?;
    let row = row.ok_or(Error::Unauthenticated("this token is not known here"))?;
    let token = token(&row)?;
    usable(&token)?;
    Ok(Caller {
        id: token.id,
        name: token.name,
        role: token.role,
        scope: token.scope.parse()?,
    })
}

/// When it ends, if it has not.
fn usable(token: &Token) -> Result<Option<Moment>, Error> {
    if token.revoked_at.is_some() {
        return Err(Error::Unauthenticated("this token was revoked"));
    }
    if token.expires_at.is_some_and(|end| end <= Moment::now()) {
        return Err(Error::Unauthenticated("this token has expired"));
    }
    Ok(token.expires_at)
}

/// Makes a token; answers it and its secret, which is shown once.
///
/// # Errors
/// What the database says.
pub async fn create(
    tx: &mut Tx,
    name: &str,
    role: Role,
    scope: &Scope,
    expires_at: Option<Moment>,
    by: &str,
) -> Result<(Token, String), Error> {
    let secret = format!("sluice_{}", id::random::<40>());
    let token = Token {
        id: id::new("tok"),
        name: name.to_owned(),
        role,
        scope: scope.to_string(),
        created_at: Moment::now(),
        created_by: by.to_owned(),
        expires_at,
        revoked_at: None,
    };
    insert(tx, &token, &secret).await?;
    Ok((token, secret))
}

async fn insert(tx: &mut Tx, token: &Token, secret: &str) -> Result<(), Error> {
    let insert = "INSERT INTO tokens (id, name, hash, role, scope, created_at, created_by, expires_at, revoked_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL)";
    sqlx::query(insert)
        .bind(&token.id)
        .bind(&token.name)
        .bind(hash(secret))
        .bind(token.role.as_str())
        .bind(&token.scope)
        .bind(token.created_at.0)
        .bind(&token.created_by)
        .bind(token.expires_at.map(|time| time.0))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Makes the first admin's token, if nobody has one: the given secret, or a new one that is answered.
///
/// A secret that is given is accepted from then on, beside what is there.
///
/// # Errors
/// What the database says.
pub async fn first_admin(store: &Store, given: Option<&str>) -> Result<Option<String>, Error> {
    let mut tx = store.begin().await?;
    let admins = "SELECT COUNT(*) FROM tokens WHERE role = 'admin' AND revoked_at IS NULL";
    let admins: i64 = sqlx::query_scalar(admins).fetch_one(&mut *tx).await?;
    let known = match given {
        Some(secret) => {
            let known = sqlx::query_scalar("SELECT COUNT(*) FROM tokens WHERE hash = $1").bind(hash(secret));
            known.fetch_one(&mut *tx).await?
        }
        None => admins,
    };
    if known > 0 {
        return Ok(None);
    }
    let secret = given.map_or_else(|| format!("sluice_{}", id::random::<40>()), str::to_owned);
    let token = Token {
        id: id::new("tok"),
        name: "first admin".to_owned(),
        role: Role::Admin,
        scope: Scope::Tenant.to_string(),
        created_at: Moment::now(),
        created_by: "sluice".to_owned(),
        expires_at: None,
        revoked_at: None,
    };
    insert(&mut tx, &token, &secret).await?;
    store.commit(tx, &[]).await?;
    Ok(given.is_none().then_some(secret))
}

/// Every token there ever was, the newest first.
///
/// # Errors
/// What the database says.
pub async fn list(store: &Store) -> Result<Vec<Token>, Error> {
    let rows = sqlx::query("SELECT * FROM tokens ORDER BY created_at DESC, id");
    rows.fetch_all(store.read()).await?.iter().map(token).collect()
}

/// When a token ends, if it may still be used; nobody else changes it until the transaction ends.
pub(super) async fn lock(store: &Store, tx: &mut Tx, id: &str) -> Result<Option<Moment>, Error> {
    let query = format!("SELECT * FROM tokens WHERE id = $1{}", store.for_update());
    let row = sqlx::query(AssertSqlSafe(query)).bind(id).fetch_one(&mut **tx).await?;
    usable(&token(&row)?)
}

/// Revokes a token, and ends what was begun with it, at once; `false` if there never was one.
///
/// # Errors
/// What the database says.
pub async fn revoke(tx: &mut Tx, id: &str) -> Result<bool, Error> {
    let now = Moment::now();
    let revoke = sqlx::query("UPDATE tokens SET revoked_at = COALESCE(revoked_at, $1) WHERE id = $2");
    let done = revoke.bind(now.0).bind(id).execute(&mut **tx).await?;
    sessions::end_all(tx, id, now).await?;
    Ok(done.rows_affected() > 0)
}

fn token(row: &AnyRow) -> Result<Token, Error> {
    let role: String = row.try_get("role")?;
    Ok(Token {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        role: role.parse()?,
        scope: row.try_get("scope")?,
        created_at: Moment(row.try_get("created_at")?),
        created_by: row.try_get("created_by")?,
        expires_at: row.try_get::<Option<i64>, _>("expires_at")?.map(Moment),
        revoked_at: row.try_get::<Option<i64>, _>("revoked_at")?.map(Moment),
    })
}
