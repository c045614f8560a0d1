//! Suggestions: all of them or those that somebody looks for, in numbers, and as the list to lock down by.

mod narrow;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sluice_policy::{Effect, Mode, Policy};

use super::input::{Input, Query};
use super::paging::window as page;
use super::review::selected;
use super::who::Who;
use super::{App, reply, shapes};
use crate::access::Caller;
use crate::addresses;
use crate::error::Error;
use crate::moment::Moment;
use crate::policies;
use crate::resource::Resource;
use crate::review::suggestions::{self, Row, Traffic};
use crate::review::{Choice, Selection, joined};
use narrow::Narrow;

/// How far back is looked unless somebody says.
const WINDOW: &str = "7d";

/// Whose traffic, and since when.
#[derive(Debug, Clone)]
struct Asked {
    whose: Selection,
    /// Whose policy says what is listed.
    resource: Resource,
    since: Moment,
    now: Moment,
}

impl Asked {
    fn of(caller: &Caller, resource: Option<Resource>, since: &str) -> Result<Self, Error> {
        let now = Moment::now();
        Ok(Self {
            whose: selected(caller, resource.clone())?,
            resource: resource.unwrap_or_else(Resource::tenant),
            since: Moment::parse_since("since", since, now)?,
            now,
        })
    }

    /// Works them out, on a thread that may be busy for a while: there may be very many.
    async fn make(self, app: &App) -> Result<Vec<Row>, Error> {
        let (in_force, _) = policies::in_force(app.store.read(), &self.resource).await?;
        let policy = Policy::merge(in_force.tenant.as_ref(), in_force.resource.as_ref());
        let policy = policy.map_err(|problems| Error::Internal(problems.to_string()))?;
        let traffic = Traffic::read(&app.store, &self.whose, self.since).await?;
        let settings = Arc::clone(&app.settings);
        let made = tokio::task::spawn_blocking(move || {
            let resolves_to = addresses::blocks("resolves_to", &settings.resolves_to)?;
            traffic.suggestions(&suggestions::Circumstances {
                catalogue: &settings.catalogue,
                infrastructure: &settings.infrastructure,
                resolves_to: &resolves_to,
                policy: Some(&policy),
                now: self.now,
            })
        });
        made.await.map_err(|error| Error::Internal(error.to_string()))?
    }
}

/// Those of a moment ago, where that is good enough.
async fn kept(app: &App, asked: Asked, since: &str) -> Result<Arc<Vec<Row>>, Error> {
    let whose = asked.whose.clone();
    app.kept.rows(&app.store, &whose, since, asked.make(app)).await
}

/// Makes those of a resource ready for who is about to ask.
pub(super) fn foresee(app: App, caller: Caller, resource: Resource, since: Option<&str>) {
    let since = since.unwrap_or(WINDOW).to_owned();
    tokio::spawn(async move {
        let ready = async {
            let asked = Asked::of(&caller, Some(resource), &since)?;
            kept(&app, asked, &since).await
        };
        // Whoever asks gets the same error, and can read it.
        if let Err(error) = ready.await {
            tracing::debug!(%error, "suggestions were not made ready");
        }
    });
}

/// What to allow, what to deny, and what to ask about first
///
/// Everything, the most requested first, unless somebody says. Of very many, an answer to who looks for some or for a
/// page may be five seconds old.
#[utoipa::path(get, path = "/egress/audit/suggestions", params(
    ("resource_type" = Option<String>, Query), ("resource_id" = Option<String>, Query),
    ("since" = Option<String>, Query, description = "Default 7d; whole days, UTC"),
    ("format" = Option<String>, Query, description = "policy: a policy file of all of them"),
    ("q" = Option<String>, Query, description = "A part of host, pattern or a member"),
    ("class" = Option<String>, Query), ("recommendation" = Option<String>, Query, description = "keep, question or deny"),
    ("listed" = Option<bool>, Query, description = "Whether a rule in force decides all of it"),
    ("sort" = Option<String>, Query, description = "requests (default), denied, host, first_seen, last_seen"),
    ("order" = Option<String>, Query, description = "asc or desc; default asc for host, else desc"),
    ("limit" = Option<i64>, Query, description = "Everything unless given"), ("offset" = Option<i64>, Query),
), responses((status = 200, body = shapes::List<shapes::SuggestionRow>,
    headers(("x-total-count" = i64, description = "Rows before limit and offset")))))]
