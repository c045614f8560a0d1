//! Credentials.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde_json::json;

use super::input::Input;
use super::who::Admin;
use super::{App, reply, shapes};
use crate::access::{self, Role, Scope};
use crate::error::Error;
use crate::moment::Moment;

/// Every credential there ever was, never its secret
#[utoipa::path(get, path = "/tokens", responses((status = 200, body = shapes::List<shapes::TokenRow>)))]
pub(super) async fn list(State(app): State<App>, Admin(caller): Admin) -> Result<Response, Error> {
    let all = access::list(&app.store).await?.into_iter();
    let own = all.filter(|token| {
        token
            .scope
            .parse::<Scope>()
            .is_ok_and(|scope| caller.scope.covers(&scope))
    });
    Ok(reply::list(own.collect::<Vec<_>>(), None))
}

/// Whose token this call came with
#[utoipa::path(get, path = "/tokens/self", responses((status = 200, body = shapes::Data<shapes::OwnToken>)))]
pub(super) async fn own(State(app): State<App>, headers: HeaderMap) -> Result<Response, Error> {
    let caller = app.gate.caller(&headers).await?;
    let scope = caller.scope.to_string();
    Ok(reply::one(
        json!({"id": caller.id, "name": caller.name, "role": caller.role, "scope": scope}),
    ))
}

/// Makes a credential. Its secret is shown once, here
#[utoipa::path(post, path = "/tokens", request_body = shapes::TokenInput,
    responses((status = 201, body = shapes::Data<shapes::NewToken>)))]
pub(super) async fn create(State(app): State<App>, Admin(caller): Admin, input: Input) -> Result<Response, Error> {
    input.only(&["name", "role", "scope", "expires_at"], &[])?;
    let name = input.short("name", 255)?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Error::field("name", "nothing", "a text that says what it is for"))?;
    let role: Role = input.required("role")?.parse()?;
    let scope: Scope = input.text("scope")?.unwrap_or("tenant").parse()?;
    if !caller.scope.covers(&scope) {
        return Err(Error::Forbidden(format!(
            "{} may not give away the scope {scope}",
            caller.name
        )));
    }
    let expires_at = input
        .text("expires_at")?
        .map(|text| Moment::parse("expires_at", text))
        .transpose()?;
    let mut tx = app.store.begin().await?;
    let (token, secret) = access::create(&mut tx, &name, role, &scope, expires_at, &caller.name).await?;
    let details = json!({"name": name, "role": role, "scope": scope.to_string()});
    crate::operators::note(&mut tx, &caller.id, "create_token", &token.id, &details).await?;
    app.store.commit(tx, &[]).await?;
    let mut row = json!(token);
    row["token"] = json!(secret);
    Ok(reply::made(row))
}

/// Revokes a credential, within a second
#[utoipa::path(delete, path = "/tokens/{id}", params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Admin(caller): Admin,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let token = access::list(&app.store).await?.into_iter().find(|token| token.id == id);
    let token = token.ok_or_else(|| Error::NotFound(format!("token {id}")))?;
    if !token
        .scope
        .parse::<Scope>()
        .is_ok_and(|scope| caller.scope.covers(&scope))
    {
        return Err(Error::Forbidden(format!("{} may not revoke {id}", caller.name)));
    }
    let mut tx = app.store.begin().await?;
    access::revoke(&mut tx, &id).await?;
    crate::operators::note(&mut tx, &caller.id, "revoke_token", &id, &json!({"name": token.name})).await?;
    app.store.commit(tx, &[]).await?;
    app.gate.forget();
    Ok(reply::nothing())
}
