//! The resources that are known: registered by somebody, or seen.

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, Executor, Row};

use crate::changes::Change;
use crate::error::Error;
use crate::moment::Moment;
use crate::policies;
use crate::resource::Resource;
use crate::store::Tx;

/// A known resource.
#[derive(Debug, Clone, Serialize)]
pub struct Known {
    /// Which.
    #[serde(flatten)]
    pub resource: Resource,
    /// What people call it.
    pub name: Option<String>,
    /// What it was made from.
    pub template: Option<String>,
    /// Whose it is in the systems of others.
    pub external_user_id: Option<String>,
    /// Where it is in the systems of others.
    pub external_workspace_id: Option<String>,
    /// `registered` or `seen`.
    pub origin: String,
    /// When it became known.
    pub created_at: Moment,
    /// When it last sent anything.
    pub last_seen: Option<Moment>,
}

/// Makes a resource known if it is not.
///
/// # Errors
/// What the database says.
pub async fn ensure(tx: &mut Tx, resource: &Resource) -> Result<(), Error> {
    insert(tx, resource, "seen", None).await
}

/// Notes that a resource was seen, by an event or a subscription.
///
/// # Errors
/// What the database says.
pub async fn seen(tx: &mut Tx, resource: &Resource, at: Moment) -> Result<(), Error> {
    insert(tx, resource, "seen", Some(at)).await
}

async fn insert(tx: &mut Tx, resource: &Resource, origin: &str, seen: Option<Moment>) -> Result<(), Error> {
    let insert = "INSERT INTO resources (resource_type, resource_id, name, template, origin, created_at, last_seen, revision) \
                  VALUES ($1, $2, NULL, NULL, $3, $4, $5, 0) ON CONFLICT (resource_type, resource_id) DO UPDATE SET \
                  last_seen = CASE WHEN excluded.last_seen IS NULL THEN resources.last_seen \
                  WHEN resources.last_seen IS NULL OR resources.last_seen < excluded.last_seen THEN excluded.last_seen \
                  ELSE resources.last_seen END";
    sqlx::query(insert)
        .bind(&resource.kind)
        .bind(&resource.id)
        .bind(origin)
        .bind(Moment::now().0)
        .bind(seen.map(|at| at.0))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What somebody says of a resource; `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Registration {
    /// What people call it.
    pub name: Option<String>,
    /// What it is made from.
    pub template: Option<String>,
    /// Whose it is in the systems of others.
    pub external_user_id: Option<String>,
    /// Where it is in the systems of others.
    pub external_workspace_id: Option<String>,
}

/// Registers a resource, or changes what is registered of it. One that has no
/// policy yet gets a copy of its template's.
///
/// # Errors
/// What the database says.
pub async fn register(
    tx: &mut Tx,
    resource: &Resource,
    registration: &Registration,
) -> Result<(Known, bool, Vec<Change>), Error> {
    let is_new = find(&mut **tx, resource).await?.is_none();
    insert(tx, resource, "registered", None).await?;
    let Registration {
        name,
        template,
        external_user_id,
        external_workspace_id,
    } = registration;
    let update = "UPDATE resources SET name = COALESCE($3, name), template = COALESCE($4, template), \
                  external_user_id = COALESCE($5, external_user_id), \
                  external_workspace_id = COALESCE($6, external_workspace_id), \
                  origin = 'registered' WHERE resource_type = $1 AND resource_id = $2";
    sqlx::query(update)
        .bind(&resource.kind)
        .bind(&resource.id)
        .bind(name.clone())
        .bind(template.clone())
        .bind(external_user_id.clone())
        .bind(external_workspace_id.clone())
        .execute(&mut **tx)
        .await?;
    let changes = match template {
        Some(template) => policies::copy_of_template(tx, resource, template).await?,
        None => Vec::new(),
    };
    let known = find(&mut **tx, resource).await?;
    let known = known.ok_or_else(|| Error::Internal(format!("{resource} was registered and is not there")))?;
    Ok((known, is_new, changes))
}

/// A resource, if it is known.
///
/// # Errors
/// What the database says.
pub async fn find<'c, E: Executor<'c, Database = Any>>(on: E, resource: &Resource) -> Result<Option<Known>, Error> {
    let query = "SELECT * FROM resources WHERE resource_type = $1 AND resource_id = $2";
    let found = sqlx::query(query).bind(resource.kind.clone()).bind(resource.id.clone());
    found.fetch_optional(on).await?.as_ref().map(known).transpose()
}

/// Every known resource, by type and id.
///
/// # Errors
/// What the database says.
pub async fn all<'c, E: Executor<'c, Database = Any>>(on: E) -> Result<Vec<Known>, Error> {
    let rows = sqlx::query("SELECT * FROM resources ORDER BY resource_type, resource_id")
        .fetch_all(on)
        .await?;
    rows.iter().map(known).collect()
}

/// Those that were made from a template.
///
/// # Errors
/// What the database says.
pub async fn of_template<'c, E: Executor<'c, Database = Any>>(on: E, template: &str) -> Result<Vec<Resource>, Error> {
    let query = "SELECT * FROM resources WHERE template = $1 ORDER BY resource_type, resource_id";
    let rows = sqlx::query(query).bind(template.to_owned()).fetch_all(on).await?;
    rows.iter().map(|row| Ok(known(row)?.resource)).collect()
}

fn known(row: &AnyRow) -> Result<Known, Error> {
    let kind: String = row.try_get("resource_type")?;
    let id: String = row.try_get("resource_id")?;
    Ok(Known {
        resource: Resource::new(kind, id),
        name: row.try_get("name")?,
        template: row.try_get("template")?,
        external_user_id: row.try_get("external_user_id")?,
        external_workspace_id: row.try_get("external_workspace_id")?,
        origin: row.try_get("origin")?,
        created_at: Moment(row.try_get("created_at")?),
        last_seen: row.try_get::<Option<i64>, _>("last_seen")?.map(Moment),
    })
}
