//! Whose bearer token it is, without asking the database for every call.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tonic::metadata::MetadataMap;

use crate::access::{Caller, authenticate};
use crate::error::Error;
use crate::store::Store;

/// How long an answer is good: a token that is revoked is refused after that.
const FRESH: Duration = Duration::from_secs(2);
/// How many are kept at most.
const KEPT: usize = 10_000;

type Hash = [u8; 32];

/// The tokens seen lately. Secrets are not kept, and who was refused is asked for again.
#[derive(Debug)]
pub(super) struct Credentials {
    store: Store,
    known: Mutex<HashMap<Hash, (Instant, Caller)>>,
}

impl Credentials {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            known: Mutex::default(),
        }
    }

    /// Who sends `authorization: Bearer TOKEN`.
    pub(super) async fn caller(&self, metadata: &MetadataMap) -> Result<Caller, Error> {
        const EXPECTED: Error = Error::Unauthenticated("the metadata needs authorization: Bearer TOKEN");
        let value = metadata.get("authorization").ok_or(EXPECTED)?;
        let value = value.to_str().map_err(|_| EXPECTED)?;
        let (scheme, token) = value.split_once(' ').ok_or(EXPECTED)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(EXPECTED);
        }
        let hash = Sha256::digest(token).into();
        if let Some(caller) = self.fresh(&hash, Instant::now()) {
            return Ok(caller);
        }
        // The answer is as old as the question.
        let asked = Instant::now();
        let caller = authenticate(&self.store, token).await?;
        self.keep(hash, asked, caller.clone());
        Ok(caller)
    }

    fn fresh(&self, hash: &Hash, now: Instant) -> Option<Caller> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, caller) = known.get(hash)?;
        (now.duration_since(*asked) < FRESH).then(|| caller.clone())
    }

    fn keep(&self, hash: Hash, asked: Instant, caller: Caller) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.retain(|_, (asked, _)| asked.elapsed() < FRESH);
            // Even a flood of good tokens takes bounded room.
            if known.len() >= KEPT {
                known.clear();
            }
        }
        known.insert(hash, (asked, caller));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Role, Scope, create, revoke};

    async fn metadata(store: &Store) -> (String, MetadataMap) {
        let mut tx = store.begin().await.unwrap();
        let (token, secret) = create(&mut tx, "vm", Role::Filter, &Scope::Tenant, None, "test")
            .await
            .unwrap();
        store.commit(tx, &[]).await.unwrap();
        let mut metadata = MetadataMap::new();
        metadata.insert("authorization", format!("bearer {secret}").parse().unwrap());
        (token.id, metadata)
    }

    #[tokio::test]
    async fn a_token_is_asked_for_once_and_again_when_the_answer_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}/db", folder.path().display()))
            .await
            .unwrap();
        let (id, metadata) = metadata(&store).await;
        let credentials = Credentials::new(store.clone());
        assert_eq!(credentials.caller(&metadata).await.unwrap().id, id);
        let mut tx = store.begin().await.unwrap();
        revoke(&mut tx, &id).await.unwrap();
        store.commit(tx, &[]).await.unwrap();
        let hash = *credentials.known.lock().unwrap().keys().next().unwrap();
        let asked = credentials.known.lock().unwrap()[&hash].0;
        assert!(
            credentials
                .fresh(&hash, asked + FRESH - Duration::from_millis(1))
                .is_some()
        );
        assert!(credentials.fresh(&hash, asked + FRESH).is_none());
        credentials.known.lock().unwrap().get_mut(&hash).unwrap().0 = asked.checked_sub(FRESH).unwrap();
        let refused = credentials.caller(&metadata).await.unwrap_err();
        assert!(matches!(refused, Error::Unauthenticated(_)), "{refused}");
    }

    #[tokio::test]
    async fn nobody_is_let_in_without_a_token() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite:{}/db", folder.path().display()))
            .await
            .unwrap();
        let credentials = Credentials::new(store);
        for value in [None, Some("Bearer"), Some("Bearer wrong"), Some("Basic eDp5"), Some("")] {
            let mut metadata = MetadataMap::new();
            if let Some(value) = value {
                metadata.insert("authorization", value.parse().unwrap());
            }
            let refused = credentials.caller(&metadata).await.unwrap_err();
            assert!(matches!(refused, Error::Unauthenticated(_)), "{value:?}: {refused}");
        }
    }
}
