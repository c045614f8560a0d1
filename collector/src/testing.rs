//! What tests of several modules need: a store of their own, and somebody who may do everything.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::access::{Caller, Role, Scope};
use crate::policies::{self, Added, Draft};
use crate::resource::Resource;
use crate::store::Store;

/// A SQLite store that is gone with it.
pub(crate) struct Fresh {
    pub(crate) store: Store,
    _folder: TempDir,
}

impl Fresh {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        Self {
            store: Store::open(&url).await.unwrap(),
            _folder: folder,
        }
    }

    /// Adds a rule to a resource's own policy.
    pub(crate) async fn rule(&self, resource: &Resource, rule: Value) -> Added {
        let mut tx = self.store.begin().await.unwrap();
        let (mut draft, mut changes) = policies::of_resource(&self.store, &mut tx, &admin(), resource)
            .await
            .unwrap();
        let rule = policies::rule_of_input(rule.as_object().unwrap()).unwrap();
        let (added, told) = policies::add_rule(&mut tx, &admin(), &mut draft, rule, "")
            .await
            .unwrap();
        changes.extend(told);
        self.store.commit(tx, &changes).await.unwrap();
        added
    }

    /// The own policy of a resource as it is.
    pub(crate) async fn draft(&self, resource: &Resource) -> Draft {
        let policy = policies::of(self.store.read(), resource).await.unwrap().unwrap();
        let mut tx = self.store.begin().await.unwrap();
        Draft::load(&self.store, &mut tx, &policy.id).await.unwrap()
    }

    /// The hosts of a resource's own rules, in order.
    pub(crate) async fn hosts(&self, resource: &Resource) -> Vec<String> {
        self.draft(resource)
            .await
            .rules
            .into_iter()
            .map(|rule| rule.document.host)
            .collect()
    }
}

pub(crate) fn admin() -> Caller {
    Caller {
        id: "tok_test".to_owned(),
        name: "ann".to_owned(),
        role: Role::Admin,
        scope: Scope::Tenant,
    }
}

pub(crate) fn allow(host: &str) -> Value {
    json!({"host": host})
}

pub(crate) fn sandbox(id: &str) -> Resource {
    Resource::new("sandbox", id)
}
