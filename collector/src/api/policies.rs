//! Policies: listing, making and changing them, their history, and the steps of the loop.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use sluice_policy::{Effect, Mode};

use super::input::{IfMatch, Input, Query};
use super::paging::page;
use super::who::Who;
use super::{App, reply, shapes, trial};
use crate::access::Caller;
use crate::changes::Change;
use crate::error::Error;
use crate::policies::{self, Draft, NewPolicy, Policy, StoredRule, effect, mode, permit};
use crate::resource::Resource;
use crate::store::Tx;

/// Members of a policy that clients send back as they were shown.
const SHOWN: [&str; 7] = [
    "id",
    "allow_rules",
    "deny_rules",
    "created_at",
    "updated_at",
    "relock_at",
    "revision",
];

/// Policies; with a resource its own one, which is made on first sight
#[utoipa::path(get, path = "/egress/policies", params(
    ("resource_type" = Option<String>, Query, description = "With resource_id: the resource's own policy"),
    ("resource_id" = Option<String>, Query),
    ("limit" = Option<i64>, Query, description = "Everything unless given"),
    ("cursor" = Option<String>, Query),
), responses((status = 200, body = shapes::List<shapes::PolicyRow>)))]
pub(super) async fn list(State(app): State<App>, Who(caller): Who, query: Query) -> Result<Response, Error> {
    if let Some(resource) = query.resource()? {
        return own(&app, &caller, &resource).await;
    }
    let all = policies::all(app.store.read()).await?.into_iter();
    let shown = all.filter(|(policy, _)| readable(&caller, policy)).collect();
    let (page, next) = page(shown, &query, 10_000, |(policy, _)| &policy.id)?;
    let rows: Vec<Value> = page.iter().map(|(policy, rules)| policy.row(rules)).collect();
    Ok(reply::list(rows, next))
}

async fn own(app: &App, caller: &Caller, resource: &Resource) -> Result<Response, Error> {
    caller.reads(resource)?;
    let found = policies::of(app.store.read(), resource).await?;
    let policy = match found {
        Some(policy) => policy,
        // A viewer's look changes nothing that is in force either.
        None => {
            let mut tx = app.store.begin_change().await?;
            let (draft, changes) = policies::of_resource(&app.store, &mut tx, caller, resource).await?;
            app.store.commit(tx, &changes).await?;
            draft.policy
        }
    };
    let rules = policies::rules(app.store.read(), &policy.id).await?;
    Ok(reply::list([policy.row(&rules)], None))
}

/// Whether somebody may look at a policy.
pub(super) fn readable(caller: &Caller, policy: &Policy) -> bool {
    match &policy.resource {
        Some(resource) => caller.scope.contains(resource),
        None => caller.scope.is_tenant(),
    }
}

async fn loaded(app: &App, caller: &Caller, id: &str) -> Result<(Policy, Vec<StoredRule>), Error> {
    let policy = policies::by_id(app.store.read(), id).await?;
    if !readable(caller, &policy) {
        return Err(Error::Forbidden(format!("{} may not look at policy {id}", caller.name)));
    }
    let rules = policies::rules(app.store.read(), &policy.id).await?;
    Ok((policy, rules))
}

/// Rules of a body.
pub(super) fn rules_of(list: &[Value]) -> Result<Vec<StoredRule>, Error> {
    let mut problems = Vec::new();
    let mut messages = Vec::new();
    let mut rules = Vec::new();
    for (place, value) in list.iter().enumerate() {
        let shaped = match value.as_object() {
            Some(rule) => policies::rule_of_input(rule),
            None => Err(Error::field("rules", value, "a list of rules, each an object")),
        };
        match shaped {
            Ok(rule) => rules.push(rule),
            Err(Error::Validation { message, details }) => {
                messages.push(format!("rules[{place}]: {message}"));
                problems.extend(details.as_array().cloned().unwrap_or_default());
            }
            Err(other) => return Err(other),
        }
    }
    if messages.is_empty() {
        return Ok(rules);
    }
    Err(Error::Validation {
        message: messages.join("\n"),
        details: Value::Array(problems),
    })
}

/// Makes a policy. Without a resource it is attached to nothing and governs nothing
#[utoipa::path(post, path = "/egress/policies", request_body = shapes::PolicyInput,
    responses((status = 201, body = shapes::Data<shapes::PolicyRow>)))]
