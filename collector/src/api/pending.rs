//! The pending queue.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::input::{Input, Query};
use super::paging::window;
use super::who::Who;
use super::{App, reply, shapes};
use crate::error::Error;
use crate::pending::{self, Approval, Approved, Pending, Reach, State as Decided};
use crate::resource::Resource;

/// Rejected hosts that nobody has decided about, the last tried first
#[utoipa::path(get, path = "/egress/pending", params(
    ("resource_type" = Option<String>, Query), ("resource_id" = Option<String>, Query),
    ("state" = Option<String>, Query, description = "pending (default), approved, blocked, dismissed, all"),
    ("host" = Option<String>, Query), ("q" = Option<String>, Query, description = "A part of the host"),
    ("group" = Option<String>, Query, description = "host: one row a host, with the number of resources it was seen in"),
    ("limit" = Option<i64>, Query, description = "Everything unless given"), ("offset" = Option<i64>, Query),
), responses((status = 200, body = shapes::List<shapes::PendingRow>,
    headers(("x-total-count" = i64, description = "Rows before limit and offset")))))]
pub(super) async fn list(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    let resource = query.resource()?;
    if let Some(resource) = &resource {
        caller.reads(resource)?;
    }
    let state = match query.text("state") {
        None => Some(Decided::Pending),
        Some("all") => None,
        Some(word) => Some(word.parse()?),
    };
    let (page, part) = (window(&query, 100_000)?, query.text("q").map(str::to_lowercase));
    let mut all = pending::list(app.store.read(), state).await?;
    all.retain(|row| caller.scope.contains(&row.resource));
    // Whatever is looked for: that others were rejected it too says something of it.
    let seen = seen_in(&all);
    let shown: Vec<&Pending> = all
        .iter()
        .filter(|row| resource.as_ref().is_none_or(|resource| row.resource == *resource))
        .filter(|row| query.text("host").is_none_or(|host| row.host == host))
        .filter(|row| part.as_deref().is_none_or(|part| row.host.contains(part)))
        .collect();
    match query.text("group") {
        None => {
            let total = shown.len();
            let rows: Vec<Value> = page.of(shown).map(|row| with_seen(row, &seen)).collect();
            Ok(reply::part(rows, total))
        }
        Some("host") => {
            let resources = crate::resources::all(app.store.read()).await?;
            let of = resources
                .iter()
                .filter(|known| caller.scope.contains(&known.resource))
                .count();
            let groups = grouped(&shown);
            let total = groups.len();
            let rows: Vec<Value> = page.of(groups).map(|group| group.value(of, &seen)).collect();
            Ok(reply::part(rows, total))
        }
        Some(other) => Err(Error::field("group", other, "host")),
    }
}

fn seen_in(rows: &[Pending]) -> BTreeMap<&str, usize> {
    let mut seen = BTreeMap::new();
    for row in rows {
        *seen.entry(row.host.as_str()).or_insert(0) += 1;
    }
    seen
}

fn with_seen(row: &Pending, seen: &BTreeMap<&str, usize>) -> Value {
    let mut value = json!(row);
    value["seen_in"] = json!(seen.get(row.host.as_str()).copied().unwrap_or(1));
    value
}

/// All rows of one host.
struct Group<'p> {
    /// The last tried, which stands for all.
    first: &'p Pending,
    all: Vec<&'p Pending>,
}

/// One group a host, the last tried first.
fn grouped<'p>(rows: &[&'p Pending]) -> Vec<Group<'p>> {
    let mut groups: Vec<Group<'p>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows.iter().copied() {
        let place = *places.entry(row.host.as_str()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.all.push(row),
            None => groups.push(Group {
                first: row,
                all: vec![row],
            }),
        }
    }
    groups
}

impl Group<'_> {
    /// Its row, among so many resources.
    fn value(&self, of: usize, seen: &BTreeMap<&str, usize>) -> Value {
        let all = &self.all;
        let mut value = with_seen(self.first, seen);
        let mut ports: Vec<u16> = all.iter().flat_map(|row| row.ports.iter().copied()).collect();
        ports.sort_unstable();
        ports.dedup();
        value["ports"] = json!(ports);
        let attempts = all.iter().fold(0, |sum: i64, row| sum.saturating_add(row.attempts));
        value["attempts"] = json!(attempts);
        value["first_seen"] = json!(all.iter().map(|row| row.first_seen).min());
        value["of"] = json!(of);
        value["resources"] = json!(all.iter().map(|row| &row.resource).collect::<Vec<&Resource>>());
        value["ids"] = json!(all.iter().map(|row| &row.id).collect::<Vec<_>>());
        value
    }
}

fn decided(approved: &Approved) -> Response {
    let mut value = json!(approved.pending);
    value["rule"] = approved.rule.row(&approved.policy, &[]);
    value["policy_id"] = json!(approved.policy.id);
    value["revision"] = json!(approved.policy.revision);
    reply::one(value)
}

/// Allows a pending host, and takes everything from the queue that the rule lets through too
#[utoipa::path(post, path = "/egress/pending/{id}/approve", params(("id" = String, Path)), request_body = shapes::ApproveInput,
    responses((status = 200, body = shapes::Data<shapes::PendingDecided>)))]
pub(super) async fn approve(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
    input: Input,
) -> Result<Response, Error> {
    input.only(
        &[
            "pattern",
            "warn_only",
            "expires_at",
            "scope",
            "revision",
            "force",
            "note",
        ],
        &[],
    )?;
    let approval = Approval {
        pattern: input.text("pattern")?.map(str::to_owned),
        warn_only: input.flag("warn_only")?,
        expires_at: input.text("expires_at")?.map(str::to_owned),
        reach: match input.text("scope")? {
            None | Some("resource") => Reach::Resource,
            Some("template") => Reach::Template,
            Some("tenant") => Reach::Tenant,
            Some(other) => return Err(Error::field("scope", other, "resource, template or tenant")),
        },
        revision: input.number("revision")?,
        force: input.flag("force")?,
        note: input.note()?,
    };
    let mut tx = app.store.begin_change().await?;
    let (approved, changes) = pending::approve(&app.store, &mut tx, &caller, &id, &approval).await?;
    app.store.commit(tx, &changes).await?;
    Ok(decided(&approved))
}

/// Denies a pending host by a rule of its own
#[utoipa::path(post, path = "/egress/pending/{id}/block", params(("id" = String, Path)), request_body = shapes::BlockInput,
    responses((status = 200, body = shapes::Data<shapes::PendingDecided>)))]
pub(super) async fn block(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
    input: Input,
) -> Result<Response, Error> {
    input.only(&["revision", "note"], &[])?;
    let (revision, note) = (input.number("revision")?, input.note()?);
    let mut tx = app.store.begin_change().await?;
    let (blocked, changes) = pending::block(&app.store, &mut tx, &caller, &id, revision, &note).await?;
    app.store.commit(tx, &changes).await?;
    Ok(decided(&blocked))
}

/// Hides a pending host without a rule: it stays rejected
#[utoipa::path(post, path = "/egress/pending/{id}/dismiss", params(("id" = String, Path)), request_body = shapes::Empty,
    responses((status = 200, body = shapes::Data<shapes::PendingRow>)))]
pub(super) async fn dismiss(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
    input: Input,
) -> Result<Response, Error> {
    input.only(&["note"], &[])?;
    let mut tx = app.store.begin_change().await?;
    let (row, changes) = pending::dismiss(&mut tx, &caller, &id).await?;
    app.store.commit(tx, &changes).await?;
    Ok(reply::one(row))
}
