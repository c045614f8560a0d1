//! What proxies said over Watch: who subscribed what, and what is in force there.

use sqlx::Row;

use crate::error::Error;
use crate::moment::Moment;
use crate::policy_v1::Version;
use crate::resource::Resource;
use crate::resources;
use crate::store::{Store, Tx};

/// A resource that a proxy subscribed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The credential.
    pub credential: String,
    /// The process, the part of the instance before the slash.
    pub process: String,
    /// Whose policy.
    pub resource: Resource,
    /// Whether the stream is open.
    pub connected: bool,
    /// What the proxy acknowledged last: epoch and revision.
    pub acknowledged: Option<(i64, i64)>,
    /// Whether that is in force in every VM of the proxy.
    pub everywhere: bool,
    /// Why it refused the newest policy.
    pub error: Option<String>,
    /// When it said anything.
    pub last_seen: Moment,
}

/// Who says it.
#[derive(Debug, Clone, Default)]
pub(super) struct Proxy {
    pub(super) credential: String,
    pub(super) instance: String,
    pub(super) build: String,
}

/// What it says.
#[derive(Debug, Clone, Copy)]
pub(super) enum Note<'n> {
    Subscribed(&'n Resource),
    /// In force in the first number of VMs, of the second.
    Acknowledged(&'n Resource, Version, (u32, u32)),
    Refused(&'n Resource, &'n str),
    /// From this resource, or from all.
    Gone(Option<&'n Resource>),
}

impl Note<'_> {
    /// Whose policy it is about, if it is one's.
    pub(super) fn about(&self) -> Option<Resource> {
        match self {
            Self::Subscribed(resource) | Self::Acknowledged(resource, ..) | Self::Refused(resource, _) => {
                Some((*resource).clone())
            }
            Self::Gone(resource) => resource.cloned(),
        }
    }
}

impl Proxy {
    pub(super) async fn note(&self, tx: &mut Tx, note: Note<'_>) -> Result<(), Error> {
        match note {
            Note::Subscribed(resource) => {
                if !resource.is_tenant() {
                    resources::seen(tx, resource, Moment::now()).await?;
                }
                self.subscribed(tx, resource).await
            }
            Note::Acknowledged(resource, version, vms) => self.acknowledged(tx, resource, version, vms).await,
            Note::Refused(resource, error) => self.refused(tx, resource, error).await,
            Note::Gone(resource) => self.gone(tx, resource).await,
        }
    }

    fn process(&self) -> &str {
        self.instance
            .split_once('/')
            .map_or(self.instance.as_str(), |(process, _)| process)
    }

    async fn subscribed(&self, tx: &mut Tx, resource: &Resource) -> Result<(), Error> {
        let write = "INSERT INTO subscriptions (credential, instance, process, resource_type, resource_id, build, \
                     connected, vms_in_force, vms, last_seen) VALUES ($1, $2, $3, $4, $5, $6, 1, 0, 0, $7) \
                     ON CONFLICT (credential, instance, resource_type, resource_id) DO UPDATE SET \
                     connected = 1, build = excluded.build, last_seen = excluded.last_seen";
        sqlx::query(write)
            .bind(&self.credential)
            .bind(&self.instance)
            .bind(self.process())
            .bind(&resource.kind)
            .bind(&resource.id)
            .bind(&self.build)
            .bind(Moment::now().0)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    async fn acknowledged(
        &self,
        tx: &mut Tx,
        resource: &Resource,
        version: Version,
        vms: (u32, u32),
    ) -> Result<(), Error> {
        let write = "UPDATE subscriptions SET epoch = $5, revision = $6, vms_in_force = $7, vms = $8, error = NULL, \
                     last_seen = $9 WHERE credential = $1 AND instance = $2 AND resource_type = $3 AND resource_id = $4";
        sqlx::query(write)
            .bind(&self.credential)
            .bind(&self.instance)
            .bind(&resource.kind)
            .bind(&resource.id)
            .bind(i64::try_from(version.epoch).unwrap_or(i64::MAX))
            .bind(i64::try_from(version.revision).unwrap_or(i64::MAX))
            .bind(i64::from(vms.0))
            .bind(i64::from(vms.1))
            .bind(Moment::now().0)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    async fn refused(&self, tx: &mut Tx, resource: &Resource, error: &str) -> Result<(), Error> {
        let write = "UPDATE subscriptions SET error = $5, last_seen = $6 \
                     WHERE credential = $1 AND instance = $2 AND resource_type = $3 AND resource_id = $4";
        sqlx::query(write)
            .bind(&self.credential)
            .bind(&self.instance)
            .bind(&resource.kind)
            .bind(&resource.id)
            .bind(error.chars().take(1_000).collect::<String>())
            .bind(Moment::now().0)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    async fn gone(&self, tx: &mut Tx, resource: Option<&Resource>) -> Result<(), Error> {
        let write = "UPDATE subscriptions SET connected = 0 WHERE credential = $1 AND instance = $2 \
                     AND ($3 = '' OR (resource_type = $3 AND resource_id = $4))";
        sqlx::query(write)
            .bind(&self.credential)
            .bind(&self.instance)
            .bind(resource.map(|resource| resource.kind.clone()).unwrap_or_default())
            .bind(resource.map(|resource| resource.id.clone()).unwrap_or_default())
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

/// Every subscription that is connected or was within the last day.
///
/// # Errors
/// What the database says.
pub async fn subscriptions(store: &Store) -> Result<Vec<Subscription>, Error> {
    let query = "SELECT * FROM subscriptions WHERE connected = 1 OR last_seen > $1";
    let since = Moment::now().0.saturating_sub(crate::moment::DAY);
    let rows = sqlx::query(query).bind(since).fetch_all(store.read()).await?;
    rows.iter()
        .map(|row| {
            let (kind, id): (String, String) = (row.try_get("resource_type")?, row.try_get("resource_id")?);
            let (connected, in_force, vms): (i64, i64, i64) = (
                row.try_get("connected")?,
                row.try_get("vms_in_force")?,
                row.try_get("vms")?,
            );
            let (epoch, revision): (Option<i64>, Option<i64>) = (row.try_get("epoch")?, row.try_get("revision")?);
            Ok(Subscription {
                credential: row.try_get("credential")?,
                process: row.try_get("process")?,
                resource: Resource::new(kind, id),
                connected: connected == 1,
                acknowledged: epoch.zip(revision),
                everywhere: vms > 0 && in_force >= vms,
                error: row.try_get("error")?,
                last_seen: Moment(row.try_get("last_seen")?),
            })
        })
        .collect()
}
