//! Who calls, and from where.

use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::request::Parts;

use super::App;
use super::serve::Peer;
use crate::access::{Caller, Visitor};
use crate::error::Error;
use crate::operators::ADDRESS;

/// Somebody with a valid credential who may at least look at something, and whether in a session.
#[derive(Debug)]
pub(super) struct Here(pub(super) Visitor);

impl FromRequestParts<App> for Here {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let visitor = app.gate.visitor(parts).await?;
        same_tenant(&parts.headers, app)?;
        let caller = &visitor.caller;
        if !caller.role.reads() {
            let role = caller.role.as_str();
            return Err(Error::Forbidden(format!(
                "{} is a {role}: it sends events and watches policies, over gRPC, and nothing else",
                caller.name
            )));
        }
        Ok(Self(visitor))
    }
}

/// Somebody with a valid credential who may at least look at something.
#[derive(Debug)]
pub(super) struct Who(pub(super) Caller);

impl FromRequestParts<App> for Who {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let Here(visitor) = Here::from_request_parts(parts, app).await?;
        Ok(Self(visitor.caller))
    }
}

/// Somebody whose call goes on for long, and who is looked up again while it does.
#[derive(Debug)]
pub(super) struct Lasting {
    pub(super) caller: Caller,
    call: Parts,
}

/// How often.
pub(super) const LOOKED_UP: Duration = Duration::from_secs(5);

impl FromRequestParts<App> for Lasting {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let Who(caller) = Who::from_request_parts(parts, app).await?;
        let call = parts.clone();
        Ok(Self { caller, call })
    }
}

impl Lasting {
    /// Whether the token was revoked or the session ended meanwhile. A database that does not answer ends nothing.
    pub(super) async fn is_over(&self, app: &App) -> bool {
        let now = app.gate.visitor(&self.call).await;
        matches!(now, Err(Error::Unauthenticated(_) | Error::Forbidden(_)))
    }
}

/// Somebody who may make tokens.
#[derive(Debug)]
pub(super) struct Admin(pub(super) Caller);

impl FromRequestParts<App> for Admin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let Who(caller) = Who::from_request_parts(parts, app).await?;
        if !caller.role.administers() {
            return Err(Error::Forbidden(format!("{} is no admin", caller.name)));
        }
        Ok(Self(caller))
    }
}

/// Refuses who means another tenant.
pub(super) fn same_tenant(headers: &HeaderMap, app: &App) -> Result<(), Error> {
    match headers.get("x-tenant-id") {
        Some(named) if named.as_bytes() != app.settings.tenant.as_bytes() => Err(Error::Forbidden(
            "x-tenant-id names another tenant than the token's".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// From where the call that is being served came; empty if that is not known.
pub(super) fn address() -> String {
    ADDRESS.try_with(Clone::clone).unwrap_or_default()
}

/// Remembers the peer's address for the operator log while the call is served.
pub(super) async fn note_address(State(_): State<App>, request: Request, next: Next) -> Response {
    let address = request
        .extensions()
        .get::<ConnectInfo<Peer>>()
        .map(|info| info.0.0.ip().to_string());
    ADDRESS.scope(address.unwrap_or_default(), next.run(request)).await
}
