//! Which rows, and in which order.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

use super::Row;
use crate::access::Scope;
use crate::error::Error;
use crate::moment::Moment;
use crate::resource::Resource;
use crate::store::Store;

/// Which rows; `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// What the caller may see.
    pub scope: Option<Scope>,
    /// Whose.
    pub resource: Option<Resource>,
    /// Of this type, whatever the id.
    pub resource_type: Option<String>,
    /// A canonical host, or `*.name` for all below a name.
    pub host: Option<String>,
    /// One of these actions.
    pub actions: Vec<String>,
    /// Whether the verdict was reject.
    pub would_reject: Option<bool>,
    /// The mode that was in force.
    pub mode: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The verdict's rule.
    pub rule_id: Option<String>,
    /// What rejected it.
    pub rejected_by: Option<String>,
    /// Committed then or later.
    pub since: Option<Moment>,
    /// Committed then or before.
    pub until: Option<Moment>,
    /// Whose the resource is in the systems of others.
    pub external_user_id: Option<String>,
    /// Where the resource is in the systems of others.
    pub external_workspace_id: Option<String>,
}

/// From which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The oldest first.
    Ascending,
    /// The newest ones; they too are answered the oldest first.
    Newest,
}

/// A condition's value.
enum Value {
    Text(String),
    Number(i64),
}

#[derive(Default)]
struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// `sql` has one `?` for each value.
    fn add(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        let mut sql = sql.to_owned();
        for value in values {
            self.values.push(value);
            sql = sql.replacen('?', &format!("${}", self.values.len()), 1);
        }
        self.sql.push(sql);
    }

    fn text(&mut self, column: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.add(&format!("audit.{column} = ?"), [Value::Text(value.clone())]);
        }
    }

    fn of(filter: &Filter) -> Self {
        let mut conditions = Self::default();
        let both = |resource: &Resource| [Value::Text(resource.kind.clone()), Value::Text(resource.id.clone())];
        const OF_RESOURCE: &str = "audit.resource_type = ? AND audit.resource_id = ?";
        match &filter.scope {
            None | Some(Scope::Tenant) => {}
            Some(Scope::Resource(resource)) => conditions.add(OF_RESOURCE, both(resource)),
            Some(Scope::Prefix { kind, prefix }) => {
                let length = i64::try_from(prefix.chars().count()).unwrap_or(i64::MAX);
                let values = [
                    Value::Text(kind.clone()),
                    Value::Number(length),
                    Value::Text(prefix.clone()),
                ];
                conditions.add(
                    "audit.resource_type = ? AND SUBSTR(audit.resource_id, 1, CAST(? AS INTEGER)) = ?",
                    values,
                );
            }
        }
        if let Some(resource) = &filter.resource {
            conditions.add(OF_RESOURCE, both(resource));
        }
        conditions.text("resource_type", filter.resource_type.as_ref());
        match filter.host.as_deref().map(|host| (host, host.strip_prefix("*."))) {
            Some((_, Some(name))) => {
                let suffix = format!(".{}", name.to_lowercase());
                let length = i64::try_from(suffix.chars().count()).unwrap_or(i64::MAX);
                let values = [Value::Number(length), Value::Text(suffix)];
                conditions.add(
                    "SUBSTR(audit.host, LENGTH(audit.host) - CAST(? AS INTEGER) + 1) = ?",
                    values,
                );
            }
            Some((host, None)) => conditions.add("audit.host = ?", [Value::Text(host.to_lowercase())]),
            None => {}
        }
        if !filter.actions.is_empty() {
            let places = vec!["?"; filter.actions.len()].join(", ");
            let values = filter.actions.iter().map(|action| Value::Text(action.clone()));
            conditions.add(&format!("audit.action IN ({places})"), values);
        }
        if let Some(would_reject) = filter.would_reject {
            conditions.add("audit.would_reject = ?", [Value::Number(would_reject.into())]);
        }
        conditions.text("mode", filter.mode.as_ref());
        conditions.text("method", filter.method.as_ref());
        conditions.text("rule_id", filter.rule_id.as_ref());
        conditions.text("rejected_by", filter.rejected_by.as_ref());
        if let Some(since) = filter.since {
            conditions.add("audit.inserted_at >= ?", [Value::Number(since.0)]);
        }
        if let Some(until) = filter.until {
            conditions.add("audit.inserted_at <= ?", [Value::Number(until.0)]);
        }
        for (column, value) in [
            ("external_user_id", &filter.external_user_id),
            ("external_workspace_id", &filter.external_workspace_id),
        ] {
            if let Some(value) = value {
                conditions.add(&format!("resources.{column} = ?"), [Value::Text(value.clone())]);
            }
        }
        conditions
    }
}

/// A policy's id is that of the verdict's rule, else of the policy that governed: the resource's own or the tenant's.
const SELECT: &str = "SELECT audit.*, rules.host AS rule_host, resources.external_user_id, \
     resources.external_workspace_id, COALESCE(rules.policy_id, own.id, tenant.id) AS policy_id FROM audit \
     LEFT JOIN rules ON rules.id = audit.rule_id \
     LEFT JOIN resources ON resources.resource_type = audit.resource_type AND resources.resource_id = audit.resource_id \
     LEFT JOIN policies own ON own.resource_type = audit.resource_type AND own.resource_id = audit.resource_id \
     LEFT JOIN policies tenant ON tenant.resource_type = 'tenant' AND tenant.resource_id = ''";

/// A page of rows, always the oldest first, and whether there are more.
///
/// # Errors
/// What the database says.
pub async fn page(
    store: &Store,
    filter: &Filter,
    order: Order,
    limit: i64,
    offset: i64,
) -> Result<(Vec<Row>, bool), Error> {
    let conditions = Conditions::of(filter);
    let wanted = match conditions.sql.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", conditions.sql.join(" AND ")),
    };
    let direction = match order {
        Order::Ascending => "ASC",
        Order::Newest => "DESC",
    };
    let count = conditions.values.len();
    let sql = format!(
        "{SELECT}{wanted} ORDER BY audit.inserted_at {direction} LIMIT ${} OFFSET ${}",
        count + 1,
        count + 2
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for value in conditions.values {
        query = bound(query, value);
    }
    let fetched = query
        .bind(limit.saturating_add(1))
        .bind(offset)
        .fetch_all(store.read())
        .await?;
    let has_more = i64::try_from(fetched.len()).is_ok_and(|count| count > limit);
    let kept = fetched.iter().take(usize::try_from(limit).unwrap_or(usize::MAX));
    let mut rows = kept.map(Row::of).collect::<Result<Vec<_>, _>>()?;
    if order == Order::Newest {
        rows.reverse();
    }
    Ok((rows, has_more))
}

fn bound<'q>(query: Query<'q, Any, AnyArguments>, value: Value) -> Query<'q, Any, AnyArguments> {
    match value {
        Value::Text(text) => query.bind(text),
        Value::Number(number) => query.bind(number),
    }
}

/// One row.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn show(store: &Store, id: &str, scope: &Scope) -> Result<Row, Error> {
    let missing = || Error::NotFound(format!("audit row {id}"));
    let place = Moment(Row::place(id).ok_or_else(missing)?);
    let filter = Filter {
        scope: Some(scope.clone()),
        since: Some(place),
        until: Some(place),
        ..Filter::default()
    };
    page(store, &filter, Order::Ascending, 1, 0)
        .await?
        .0
        .pop()
        .ok_or_else(missing)
}