pub(super) async fn create(State(app): State<App>, Who(caller): Who, input: Input) -> Result<Response, Error> {
    let known = [
        "name",
        "mode",
        "default_effect",
        "description",
        "resource_id",
        "resource_type",
        "rules",
        "note",
    ];
    input.only(&known, &SHOWN)?;
    let resource = input.resource()?;
    let new = NewPolicy {
        name: input.required("name")?.to_owned(),
        description: input.text("description")?.unwrap_or_default().to_owned(),
        mode: input.text("mode")?.map_or(Ok(Mode::Enforce), mode)?,
        default_effect: default_effect(&input)?.unwrap_or(Effect::Deny),
        rules: rules_of(input.list("rules")?.map_or(&[], Vec::as_slice))?,
        resource,
    };
    permit_new(&caller, new.resource.as_ref())?;
    let mut tx = app.store.begin_change().await?;
    let (draft, changes) = policies::create(&mut tx, &caller, new, "create", &input.note()?).await?;
    app.store.commit(tx, &changes).await?;
    Ok(reply::policy(&draft.policy.row(&draft.rules), StatusCode::CREATED))
}

fn permit_new(caller: &Caller, resource: Option<&Resource>) -> Result<(), Error> {
    match resource {
        Some(resource) => caller.operates(resource),
        None => caller.operates(&Resource::tenant()),
    }
}

fn default_effect(input: &Input) -> Result<Option<Effect>, Error> {
    input
        .text("default_effect")?
        .map(|text| effect("default_effect", text))
        .transpose()
}

/// One policy
#[utoipa::path(get, path = "/egress/policies/{id}", params(("id" = String, Path)),
    responses((status = 200, body = shapes::Data<shapes::PolicyRow>)))]
pub(super) async fn show(State(app): State<App>, Who(caller): Who, Path(id): Path<String>) -> Result<Response, Error> {
    let (policy, rules) = loaded(&app, &caller, &id).await?;
    Ok(reply::policy(&policy.row(&rules), StatusCode::OK))
}

/// Changes a policy. What is absent stays; without If-Match and revision the last write wins
#[utoipa::path(patch, path = "/egress/policies/{id}", params(("id" = String, Path), ("if-match" = Option<String>, Header)),
    request_body = shapes::PolicyChange, responses((status = 200, body = shapes::Data<shapes::PolicyRow>)))]
pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
    IfMatch(tag): IfMatch,
    input: Input,
) -> Result<Response, Error> {
    let known = [
        "name",
        "mode",
        "default_effect",
        "description",
        "rules",
        "note",
        "expected_revision",
    ];
    input.only(&known, &[SHOWN.as_slice(), &["resource_id", "resource_type"]].concat())?;
    let patch = policies::Patch {
        name: input.text("name")?.map(str::to_owned),
        description: input.text("description")?.map(str::to_owned),
        mode: input.text("mode")?.map(mode).transpose()?,
        default_effect: default_effect(&input)?,
        rules: input.list("rules")?.map(|list| rules_of(list)).transpose()?,
    };
    let note = input.note()?;
    let mut edit = Edit::begin(&app, &caller, &id, tag, &input).await?;
    let changes = policies::patch(&mut edit.tx, &caller, &mut edit.draft, patch, "change", &note).await?;
    Ok(reply::policy(&edit.save(&app, &changes).await?, StatusCode::OK))
}

pub(super) async fn open(app: &App, tx: &mut Tx, caller: &Caller, id: &str) -> Result<Draft, Error> {
    let draft = Draft::load(&app.store, tx, id).await?;
    permit(caller, &draft.policy)?;
    Ok(draft)
}

/// A change of one policy, by somebody who may and who has seen its latest revision.
struct Edit {
    tx: Tx,
    draft: Draft,
}

impl Edit {
    async fn begin(app: &App, caller: &Caller, id: &str, tag: Option<i64>, input: &Input) -> Result<Self, Error> {
        let expected = tag.or(input.number("expected_revision")?);
        let mut tx = app.store.begin_change().await?;
        let draft = open(app, &mut tx, caller, id).await?;
        draft.expect(expected)?;
        Ok(Self { tx, draft })
    }

    /// Commits, and answers the policy as it is then.
    async fn save(self, app: &App, changes: &[Change]) -> Result<Value, Error> {
        app.store.commit(self.tx, changes).await?;
        Ok(self.draft.policy.row(&self.draft.rules))
    }
}

