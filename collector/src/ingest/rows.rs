//! Rows of `audit`: what was decided, one by one or summed up.

use super::event::Row;
use super::sql::{Statement, Values};
use crate::error::Error;
use crate::resource::Resource;
use crate::store::{Kind, Store, Tx};

/// A row to be written, and whose.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) credential: &'a str,
    pub(super) resource: &'a Resource,
    pub(super) row: &'a Row,
}

static INSERT: Statement = Statement::new(
    "INSERT INTO audit (inserted_at, timestamp, resource_type, resource_id, credential, uid, host, port, raw, method, \
     path, path_cut, action, would_reject, status_code, duration_us, bytes_in, bytes_out, rule_id, rule_scope, \
     rejected_by, nearest, epoch, revision, mode, overridden, sni, client, protocol, outcome, details, parent, peer, count) \
     VALUES ",
    34,
    "",
);

/// Writes them, numbered in commit order; answers the number of the first one.
pub(super) async fn insert(kind: Kind, tx: &mut Tx, entries: &[Entry<'_>]) -> Result<i64, Error> {
    let first = Store::inserted_at(tx, entries.len()).await?;
    let numbered: Vec<(i64, &Entry<'_>)> = (first..).zip(entries).collect();
    INSERT
        .run(kind, tx, &numbered, |(inserted_at, entry), values| {
            bind(*inserted_at, entry, values);
        })
        .await?;
    Ok(first)
}

fn bind(inserted_at: i64, entry: &Entry<'_>, values: &mut Values) {
    let Entry {
        credential,
        resource,
        row,
    } = entry;
    values.add(inserted_at).add(row.at.0);
    values
        .add(resource.kind.as_str())
        .add(resource.id.as_str())
        .add(*credential);
    values.add(row.uid.as_str()).add(row.host.as_deref()).add(row.port);
    values
        .add(row.raw.as_deref())
        .add(row.method.as_deref())
        .add(row.path.as_deref());
    values.add(i64::from(row.path_cut)).add(row.action.as_str());
    values
        .add(i64::from(row.would_reject))
        .add(row.status)
        .add(row.duration_us);
    // As the workload sees it: what it got, and what left it.
    values.add(row.response_bytes).add(row.request_bytes);
    values.add(row.rule_id.as_deref()).add(row.rule_scope);
    values.add(row.rejected_by.as_deref()).add(row.nearest.as_deref());
    let in_force = &row.in_force;
    values
        .add(in_force.epoch)
        .add(in_force.revision)
        .add(in_force.mode)
        .add(in_force.overridden.as_deref());
    values
        .add(row.sni.as_deref())
        .add(row.client.as_deref())
        .add(row.protocol.as_str());
    values
        .add(row.outcome)
        .add(row.details.as_deref())
        .add(row.parent.as_deref())
        .add(row.peer.map(|peer| peer.to_string()))
        .add(row.count);
}

const UPDATE: &str = "UPDATE audit SET action = $1, would_reject = $2, status_code = $3, duration_us = $4, \
                      bytes_in = $5, bytes_out = $6, rule_id = $7, rule_scope = $8, rejected_by = $9, nearest = $10, \
                      epoch = $11, revision = $12, mode = $13, overridden = $14, outcome = $15, details = $16, \
                      peer = COALESCE($17, peer) WHERE inserted_at = $18";

/// The end of a stream that was written as open: how it went, and who decided last.
pub(super) async fn end(tx: &mut Tx, inserted_at: i64, row: &Row) -> Result<(), Error> {
    sqlx::query(UPDATE)
        .bind(row.action.as_str())
        .bind(i64::from(row.would_reject))
        .bind(row.status)
        .bind(row.duration_us)
        .bind(row.response_bytes)
        .bind(row.request_bytes)
        .bind(row.rule_id.as_deref())
        .bind(row.rule_scope)
        .bind(row.rejected_by.as_deref())
        .bind(row.nearest.as_deref())
        .bind(row.in_force.epoch)
        .bind(row.in_force.revision)
        .bind(row.in_force.mode)
        .bind(row.in_force.overridden.as_deref())
        .bind(row.outcome)
        .bind(row.details.as_deref())
        .bind(row.peer.map(|peer| peer.to_string()))
        .bind(inserted_at)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
