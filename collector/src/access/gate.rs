//! Who calls: the bearer token of a call, looked up once in a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};

use super::{Caller, authenticate};
use crate::error::Error;
use crate::store::Store;

/// How long a look-up is good for, and so how long a revoked token may still work.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// Past this many remembered callers all are forgotten.
const REMEMBERED: usize = 10_000;

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

type Known = HashMap<[u8; 32], (Caller, Instant)>;

/// Looks callers up.
#[derive(Debug, Clone)]
pub struct Gate {
    store: Store,
    known: Arc<Mutex<Known>>,
}

impl Gate {
    /// For the credentials of a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: Arc::default(),
        }
    }

    /// Who sent these headers (or gRPC metadata).
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
        if let Some(caller) = self.remembered(&key) {
            return Ok(caller);
        }
        // The answer is as old as the question.
        let asked = Instant::now();
        let caller = authenticate(&self.store, secret).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, (caller.clone(), asked));
        Ok(caller)
    }

    fn remembered(&self, key: &[u8; 32]) -> Option<Caller> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (caller, at) = known.get(key)?;
        (at.elapsed() < GOOD_FOR).then(|| caller.clone())
    }

    /// Looks everybody up anew, because a token was revoked here.
    pub fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Role, Scope, create, revoke};
    use crate::testing::Fresh;

    #[tokio::test]
    async fn a_token_is_looked_up_again_when_the_answer_is_old() {
        let fresh = Fresh::new().await;
        let mut tx = fresh.store.begin().await.unwrap();
        let made = create(&mut tx, "vm", Role::Filter, &Scope::Tenant, None, "test").await;
        let (token, secret) = made.unwrap();
        fresh.store.commit(tx, &[]).await.unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, format!("bearer {secret}").parse().unwrap());
        let gate = Gate::new(fresh.store.clone());
        assert_eq!(gate.caller(&headers).await.unwrap().id, token.id);
        let mut tx = fresh.store.begin().await.unwrap();
        revoke(&mut tx, &token.id).await.unwrap();
        fresh.store.commit(tx, &[]).await.unwrap();
        let long_ago = Instant::now().checked_sub(GOOD_FOR).unwrap();
        gate.known
            .lock()
            .unwrap()
            .values_mut()
            .for_each(|(_, asked)| *asked = long_ago);
        let refused = gate.caller(&headers).await.unwrap_err();
        assert!(matches!(refused, Error::Unauthenticated(_)), "{refused}");
    }

    #[tokio::test]
    async fn nobody_is_let_in_without_a_token() {
        let fresh = Fresh::new().await;
        let gate = Gate::new(fresh.store.clone());
        for value in [None, Some("Bearer"), Some("Bearer wrong"), Some("Basic eDp5"), Some("")] {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(AUTHORIZATION, value.parse().unwrap());
            }
            let refused = gate.caller(&headers).await.unwrap_err();
            assert!(matches!(refused, Error::Unauthenticated(_)), "{value:?}: {refused}");
        }
    }
}