pub(super) async fn list(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let since = query.text("since").unwrap_or(WINDOW);
    let asked = Asked::of(&caller, query.resource()?, since)?;
    let (narrow, page) = (Narrow::of(&query)?, page(&query, 100_000)?);
    let as_policy = match query.text("format") {
        Some("policy") => true,
        None | Some("json") => false,
        Some(other) => return Err(Error::field("format", other, "policy or json")),
    };
    // Who asks for everything, as clients that lock down do, gets it as it is now.
    let rows = match narrow.is_everything() && !page.is_part() {
        true => Arc::new(asked.make(&app).await?),
        false => kept(&app, asked, since).await?,
    };
    if as_policy {
        let meant = rows.iter().filter(|row| narrow.has(row));
        return Ok(Json(suggestions::policy(meant)).into_response());
    }
    let found = narrow.rows(&rows);
    let total = found.len();
    Ok(reply::part(page.of(found).collect::<Vec<_>>(), total))
}

/// How many suggestions of which kind
#[utoipa::path(get, path = "/egress/audit/suggestions/summary", params(
    ("resource_type" = Option<String>, Query), ("resource_id" = Option<String>, Query),
    ("since" = Option<String>, Query, description = "Default 7d; whole days, UTC"),
), responses((status = 200, body = shapes::Data<shapes::SuggestionSummary>)))]
pub(super) async fn summary(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let since = query.text("since").unwrap_or(WINDOW);
    let asked = Asked::of(&caller, query.resource()?, since)?;
    let rows = kept(&app, asked, since).await?;
    let mut of_recommendation: BTreeMap<&str, u64> = narrow::RECOMMENDATIONS.map(|(_, word)| (word, 0)).into();
    let mut of_class: BTreeMap<&str, u64> = BTreeMap::new();
    for row in rows.iter() {
        *of_recommendation.entry(narrow::recommendation(row)).or_default() += 1;
        *of_class.entry(row.suggestion.class.as_str()).or_default() += 1;
    }
    Ok(reply::one(json!({
        "total": rows.len(),
        "requests": rows.iter().fold(0, |sum: u64, row| sum.saturating_add(row.suggestion.request_count)),
        "by_recommendation": of_recommendation,
        "by_class": of_class,
        "listed": rows.iter().filter(|row| row.listed.is_some()).count(),
    })))
}

/// The list to lock down by: the resource's own rules, and what is recommended or chosen
///
/// What is to keep becomes an allow rule and what is to deny a deny rule. What there is a question about is left out
/// unless `also` names it, and nothing that `without` names is in it; both by `pattern` or `host` of a suggestion.
#[utoipa::path(post, path = "/egress/audit/suggestions/policy", request_body = shapes::SuggestedPolicyInput,
    responses((status = 200, body = shapes::Data<shapes::SuggestedPolicy>)))]
pub(super) async fn policy(State(app): State<App>, Who(caller): Who, input: Input) -> Result<Response, Error> {
    input.only(&["resource_type", "resource_id", "since", "also", "without"], &[])?;
    let resource = input
        .resource()?
        .ok_or_else(|| Error::field("resource_type", "nothing", "the type of the resource, or tenant"))?;
    let choice = Choice {
        also: BTreeSet::from_iter(input.texts("also")?),
        without: BTreeSet::from_iter(input.texts("without")?),
    };
    let since = input.text("since")?.unwrap_or(WINDOW);
    caller.reads(&resource)?;
    let asked = Asked::of(&caller, Some(resource.clone()), since)?;
    let own = policies::of(app.store.read(), &resource).await?;
    let own_rules = match &own {
        Some(policy) => {
            let rules = policies::rules(app.store.read(), &policy.id).await?;
            list_of(policies::file(policy, &rules))
        }
        None => Vec::new(),
    };
    let default_effect = match &own {
        Some(policy) => policy.default_effect,
        None => {
            let tenant = policies::of(app.store.read(), &Resource::tenant()).await?;
            tenant.map_or(Effect::Deny, |tenant| tenant.default_effect)
        }
    };
    let rows = asked.make(&app).await?;
    choice.check(&rows)?;
    let suggested = list_of(json!(suggestions::policy(rows.iter().filter(|row| choice.takes(row)))));
    let rules = joined(&own_rules, &suggested);
    Ok(reply::one(json!({
        "mode": Mode::Enforce,
        "default_effect": default_effect,
        "added": rules.len().saturating_sub(own_rules.len()),
        "rules": rules,
        "expected_revision": own.map(|policy| policy.revision),
    })))
}

fn list_of(mut policy: Value) -> Vec<Value> {
    match policy["rules"].take() {
        Value::Array(rules) => rules,
        _ => Vec::new(),
    }
}
