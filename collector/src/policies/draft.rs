//! A policy that is being changed: loaded, changed, and saved as one revision.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::types::{Policy, StoredRule};
use super::{check, load};
use crate::access::Caller;
use crate::changes::Change;
use crate::error::Error;
use crate::moment::Moment;
use crate::store::{Store, Tx};

/// A policy in a transaction, whose row is locked.
#[derive(Debug)]
pub struct Draft {
    /// The policy.
    pub policy: Policy,
    /// Its rules, in order.
    pub rules: Vec<StoredRule>,
    before: Before,
}

/// What is in the database.
#[derive(Debug)]
struct Before {
    policy: Option<Policy>,
    rules: Vec<StoredRule>,
    /// The `position` of each rule, by its id: rising, with gaps where rules were removed.
    positions: BTreeMap<String, i64>,
}

/// Who changes it, and what for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Why<'w> {
    /// Who.
    pub(super) author: &'w str,
    /// The operation, one word.
    pub(super) operation: &'w str,
    /// What they say about it.
    pub(super) note: &'w str,
}

impl Draft {
    /// Loads a policy and locks it.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn load(store: &Store, tx: &mut Tx, id: &str) -> Result<Self, Error> {
        load::lock(store, tx, id).await?;
        let policy = load::by_id(&mut **tx, id).await?;
        let rules = load::rules(&mut **tx, id).await?;
        Ok(Self {
            before: Before {
                policy: Some(policy.clone()),
                rules: rules.clone(),
                positions: load::positions(&mut **tx, id).await?,
            },
            policy,
            rules,
        })
    }

    /// One that does not exist yet.
    pub(super) fn new(policy: Policy, rules: Vec<StoredRule>) -> Self {
        Self {
            policy,
            rules,
            before: Before {
                policy: None,
                rules: Vec::new(),
                positions: BTreeMap::new(),
            },
        }
    }

    /// Refuses a caller who has not seen the latest revision.
    ///
    /// # Errors
    /// [`Error::StaleRevision`].
    pub fn expect(&self, revision: Option<i64>) -> Result<(), Error> {
        match revision {
            Some(given) if given != self.policy.revision => Err(Error::StaleRevision {
                given,
                latest: self.policy.revision,
            }),
            _ => Ok(()),
        }
    }

    /// Whether saving would change anything.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.before.policy.as_ref() != Some(&self.policy) || self.before.rules != self.rules
    }

    /// Checks and saves it as one revision, and notes it in the operator log.
    /// Without a change there is nothing to save, and no revision.
    ///
    /// # Errors
    /// [`Error::Validation`] if a filter would refuse it.
    pub async fn save(
        &mut self,
        tx: &mut Tx,
        caller: &Caller,
        operation: &str,
        note: &str,
    ) -> Result<Vec<Change>, Error> {
        let why = Why {
            author: &caller.name,
            operation,
            note,
        };
        self.save_as(tx, &caller.id, why).await
    }

    /// [`Draft::save`] by somebody who is no caller.
    pub(super) async fn save_as(&mut self, tx: &mut Tx, actor: &str, why: Why<'_>) -> Result<Vec<Change>, Error> {
        if !self.is_changed() {
            return Ok(Vec::new());
        }
        let touched = self.touched();
        check::policy(tx, &self.policy, &self.rules, &touched).await?;
        self.policy.revision = Store::next_revision(tx).await?;
        self.policy.updated_at = Moment::now();
        self.write_policy(tx, why.author).await?;
        self.write_rules(tx).await?;
        self.write_revision(tx, why).await?;
        let subject = match &self.policy.resource {
            Some(resource) => format!("{} of {resource}", self.policy.id),
            None => self.policy.id.clone(),
        };
        let details = json!({"revision": self.policy.revision, "note": why.note});
        crate::operators::note(tx, actor, why.operation, &subject, &details).await?;
        Ok(self.policy.resource.clone().map(Change::Policy).into_iter().collect())
    }

    /// The ids of rules that are new or say something else now.
    fn touched(&self) -> Vec<String> {
        let before: BTreeMap<&str, &StoredRule> = by_id(&self.before.rules);
        let is_new = |rule: &&StoredRule| {
            before
                .get(rule.document.id.as_str())
                .is_none_or(|old| old.document != rule.document)
        };
        self.rules
            .iter()
            .filter(is_new)
            .map(|rule| rule.document.id.clone())
            .collect()
    }

    async fn write_policy(&self, tx: &mut Tx, author: &str) -> Result<(), Error> {
        let Policy {
            id,
            name,
            description,
            resource,
            mode,
            default_effect,
            revision,
            created_at,
            updated_at,
            relock_at,
        } = &self.policy;
        let write = "INSERT INTO policies (id, name, description, resource_type, resource_id, mode, default_effect, \
                     revision, created_at, updated_at, updated_by, relock_at) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO UPDATE SET \
                     name = excluded.name, description = excluded.description, mode = excluded.mode, \
                     default_effect = excluded.default_effect, revision = excluded.revision, \
                     updated_at = excluded.updated_at, updated_by = excluded.updated_by, relock_at = excluded.relock_at";
        sqlx::query(write)
            .bind(id)
            .bind(name)
            .bind(description)
            .bind(resource.as_ref().map(|resource| resource.kind.clone()))
            .bind(resource.as_ref().map(|resource| resource.id.clone()))
            .bind(mode.as_str())
            .bind(default_effect.as_str())
            .bind(revision)
            .bind(created_at.0)
            .bind(updated_at.0)
            .bind(author)
            .bind(relock_at.map(|at| at.0))
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    async fn write_rules(&self, tx: &mut Tx) -> Result<(), Error> {
        let (before, after) = (by_id(&self.before.rules), by_id(&self.rules));
        for id in before.keys().filter(|id| !after.contains_key(*id)) {
            let remove = sqlx::query("UPDATE rules SET removed_at = $1 WHERE id = $2");
            remove
                .bind(self.policy.updated_at.0)
                .bind(*id)
                .execute(&mut **tx)
                .await?;
        }
        let mut last = -1;
        for rule in &self.rules {
            let id = rule.document.id.as_str();
            let had = self.before.positions.get(id).copied();
            let position = had.filter(|had| *had > last).unwrap_or(last + 1);
            last = position;
            // A rule that stays costs nothing, however many there are.
            if had == Some(position) && before.get(id) == Some(&rule) {
                continue;
            }
            let write = "INSERT INTO rules (id, policy_id, position, name, host, body, created_at, removed_at) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, NULL) ON CONFLICT (id) DO UPDATE SET \
                         position = excluded.position, name = excluded.name, host = excluded.host, \
                         body = excluded.body, removed_at = NULL";
            sqlx::query(write)
                .bind(id)
                .bind(&self.policy.id)
                .bind(position)
                .bind(&rule.name)
                .bind(&rule.document.host)
                .bind(rule.body().to_string())
                .bind(rule.created_at.0)
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    async fn write_revision(&self, tx: &mut Tx, why: Why<'_>) -> Result<(), Error> {
        let rules: Vec<Value> = self
            .rules
            .iter()
            .map(|rule| {
                let mut body = rule.body();
                body["id"] = json!(rule.document.id);
                body["name"] = json!(rule.name);
                body["created_at"] = json!(rule.created_at);
                body
            })
            .collect();
        let Policy {
            name,
            description,
            mode,
            default_effect,
            ..
        } = &self.policy;
        let document = json!({
            "name": name, "description": description, "mode": mode, "default_effect": default_effect, "rules": rules,
        });
        let write = "INSERT INTO revisions (policy_id, revision, at, author, operation, note, mode, rule_count, document) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        sqlx::query(write)
            .bind(&self.policy.id)
            .bind(self.policy.revision)
            .bind(self.policy.updated_at.0)
            .bind(why.author)
            .bind(why.operation)
            .bind(why.note)
            .bind(mode.as_str())
            .bind(i64::try_from(self.rules.len()).unwrap_or(i64::MAX))
            .bind(document.to_string())
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

fn by_id(rules: &[StoredRule]) -> BTreeMap<&str, &StoredRule> {
    rules.iter().map(|rule| (rule.document.id.as_str(), rule)).collect()
}
