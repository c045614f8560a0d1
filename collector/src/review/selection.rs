//! Whose traffic is reviewed.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::any::AnyArguments;
use sqlx::{Any, AssertSqlSafe};

use crate::access::Scope;
use crate::resource::Resource;

/// A query ready to run.
pub(crate) type Query<'s> = sqlx::query::Query<'s, Any, AnyArguments>;

/// Some resources, reviewed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All that are in a scope.
    Scope(Scope),
    /// These.
    Resources(Vec<Resource>),
}

impl Selection {
    /// Every resource of the tenant.
    #[must_use]
    pub fn everything() -> Self {
        Self::Scope(Scope::Tenant)
    }

    /// One resource.
    #[must_use]
    pub fn one(resource: Resource) -> Self {
        Self::Resources(vec![resource])
    }

    /// The resource, if it is one.
    #[must_use]
    pub fn single(&self) -> Option<&Resource> {
        match self {
            Self::Scope(Scope::Resource(resource)) => Some(resource),
            Self::Resources(resources) => match resources.as_slice() {
                [resource] => Some(resource),
                _ => None,
            },
            Self::Scope(_) => None,
        }
    }

    /// The same in SQL.
    pub(super) fn filter(&self) -> Filter<'_> {
        match self {
            Self::Scope(Scope::Tenant) => Filter::Everything,
            Self::Scope(Scope::Prefix { kind, prefix }) => Filter::Prefix(kind, prefix),
            Self::Scope(Scope::Resource(resource)) => Filter::of([resource]),
            Self::Resources(resources) => Filter::of(resources),
        }
    }
}

/// Which rows of a table are meant, by `resource_type` and `resource_id`.
#[derive(Debug, Clone)]
pub(crate) enum Filter<'s> {
    /// All.
    Everything,
    /// Those of a type whose id begins so.
    Prefix(&'s str, &'s str),
    /// Those of these, ids by type.
    Resources(BTreeMap<&'s str, BTreeSet<&'s str>>),
}

impl<'s> Filter<'s> {
    /// Those of these resources.
    pub(crate) fn of(resources: impl IntoIterator<Item = &'s Resource>) -> Self {
        let mut kinds: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for resource in resources {
            kinds.entry(&resource.kind).or_default().insert(&resource.id);
        }
        Self::Resources(kinds)
    }

    /// A query whose `{}` is the condition; its own parameters come first.
    pub(crate) fn query(&self, sql: &str, own: &[i64]) -> Query<'s> {
        let condition = match self {
            Self::Everything => "1 = 1".to_owned(),
            Self::Prefix(..) => {
                let (kind, prefix) = (own.len() + 1, own.len() + 2);
                format!(
                    "resource_type = ${kind} AND SUBSTR(resource_id, 1, LENGTH(CAST(${prefix} AS TEXT))) = ${prefix}"
                )
            }
            Self::Resources(kinds) if kinds.is_empty() => "1 = 0".to_owned(),
            // By type, because SQLite looks up a list of ids in an index, and a list of pairs it does not.
            Self::Resources(kinds) => {
                let mut numbers = (own.len() + 1..).map(|number| format!("${number}"));
                let mut next = |count| numbers.by_ref().take(count).collect::<Vec<_>>().join(", ");
                let of_kind = |ids: &BTreeSet<&str>| {
                    let kind = next(1);
                    format!("resource_type = {kind} AND resource_id IN ({})", next(ids.len()))
                };
                let conditions: Vec<String> = kinds.values().map(of_kind).collect();
                format!("({})", conditions.join(" OR "))
            }
        };
        // Nothing in it is of anybody else's making.
        let query = sqlx::query(AssertSqlSafe(sql.replace("{}", &condition)));
        let query = own.iter().fold(query, |query, value| query.bind(*value));
        match self {
            Self::Everything => query,
            Self::Prefix(kind, prefix) => query.bind(*kind).bind(*prefix),
            Self::Resources(kinds) => kinds.iter().fold(query, |query, (kind, ids)| {
                ids.iter().fold(query.bind(*kind), |query, id| query.bind(*id))
            }),
        }
    }
}
