//! The own policies of resources, without their rules.

use std::collections::HashMap;

use sluice_policy::{Effect, Mode};
use sqlx::Row as _;

use crate::error::Error;
use crate::moment::Moment;
use crate::policies;
use crate::resource::Resource;
use crate::store::Store;

/// What a policy says besides its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) id: String,
    pub(super) mode: Mode,
    pub(super) default_effect: Effect,
    pub(super) revision: i64,
    pub(super) rule_count: i64,
    pub(super) relock_at: Option<Moment>,
}

/// Every policy that is attached to something.
pub(super) async fn owned(store: &Store) -> Result<Vec<(Resource, Own)>, Error> {
    const RULES: &str = "SELECT policy_id, COUNT(*) FROM rules WHERE removed_at IS NULL GROUP BY policy_id";
    const POLICIES: &str = "SELECT resource_type, resource_id, id, mode, default_effect, revision, relock_at \
                            FROM policies WHERE resource_type IS NOT NULL";
    let mut rules: HashMap<String, i64> = HashMap::new();
    for row in sqlx::query(RULES).fetch_all(store.read()).await? {
        rules.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let rows = sqlx::query(POLICIES).fetch_all(store.read()).await?;
    rows.iter()
        .map(|row| {
            let (kind, resource, id): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let (mode, effect): (String, String) = (row.try_get(3)?, row.try_get(4)?);
            let own = Own {
                mode: policies::mode(&mode)?,
                default_effect: policies::effect("default_effect", &effect)?,
                revision: row.try_get(5)?,
                relock_at: row.try_get::<Option<i64>, _>(6)?.map(Moment),
                rule_count: rules.get(&id).copied().unwrap_or_default(),
                id,
            };
            Ok((Resource::new(kind, resource), own))
        })
        .collect()
}
