//! Trying a policy before it is applied: simulation, explanation, lint; by the code that enforces it.

use axum::extract::State;
use axum::response::Response;
use sluice_policy::lint::{Finding, lint_merged};
use sluice_policy::{Blocks, EffectiveDocument, Policy, PolicyDocument};

use super::input::Input;
use super::policies::rules_of;
use super::who::Who;
use super::{App, reply, shapes};
use crate::access::Caller;
use crate::addresses;
use crate::error::Error;
use crate::moment::{DAY, Moment};
use crate::policies;
use crate::resource::{Resource, TEMPLATE};
use crate::resources;
use crate::review::simulation::{self, Simulation, Trial};
use crate::review::{Selection, explain};

/// How far back is looked unless somebody says.
const WINDOW: i64 = 7 * DAY;

/// What a simulation depends on besides the policy.
struct Circumstances {
    since: Moment,
    at: Moment,
    now: Moment,
    resolves_to: Blocks,
}

impl Circumstances {
    /// Of the last week; `also` are blocks that any name may lead to, beside those of the settings.
    fn usual(app: &App, also: Vec<String>) -> Result<Self, Error> {
        let now = Moment::now();
        let resolves_to: Vec<String> = app.settings.resolves_to.iter().cloned().chain(also).collect();
        Ok(Self {
            since: Moment(now.0.saturating_sub(WINDOW)),
            at: now,
            now,
            resolves_to: addresses::blocks("resolves_to", &resolves_to)?,
        })
    }
}

/// A policy document of a body, its rules under their names.
fn candidate(input: &Input) -> Result<Option<PolicyDocument>, Error> {
    let Some(value) = input.get("policy") else {
        return Ok(None);
    };
    let expected = "an object with mode, default_effect and rules";
    let file = value
        .as_object()
        .ok_or_else(|| Error::field("policy", value, expected))?;
    let file = Input(file.clone());
    file.only(&["mode", "default_effect", "rules", "name", "description"], &[])?;
    let rules = rules_of(file.list("rules")?.map_or(&[], Vec::as_slice))?;
    let mode = file.text("mode")?.map(policies::mode).transpose()?;
    let default_effect = file
        .text("default_effect")?
        .map(|text| policies::effect("default_effect", text))
        .transpose()?;
    let document = policies::named(
        PolicyDocument {
            mode,
            default_effect,
            rules: Vec::new(),
        },
        &rules,
    );
    Policy::compile(&document).map_err(|problems| Error::policy(&problems))?;
    Ok(Some(document))
}

fn merged(document: &EffectiveDocument) -> Result<Policy, Error> {
    Policy::merge(document.tenant.as_ref(), document.resource.as_ref()).map_err(|problems| Error::policy(&problems))
}

/// What a policy would have done with what was seen
///
/// Each destination is judged as it was seen: in clear with method and path, or opaque, and by the private addresses
/// that it led to. `resolves_to` are blocks that any name may lead to, beside those of the collector's own settings.
#[utoipa::path(post, path = "/egress/simulate", request_body = shapes::SimulateInput,
    responses((status = 200, body = shapes::Data<shapes::SimulationRow>)))]
pub(super) async fn simulate(State(app): State<App>, Who(caller): Who, input: Input) -> Result<Response, Error> {
    input.only(
        &[
            "policy",
            "lockdown",
            "resource_type",
            "resource_id",
            "since",
            "at",
            "resolves_to",
        ],
        &[],
    )?;
    let mut around = Circumstances::usual(&app, input.texts("resolves_to")?)?;
    if let Some(text) = input.text("since")? {
        around.since = Moment::parse_since("since", text, around.now)?;
    }
    if let Some(text) = input.text("at")? {
        around.at = Moment::parse("at", text)?;
    }
    let candidate = candidate(&input)?;
    if candidate.is_some() == input.flag("lockdown")? {
        return Err(Error::field(
            "policy",
            "nothing or both",
            "a policy, or lockdown: true for the one in force",
        ));
    }
    let resource = input.resource()?.unwrap_or_else(Resource::tenant);
    Ok(reply::one(
        of(&app, &caller, &resource, candidate.as_ref(), &around).await?,
    ))
}

/// What locking down a resource or the tenant would reject of what was seen in the last week.
pub(super) async fn of_lockdown(app: &App, caller: &Caller, resource: &Resource) -> Result<Simulation, Error> {
    let around = Circumstances::usual(app, Vec::new())?;
    of(app, caller, resource, None, &around).await
}

