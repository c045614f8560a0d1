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
        let caller = authenticate(&self.store, secret).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, (caller.clone(), Instant::now()));
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
