//! Effective policies that were made already: many proxies of one resource, and
//! many resources of one tenant, ask for the same at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::policies::{self, Effective};
use crate::resource::{Resource, TENANT};
use crate::store::Store;

/// How many bytes of policies are kept.
const KEPT: usize = 128 << 20;

/// The policies made last.
#[derive(Debug)]
pub(super) struct Board {
    store: Store,
    made: Mutex<HashMap<Resource, Arc<Effective>>>,
}

impl Board {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            made: Mutex::default(),
        }
    }

    /// The effective policy of a resource as it is now; `None` if it has none.
    pub(super) async fn effective(&self, resource: &Resource) -> Result<Option<Arc<Effective>>, Error> {
        let newest =
            "SELECT MAX(revision) FROM policies WHERE resource_type = $1 OR (resource_type = $2 AND resource_id = $3)";
        let newest: Option<i64> = sqlx::query_scalar(newest)
            .bind(TENANT)
            .bind(resource.kind.clone())
            .bind(resource.id.clone())
            .fetch_one(self.store.read())
            .await?;
        let Some(newest) = newest else {
            return Ok(None);
        };
        if let Some(made) = self.made().get(resource)
            && made.revision == newest
        {
            return Ok(Some(Arc::clone(made)));
        }
        let Some(made) = policies::effective(self.store.read(), resource).await?.map(Arc::new) else {
            return Ok(None);
        };
        let mut all = self.made();
        let bytes: usize = all.values().map(|kept| kept.content.len()).sum();
        if bytes.saturating_add(made.content.len()) > KEPT {
            all.clear();
        }
        all.insert(resource.clone(), Arc::clone(&made));
        Ok(Some(made))
    }

    fn made(&self) -> std::sync::MutexGuard<'_, HashMap<Resource, Arc<Effective>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