/// Without a candidate, the policy in force is carried out.
async fn of(
    app: &App,
    caller: &Caller,
    resource: &Resource,
    candidate: Option<&PolicyDocument>,
    around: &Circumstances,
) -> Result<Simulation, Error> {
    let concerned = if resource.is_tenant() {
        let known = resources::all(app.store.read())
            .await?
            .into_iter()
            .map(|known| known.resource);
        known
            .filter(|known| known.kind != TEMPLATE && caller.scope.contains(known))
            .collect()
    } else {
        caller.reads(resource)?;
        vec![resource.clone()]
    };
    let mut whole: Option<Simulation> = None;
    // Those without a policy of their own are judged by the same one, together.
    let mut alike: Vec<Resource> = Vec::new();
    let (tenant, _) = policies::in_force(app.store.read(), &Resource::tenant()).await?;
    for one in concerned {
        let (current, _) = policies::in_force(app.store.read(), &one).await?;
        if current.resource.is_none() && resource.is_tenant() {
            alike.push(one);
            continue;
        }
        let next = match (candidate, resource.is_tenant()) {
            (None, _) => current.clone(),
            (Some(candidate), true) => EffectiveDocument {
                tenant: Some(candidate.clone()),
                ..current.clone()
            },
            (Some(candidate), false) => EffectiveDocument {
                resource: Some(candidate.clone()),
                ..current.clone()
            },
        };
        let found = judged(app, &Selection::one(one), &merged(&next)?, &merged(&current)?, around).await?;
        whole = Some(match whole {
            Some(before) => before.and(found),
            None => found,
        });
    }
    if let (Some(whole), true) = (&whole, alike.is_empty()) {
        return Ok(whole.clone());
    }
    let next = EffectiveDocument {
        tenant: candidate.cloned().or_else(|| tenant.tenant.clone()),
        resource: None,
    };
    let alike = Selection::Resources(alike);
    let found = judged(app, &alike, &merged(&next)?, &merged(&tenant)?, around).await?;
    Ok(match whole {
        Some(before) => before.and(found),
        None => found,
    })
}

async fn judged(
    app: &App,
    selection: &Selection,
    policy: &Policy,
    current: &Policy,
    around: &Circumstances,
) -> Result<Simulation, Error> {
    let trial = Trial {
        policy,
        current: Some(current),
        resolves_to: &around.resolves_to,
        at: around.at,
        now: around.now,
    };
    simulation::of(&app.store, selection, around.since, &trial).await
}

/// Sentences about what would be rejected and was seen in the last day, for people.
pub(super) fn warnings(simulation: &Simulation) -> Vec<String> {
    simulation
        .breaks
        .iter()
        .map(|broken| {
            let port = broken.port.map(|port| format!(":{port}")).unwrap_or_default();
            let by = broken.rejected_by.as_deref().unwrap_or("default_deny");
            format!(
                "{}{port} was used {} times, last at {}, and is rejected now by {by}",
                broken.host, broken.count, broken.last_seen
            )
        })
        .collect()
}

/// Why a target is decided as it is
///
/// With a resource, by the private addresses too that the target led to for it.
#[utoipa::path(post, path = "/egress/explain", request_body = shapes::ExplainInput,
    responses((status = 200, body = shapes::Data<shapes::ExplainRow>)))]
pub(super) async fn explained(State(app): State<App>, Who(caller): Who, input: Input) -> Result<Response, Error> {
    input.only(
        &[
            "target",
            "method",
            "path",
            "sni",
            "at",
            "policy",
            "resource_type",
            "resource_id",
        ],
        &[],
    )?;
    let text = |key: &str| input.text(key).map(|text| text.map(str::to_owned));
    let target = explain::Target {
        target: text("target")?,
        method: text("method")?,
        path: text("path")?,
        sni: text("sni")?,
    };
    let at = input
        .text("at")?
        .map(|text| Moment::parse("at", text))
        .transpose()?
        .unwrap_or_else(Moment::now);
    let document = in_question(&app, &caller, &input).await?;
    let policy = merged(&document)?;
    let resource = input.resource()?;
    let around = explain::Circumstances {
        seen_by: resource.as_ref().map(|resource| (&app.store, resource)),
        resolves_to: &addresses::blocks("resolves_to", &app.settings.resolves_to)?,
        at,
    };
    Ok(reply::one(explain::of(&policy, &target, &around).await?))
}

/// What is probably not meant in a policy
#[utoipa::path(post, path = "/egress/lint", request_body = shapes::LintInput,
    responses((status = 200, body = shapes::List<shapes::FindingRow>)))]
pub(super) async fn linted(State(app): State<App>, Who(caller): Who, input: Input) -> Result<Response, Error> {
    input.only(&["policy", "resource_type", "resource_id"], &[])?;
    let document = in_question(&app, &caller, &input).await?;
    let now = Moment::now().timestamp();
    let findings: Vec<Finding> = lint_merged(document.tenant.as_ref(), document.resource.as_ref(), now);
    Ok(reply::list(findings, None))
}

/// The policy in force, or a candidate in the place of the resource's own (or alone, without a resource).
async fn in_question(app: &App, caller: &Caller, input: &Input) -> Result<EffectiveDocument, Error> {
    let (candidate, resource) = (candidate(input)?, input.resource()?);
    let mut document = match &resource {
        None if candidate.is_some() => EffectiveDocument::default(),
        None => {
            return Err(Error::field(
                "policy",
                "nothing",
                "a policy, or resource_type and resource_id",
            ));
        }
        Some(resource) => {
            caller.reads(resource)?;
            policies::in_force(app.store.read(), resource).await?.0
        }
    };
    match (candidate, resource.is_some_and(|resource| resource.is_tenant())) {
        (Some(candidate), true) => document.tenant = Some(candidate),
        (Some(candidate), false) => document.resource = Some(candidate),
        (None, _) => {}
    }
    Ok(document)
}
