//! People who sign in with a password.

use std::time::Instant;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::input::Input;
use super::who::{Admin, Who, address};
use super::{App, reply, shapes};
use crate::access::users::{self, Known};
use crate::access::{Caller, Role, Scope};
use crate::error::Error;
use crate::moment::Moment;
use crate::operators;

/// Everybody who has a password, by name
#[utoipa::path(get, path = "/users", responses((status = 200, body = shapes::List<shapes::UserRow>)))]
pub(super) async fn list(State(app): State<App>, Admin(caller): Admin) -> Result<Response, Error> {
    let mut all = users::list(&app.store).await?;
    all.retain(|user| covers(&caller, &user.scope));
    Ok(reply::list(all, None))
}

/// Adds somebody
#[utoipa::path(post, path = "/users", request_body = shapes::UserInput,
    responses((status = 201, body = shapes::Data<shapes::UserRow>)))]
pub(super) async fn create(State(app): State<App>, Admin(caller): Admin, input: Input) -> Result<Response, Error> {
    input.only(&["name", "password", "role", "scope"], &[])?;
    let name = users::name(input.required("name")?)?;
    let role = users::role(input.required("role")?)?;
    let scope = given_away(&caller, input.text("scope")?.unwrap_or("tenant"))?;
    let hash = app.entrance.hash(input.required("password")?).await?;
    let mut tx = app.store.begin().await?;
    let user = users::create(&mut tx, &name, &hash, role, &scope, &caller.name).await?;
    let details = json!({"name": name, "role": role, "scope": scope.to_string()});
    operators::note(&mut tx, &caller.id, "create_user", &user.id, &details).await?;
    app.store.commit(tx, &[]).await?;
    Ok(reply::made(user))
}

/// Changes somebody, which ends their sessions. One's own password takes the current one
#[utoipa::path(patch, path = "/users/{id}", params(("id" = String, Path)), request_body = shapes::UserChange,
    responses((status = 200, body = shapes::Data<shapes::UserRow>)))]
pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    Path(id): Path<String>,
    input: Input,
) -> Result<Response, Error> {
    let is_own = caller.id == id;
    if !is_own && !caller.role.administers() {
        return Err(Error::Forbidden(format!("{} is no admin", caller.name)));
    }
    input.only(&["password", "current_password", "role", "scope", "disabled"], &[])?;
    let others = ["role", "scope", "disabled"];
    if !caller.role.administers() && others.into_iter().any(|key| input.get(key).is_some()) {
        let said = format!("{} may change nothing of itself but the password", caller.name);
        return Err(Error::Forbidden(said));
    }
    let known = found(&app, &caller, &id).await?;
    let password = input.text("password")?;
    if is_own && password.is_some() {
        // Whoever finds a browser signed in must not keep the account.
        let current = input.required("current_password")?.to_owned();
        app.entrance
            .confirm(&known, current, &address(), Instant::now())
            .await?;
    }
    let change = Change {
        hash: match password {
            Some(password) => Some(app.entrance.hash(password).await?),
            None => None,
        },
        role: input.text("role")?.map(users::role).transpose()?,
        scope: input
            .text("scope")?
            .map(|scope| given_away(&caller, scope))
            .transpose()?,
        disabled: match input.get("disabled") {
            Some(_) => Some(input.flag("disabled")?),
            None => None,
        },
    };
    let mut tx = app.store.begin().await?;
    let now = users::lock(&app.store, &mut tx, &id).await?;
    let mut now = now.ok_or_else(|| Error::NotFound(format!("user {id}")))?;
    // Somebody else may have been quicker while the password was hashed.
    if !covers(&caller, &now.user.scope) || (is_own && now.hash != known.hash) {
        return Err(may_not(&caller, &id));
    }
    let details = change.make(&mut now);
    if !details.is_empty() {
        users::change(&mut tx, &mut now).await?;
        let details = Value::Object(details);
        operators::note(&mut tx, &caller.id, "change_user", &id, &details).await?;
        app.store.commit(tx, &[]).await?;
        app.gate.forget();
    }
    Ok(reply::one(now.user))
}

/// Removes somebody, which ends their sessions
#[utoipa::path(delete, path = "/users/{id}", params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn remove(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let known = match found(&app, &caller, &id).await {
        Err(Error::NotFound(_)) if users::was_removed(&app.store, &id).await? => return Ok(reply::nothing()),
        found => found?,
    };
    let mut tx = app.store.begin().await?;
    users::remove(&mut tx, &id).await?;
    let details = json!({"name": known.user.name});
    operators::note(&mut tx, &caller.id, "remove_user", &id, &details).await?;
    app.store.commit(tx, &[]).await?;
    app.gate.forget();
    Ok(reply::nothing())
}

/// What is to be different.
struct Change {
    hash: Option<String>,
    role: Option<Role>,
    scope: Option<Scope>,
    disabled: Option<bool>,
}

impl Change {
    /// Makes it; answers what is different now, for the operator log.
    fn make(self, known: &mut Known) -> Map<String, Value> {
        let Self {
            hash,
            role,
            scope,
            disabled,
        } = self;
        let user = &mut known.user;
        let mut details = Map::new();
        if let Some(hash) = hash {
            known.hash = hash;
            details.insert("password".to_owned(), json!("changed"));
        }
        if let Some(role) = role.filter(|role| *role != user.role) {
            user.role = role;
            details.insert("role".to_owned(), json!(role));
        }
        if let Some(scope) = scope
            .map(|scope| scope.to_string())
            .filter(|scope| *scope != user.scope)
        {
            details.insert("scope".to_owned(), json!(scope));
            user.scope = scope;
        }
        if let Some(disabled) = disabled.filter(|disabled| *disabled != user.disabled_at.is_some()) {
            user.disabled_at = disabled.then(Moment::now);
            details.insert("disabled".to_owned(), json!(disabled));
        }
        if !details.is_empty() {
            details.insert("name".to_owned(), json!(user.name));
        }
        details
    }
}

/// Somebody whom the caller may change.
async fn found(app: &App, caller: &Caller, id: &str) -> Result<Known, Error> {
    let known = users::find(&app.store, id).await?;
    let known = known.ok_or_else(|| Error::NotFound(format!("user {id}")))?;
    if !covers(caller, &known.user.scope) {
        return Err(may_not(caller, id));
    }
    Ok(known)
}

fn may_not(caller: &Caller, id: &str) -> Error {
    Error::Forbidden(format!("{} may not change {id}", caller.name))
}

fn covers(caller: &Caller, scope: &str) -> bool {
    scope.parse::<Scope>().is_ok_and(|scope| caller.scope.covers(&scope))
}

fn given_away(caller: &Caller, scope: &str) -> Result<Scope, Error> {
    let scope: Scope = scope.parse()?;
    if caller.scope.covers(&scope) {
        return Ok(scope);
    }
    Err(Error::Forbidden(format!(
        "{} may not give away the scope {scope}",
        caller.name
    )))
}