/// Every revision, the latest first
#[utoipa::path(get, path = "/egress/policies/{id}/revisions", params(("id" = String, Path)),
    responses((status = 200, body = shapes::List<shapes::RevisionRow>)))]
pub(super) async fn revisions(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    loaded(&app, &caller, &id).await?;
    Ok(reply::list(policies::revisions(&app.store, &id).await?, None))
}

/// What a policy said at a revision
#[utoipa::path(get, path = "/egress/policies/{id}/revisions/{revision}", params(("id" = String, Path), ("revision" = i64, Path)),
    responses((status = 200, body = shapes::Data<shapes::RevisionDocument>)))]
pub(super) async fn revision(
    State(app): State<App>,
    Who(caller): Who,
    Path((id, revision)): Path<(String, String)>,
) -> Result<Response, Error> {
    loaded(&app, &caller, &id).await?;
    let revision = revision
        .parse()
        .map_err(|_| Error::field("revision", &revision, "a whole number"))?;
    let mut document = policies::document_of(&app.store, &id, revision).await?;
    document["revision"] = json!(revision);
    Ok(reply::one(document))
}

/// The policy as a file that sluice replay, lint and policy apply read
#[utoipa::path(get, path = "/egress/policies/{id}/export", params(("id" = String, Path)),
    responses((status = 200, body = shapes::PolicyFile)))]
pub(super) async fn export(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    use axum::response::IntoResponse;
    let (policy, rules) = loaded(&app, &caller, &id).await?;
    Ok(axum::Json(policies::file(&policy, &rules)).into_response())
}

/// Blocks nothing any more and keeps the list; with "for" it locks again by itself
#[utoipa::path(post, path = "/egress/policies/{id}/observe", params(("id" = String, Path)), request_body = shapes::ObserveInput,
    responses((status = 200, body = shapes::Data<shapes::PolicyRow>)))]
pub(super) async fn observe(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
    IfMatch(tag): IfMatch,
    input: Input,
) -> Result<Response, Error> {
    input.only(&["for", "note", "expected_revision"], &[])?;
    let (span, note) = (input.span("for")?, input.note()?);
    let mut edit = Edit::begin(&app, &caller, &id, tag, &input).await?;
    let changes = policies::observe(&mut edit.tx, &caller, &mut edit.draft, span, &note).await?;
    Ok(reply::policy(&edit.save(&app, &changes).await?, StatusCode::OK))
}

/// Carries verdicts out from now on; answers with what that breaks of what was seen
#[utoipa::path(post, path = "/egress/policies/{id}/lockdown", params(("id" = String, Path)), request_body = shapes::LockdownInput,
    responses((status = 200, body = shapes::Data<shapes::LockedPolicy>)))]
pub(super) async fn lockdown(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
    IfMatch(tag): IfMatch,
    input: Input,
) -> Result<Response, Error> {
    input.only(&["note", "expected_revision"], &[])?;
    let note = input.note()?;
    let policy = policies::by_id(app.store.read(), &id).await?;
    permit(&caller, &policy)?;
    // Before anything is locked: a simulation reads, and may take its time.
    let warnings = match &policy.resource {
        Some(resource) => trial::warnings(&trial::of_lockdown(&app, &caller, resource).await?),
        None => Vec::new(),
    };
    let mut edit = Edit::begin(&app, &caller, &id, tag, &input).await?;
    let changes = policies::lockdown(&mut edit.tx, &caller, &mut edit.draft, &note).await?;
    let mut row = edit.save(&app, &changes).await?;
    row["warnings"] = json!(warnings);
    Ok(reply::policy(&row, StatusCode::OK))
}

/// Goes back to an earlier revision, as a new one; the mode stays unless with_mode
#[utoipa::path(post, path = "/egress/policies/{id}/rollback", params(("id" = String, Path)), request_body = shapes::RollbackInput,
    responses((status = 200, body = shapes::Data<shapes::PolicyRow>)))]
pub(super) async fn rollback(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
    IfMatch(tag): IfMatch,
    input: Input,
) -> Result<Response, Error> {
    input.only(&["revision", "with_mode", "note", "expected_revision"], &[])?;
    let (to, with_mode, note) = (input.number("revision")?, input.flag("with_mode")?, input.note()?);
    let mut edit = Edit::begin(&app, &caller, &id, tag, &input).await?;
    let changes = policies::rollback(&mut edit.tx, &caller, &mut edit.draft, to, with_mode, &note).await?;
    Ok(reply::policy(&edit.save(&app, &changes).await?, StatusCode::OK))
}
