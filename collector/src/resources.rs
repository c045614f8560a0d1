//! The resources that are known.

use crate::error::Error;
use crate::moment::Moment;
use crate::resource::Resource;
use crate::store::Tx;

/// Notes that a resource was heard of; the first time registers it.
pub(crate) async fn seen(tx: &mut Tx, resource: &Resource, at: Moment) -> Result<(), Error> {
    let seen = "INSERT INTO resources (resource_type, resource_id, origin, created_at, last_seen, revision) \
                VALUES ($1, $2, 'seen', $3, $3, 0) ON CONFLICT (resource_type, resource_id) DO UPDATE \
                SET last_seen = CASE WHEN COALESCE(resources.last_seen, 0) < excluded.last_seen \
                THEN excluded.last_seen ELSE resources.last_seen END";
    let seen = sqlx::query(seen).bind(&resource.kind).bind(&resource.id).bind(at.0);
    seen.execute(&mut **tx).await?;
    Ok(())
}
