//! Who calls: the bearer token of a call or the session of a browser, looked up once in a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Caller, Session, SessionCookie, authenticate, origin, sessions};
use crate::error::Error;
use crate::moment::Moment;
use crate::store::Store;

/// How long a look-up is good for, and so how long a revoked token may still work.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// Past this many remembered callers all are forgotten.
const REMEMBERED: usize = 10_000;
/// What repeats the session's [`Session::csrf`].
const CSRF: &str = "x-csrf-token";

/// What a call over gRPC shows: a certificate that was looked at already, or a token.
#[derive(Debug, Clone)]
pub struct Credential {
    certified: Option<Caller>,
    headers: HeaderMap,
}

impl Credential {
    /// Of a call. A certificate goes before a token.
    #[must_use]
    pub fn of(headers: HeaderMap, extensions: &http::Extensions) -> Self {
        Self {
            certified: extensions.get::<Caller>().cloned(),
            headers,
        }
    }

    /// Whose it is, now.
    ///
    /// # Errors
    /// As [`Gate::caller`].
    pub async fn caller(&self, gate: &Gate) -> Result<Caller, Error> {
        match &self.certified {
            Some(caller) => Ok(caller.clone()),
            None => gate.caller(&self.headers).await,
        }
    }
}

/// Who calls over HTTP.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// Who.
    pub caller: Caller,
    /// In which session, if not with a token.
    pub session: Option<Session>,
}

/// The answers that were found, by the hash of the secret. A session's secret is
/// no token, and a token is no session's, so that they are kept apart.
#[derive(Debug, Default)]
struct Known {
    tokens: HashMap<[u8; 32], (Caller, Instant)>,
    sessions: HashMap<[u8; 32], (Session, Instant)>,
    /// How often all was forgotten: an answer from before that is not kept.
    forgotten: u64,
}

/// Looks callers up.
#[derive(Debug, Clone)]
pub struct Gate {
    store: Store,
    known: Arc<Mutex<Known>>,
    cookie: SessionCookie,
}

impl Gate {
    /// For the credentials of a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: Arc::default(),
            cookie: SessionCookie::default(),
        }
    }

    /// With another cookie than the one for plain HTTP.
    #[must_use]
    pub fn with_cookie(self, cookie: SessionCookie) -> Self {
        Self { cookie, ..self }
    }

    /// The cookie that is taken over HTTP.
    #[must_use]
    pub fn cookie(&self) -> SessionCookie {
        self.cookie
    }

    /// Who sent these headers (or gRPC metadata). Only tokens count: a cookie is a browser's.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without a token, or with one that is not known here.
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Error> {
        let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let secret = value
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| secret.trim())
            .ok_or(Error::Unauthenticated(
                "a bearer token is needed: authorization: Bearer TOKEN",
            ))?;
        let key: [u8; 32] = Sha256::digest(secret).into();
        let before = {
            let known = self.known();
            if let Some(caller) = fresh(&known.tokens, &key) {
                return Ok(caller);
            }
            known.forgotten
        };
        // The answer is as old as the question.
        let asked = Instant::now();
        let caller = authenticate(&self.store, secret).await?;
        let mut known = self.known();
        if known.forgotten == before {
            keep(&mut known.tokens, key, (caller.clone(), asked));
        }
        Ok(caller)
    }

    /// Who calls over HTTP: with a token, or else with the cookie of a session. A
    /// browser sends the cookie whoever makes it call, so that a page of somewhere
    /// else is refused, and what changes something must repeat the session's token.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] without either, or with one that is not known here;
    /// [`Error::Forbidden`] if the cookie is right and what belongs to it is not.
    pub async fn visitor(&self, call: &Parts) -> Result<Visitor, Error> {
        let secret = match call.headers.contains_key(AUTHORIZATION) {
            true => None,
            false => self.cookie.read(&call.headers),
        };
        let Some(secret) = secret else {
            let caller = self.caller(&call.headers).await?;
            return Ok(Visitor { caller, session: None });
        };
        let session = self.session(&secret).await?;
        if matches!(call.method, Method::GET | Method::HEAD | Method::OPTIONS) {
            origin::not_cross_site(call)?;
        } else {
            origin::same_origin(call)?;
            repeats(call, &session.csrf)?;
        }
        Ok(Visitor {
            caller: session.caller.clone(),
            session: Some(session),
        })
    }

    async fn session(&self, secret: &str) -> Result<Session, Error> {
        let key: [u8; 32] = Sha256::digest(secret).into();
        let before = {
            let known = self.known();
            if let Some(session) = fresh(&known.sessions, &key) {
                return Ok(session);
            }
            known.forgotten
        };
        let asked = Instant::now();
        let session = sessions::resume(&self.store, secret, Moment::now()).await?;
        let mut known = self.known();
        if known.forgotten == before {
            keep(&mut known.sessions, key, (session.clone(), asked));
        }
        Ok(session)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks everybody up anew, because a credential was taken back here.
    pub fn forget(&self) {
        let mut known = self.known();
        known.tokens.clear();
        known.sessions.clear();
        known.forgotten += 1;
    }
}

fn fresh<T: Clone>(known: &HashMap<[u8; 32], (T, Instant)>, key: &[u8; 32]) -> Option<T> {
    let (found, at) = known.get(key)?;
    (at.elapsed() < GOOD_FOR).then(|| found.clone())
}

fn keep<T>(known: &mut HashMap<[u8; 32], (T, Instant)>, key: [u8; 32], found: (T, Instant)) {
    if known.len() >= REMEMBERED {
        known.clear();
    }
    known.insert(key, found);
}

/// No other page can read the token, or send this header.
fn repeats(call: &Parts, csrf: &str) -> Result<(), Error> {
    let refused = |what: &str| {
        Err(Error::Forbidden(format!(
            "{CSRF} {what}: what changes something repeats the csrf_token of GET /api/v1/sessions/self there"
        )))
    };
    match call.headers.get(CSRF) {
        None => refused("is missing"),
        Some(given) if bool::from(given.as_bytes().ct_eq(csrf.as_bytes())) => Ok(()),
        Some(_) => refused("is not this session's"),
    }
}

#[cfg(test)]
mod tests;
