//! What should be in force, against what is.

use std::collections::HashMap;

use sqlx::Row;

use super::notes::{Subscription, subscriptions};
use crate::error::Error;
use crate::proxies::Proxy;
use crate::resource::Resource;
use crate::store::Store;

/// The revision that each resource should have, and what proxies said of theirs over Watch.
#[derive(Debug)]
pub struct Intended {
    revisions: HashMap<Resource, i64>,
    said: HashMap<(String, String, Resource), Subscription>,
}

impl Intended {
    /// As the database has it now.
    ///
    /// # Errors
    /// What the database says.
    pub async fn of(store: &Store) -> Result<Self, Error> {
        let query = "SELECT resource_type, resource_id, revision FROM policies WHERE resource_type IS NOT NULL";
        let mut revisions = HashMap::new();
        for row in sqlx::query(query).fetch_all(store.read()).await? {
            let (kind, id): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            revisions.insert(Resource::new(kind, id), row.try_get(2)?);
        }
        let said = subscriptions(store).await?.into_iter();
        let said = said.map(|one| ((one.credential.clone(), one.process.clone(), one.resource.clone()), one));
        Ok(Self {
            revisions,
            said: said.collect(),
        })
    }

    /// The revision that a resource should have: the higher of its own and its tenant's. `None` if there is no policy.
    #[must_use]
    pub fn revision(&self, resource: &Resource) -> Option<i64> {
        let own = self.revisions.get(resource);
        own.max(self.revisions.get(&Resource::tenant())).copied()
    }

    /// The revision that is in force in a VM: of its last heartbeat, or the one
    /// that its proxy acknowledged for every VM since.
    #[must_use]
    pub fn live(&self, proxy: &Proxy) -> Option<i64> {
        let said = self
            .said(proxy)
            .filter(|said| said.everywhere)
            .and_then(|said| said.acknowledged);
        let heartbeat = proxy.live.as_ref().and_then(|live| live.revision);
        heartbeat.max(said.map(|(_, revision)| revision))
    }

    /// What its proxy said over Watch.
    #[must_use]
    pub fn said(&self, proxy: &Proxy) -> Option<&Subscription> {
        let key = (proxy.credential.clone(), proxy.process.clone(), proxy.resource.clone());
        self.said.get(&key)
    }

    /// Whether a VM has an older policy than it should.
    #[must_use]
    pub fn is_behind(&self, proxy: &Proxy) -> bool {
        match self.revision(&proxy.resource) {
            Some(intended) => self.live(proxy).is_none_or(|live| live < intended),
            None => false,
        }
    }
}
