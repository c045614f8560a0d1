//! Signing in and out.

use std::time::Instant;

use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use serde_json::{Value, json};

use super::input::Input;
use super::who::{Here, Who, address, same_tenant};
use super::{App, reply, shapes};
use crate::access::sessions::{self, Browser};
use crate::access::{Caller, Proof, Session, Visitor, same_origin};
use crate::error::Error;
use crate::moment::{Moment, SECOND};
use crate::operators;

/// A browser at a page of this collector, or what is no browser: a form of
/// another place must not sign anybody in, not even the sender itself.
#[derive(Debug)]
pub(super) struct Page(Browser);

impl FromRequestParts<App> for Page {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        same_tenant(&parts.headers, app)?;
        same_origin(parts)?;
        let text = |name| {
            parts
                .headers
                .get(name)
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
        };
        let kind = text(CONTENT_TYPE).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        // A form can send other types, and no form this one.
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Error::field("content-type", &kind, "application/json"));
        }
        Ok(Self(Browser {
            address: address(),
            agent: text(USER_AGENT).unwrap_or_default().into_owned(),
        }))
    }
}

/// Signs in, with a token or with a name and a password
#[utoipa::path(post, path = "/sessions", request_body = shapes::SignIn, security(()),
    responses((status = 201, description = "The session; its cookie is in set-cookie",
        body = shapes::Data<shapes::OwnSession>)))]
pub(super) async fn sign_in(State(app): State<App>, Page(browser): Page, input: Input) -> Result<Response, Error> {
    input.only(&["token", "name", "password"], &[])?;
    let proof = match (input.text("token")?, input.text("name")?, input.text("password")?) {
        (Some(token), None, None) => Proof::Token(token.to_owned()),
        (None, Some(name), Some(password)) => Proof::Password {
            name: name.to_owned(),
            password: password.to_owned(),
        },
        _ => return Err(Error::invalid("either a token, or a name and a password")),
    };
    let (session, secret) = app.entrance.sign_in(proof, &browser, Instant::now()).await?;
    let seconds = session.expires_at.0.saturating_sub(session.created_at.0) / SECOND;
    let cookie = [(SET_COOKIE, app.gate.cookie().set(&secret, seconds))];
    let answer = reply::made(signed_in(&session));
    Ok((cookie, unstored(answer)).into_response())
}

/// Who is signed in, or whose token this call came with
#[utoipa::path(get, path = "/sessions/self", responses((status = 200, body = shapes::Data<shapes::OwnSession>)))]
pub(super) async fn own(Here(visitor): Here) -> Response {
    let answer = match visitor.session {
        Some(session) => signed_in(&session),
        None => {
            let Caller { id, name, role, scope } = visitor.caller;
            json!({"id": id, "name": name, "role": role, "scope": scope.to_string(), "created_at": null,
                   "expires_at": null, "csrf_token": null})
        }
    };
    unstored(reply::one(answer))
}

/// Signs out. With a token there is nothing to end
#[utoipa::path(delete, path = "/sessions/self", responses((status = 204)))]
pub(super) async fn sign_out(State(app): State<App>, Here(visitor): Here) -> Result<Response, Error> {
    if let Some(session) = &visitor.session {
        finish(&app, &visitor.caller, session, "sign_out").await?;
    }
    let cookie = [(SET_COOKIE, app.gate.cookie().expired())];
    Ok((cookie, reply::nothing()).into_response())
}

/// Sessions that have not ended: one's own, and an admin's are all in its scope
#[utoipa::path(get, path = "/sessions", responses((status = 200, body = shapes::List<shapes::SessionRow>)))]
pub(super) async fn list(State(app): State<App>, Here(visitor): Here) -> Result<Response, Error> {
    let all = sessions::list(&app.store, Moment::now()).await?;
    let seen = all.iter().filter(|session| may_end(&visitor.caller, session));
    let rows: Vec<Value> = seen.map(|session| row(session, &visitor)).collect();
    Ok(reply::list(rows, None))
}

/// Ends a session: one's own, or as an admin any in its scope
#[utoipa::path(delete, path = "/sessions/{id}", params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn end(State(app): State<App>, Who(caller): Who, Path(id): Path<String>) -> Result<Response, Error> {
    let mut all = sessions::list(&app.store, Moment::now()).await?.into_iter();
    match all.find(|session| session.id == id) {
        Some(session) if may_end(&caller, &session) => {
            finish(&app, &caller, &session, "end_session").await?;
            Ok(reply::nothing())
        }
        Some(_) => Err(Error::Forbidden(format!("{} may not end {id}", caller.name))),
        None if sessions::exists(&app.store, &id).await? => Ok(reply::nothing()),
        None => Err(Error::NotFound(format!("session {id}"))),
    }
}

fn may_end(caller: &Caller, session: &Session) -> bool {
    let is_own = session.caller.id == caller.id;
    is_own || (caller.role.administers() && caller.scope.covers(&session.caller.scope))
}

async fn finish(app: &App, caller: &Caller, session: &Session, operation: &str) -> Result<(), Error> {
    let mut tx = app.store.begin().await?;
    sessions::end(&mut tx, &session.id, Moment::now()).await?;
    let details = json!({"name": session.caller.name});
    operators::note(&mut tx, &caller.id, operation, &session.id, &details).await?;
    app.store.commit(tx, &[]).await?;
    app.gate.forget();
    Ok(())
}

fn signed_in(session: &Session) -> Value {
    let Caller { name, role, scope, .. } = &session.caller;
    json!({"id": session.id, "name": name, "role": role, "scope": scope.to_string(), "created_at": session.created_at,
           "expires_at": session.expires_at, "csrf_token": session.csrf})
}

fn row(session: &Session, visitor: &Visitor) -> Value {
    let Caller { id, name, role, scope } = &session.caller;
    let of = |tokens: bool| (session.is_tokens == tokens).then_some(id);
    let current = visitor.session.as_ref().is_some_and(|own| own.id == session.id);
    json!({"id": session.id, "user_id": of(false), "token_id": of(true), "name": name, "role": role,
           "scope": scope.to_string(), "created_at": session.created_at, "last_used": session.last_used,
           "expires_at": session.expires_at, "address": session.address, "agent": session.agent, "current": current})
}

/// What has a secret in it is for nobody's cache.
fn unstored(answer: Response) -> Response {
    ([(CACHE_CONTROL, "no-store")], answer).into_response()
}
