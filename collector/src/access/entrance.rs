//! Signing in: somebody shows a token, or a name and a password, and gets a session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::json;

use super::attempts::{Attempt, Attempts};
use super::passwords::{self, Passwords};
use super::sessions::{self, Browser};
use super::users::{self, Known};
use super::{Caller, Session, authenticate};
use crate::error::Error;
use crate::moment::Moment;
use crate::operators;
use crate::store::{Store, Tx};

/// One answer for whatever is wrong with a name and a password.
const WRONG: Error = Error::Unauthenticated("this name and password do not belong together, or may not sign in");

/// What somebody shows to get in. It has no `Debug`, so that no log gets it.
pub enum Proof {
    /// The secret of a token.
    Token(String),
    /// A person's name and password.
    Password {
        /// The name, in whatever case.
        name: String,
        /// The password.
        password: String,
    },
}

/// Where people sign in.
#[derive(Debug, Clone)]
pub struct Entrance {
    store: Store,
    passwords: Passwords,
    attempts: Arc<Mutex<Attempts>>,
}

impl Entrance {
    /// Into what a store has.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            passwords: Passwords::default(),
            attempts: Arc::default(),
        }
    }

    /// Begins a session; answers it and its secret.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for what is wrong, [`Error::RateLimited`] after too much of it, and
    /// [`Error::Forbidden`] for what has nothing to look at.
    pub async fn sign_in(&self, proof: Proof, browser: &Browser, at: Instant) -> Result<(Session, String), Error> {
        let attempt = match &proof {
            Proof::Token(secret) => Attempt::of_token(secret, &browser.address, at),
            Proof::Password { name, .. } => Attempt::of_name(name, &browser.address, at),
        };
        self.attempts().count(&attempt)?;
        let entered = match proof {
            Proof::Token(secret) => self.with_token(&secret, browser).await,
            Proof::Password { name, password } => self.with_password(&name, password, browser).await,
        };
        self.judged(&attempt, &entered);
        entered
    }

    async fn with_token(&self, secret: &str, browser: &Browser) -> Result<(Session, String), Error> {
        let caller = authenticate(&self.store, secret).await?;
        if !caller.role.reads() {
            let role = caller.role.as_str();
            return Err(Error::Forbidden(format!(
                "{} is a {role}: there is nothing for it to look at",
                caller.name
            )));
        }
        let mut tx = self.store.begin().await?;
        // Again, so that a token that is revoked meanwhile begins nothing.
        let ends = super::token::lock(&self.store, &mut tx, &caller.id).await?;
        self.enter(tx, caller, Some(ends), browser).await
    }

    async fn with_password(&self, name: &str, password: String, browser: &Browser) -> Result<(Session, String), Error> {
        let known = match users::name(name) {
            Ok(name) => users::named(&self.store, &name).await?,
            Err(_) => None,
        };
        let hash = known.as_ref().map(|known| known.hash.clone());
        let fits = self.passwords.fits(password, hash).await?;
        let known = known.filter(|_| fits).ok_or(WRONG)?;
        let mut tx = self.store.begin().await?;
        // Again, so that a password that is changed meanwhile begins nothing.
        let now = users::lock(&self.store, &mut tx, &known.user.id).await?;
        let same = |now: &Known| now.hash == known.hash && now.user.disabled_at.is_none();
        let user = now.filter(same).ok_or(WRONG)?.user;
        let caller = Caller {
            scope: user.scope.parse()?,
            id: user.id,
            name: user.name,
            role: user.role,
        };
        self.enter(tx, caller, None, browser).await
    }

    async fn enter(
        &self,
        mut tx: Tx,
        caller: Caller,
        token_ends: Option<Option<Moment>>,
        browser: &Browser,
    ) -> Result<(Session, String), Error> {
        let (session, secret) = sessions::begin(&mut tx, caller, token_ends, browser, Moment::now()).await?;
        let details = json!({"name": session.caller.name});
        operators::note(&mut tx, &session.caller.id, "sign_in", &session.id, &details).await?;
        self.store.commit(tx, &[]).await?;
        Ok((session, secret))
    }

    /// Lets pass who knows a person's password, although they are signed in already.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a wrong one, [`Error::RateLimited`] after too many.
    pub async fn confirm(&self, known: &Known, password: String, address: &str, at: Instant) -> Result<(), Error> {
        let attempt = Attempt::of_name(&known.user.name, address, at);
        self.attempts().count(&attempt)?;
        let fits = self.passwords.fits(password, Some(known.hash.clone())).await;
        let confirmed = fits.and_then(|fits| if fits { Ok(()) } else { Err(WRONG) });
        self.judged(&attempt, &confirmed);
        match confirmed {
            // The session is not what is wrong.
            Err(Error::Unauthenticated(_)) => Err(Error::Forbidden(
                "current_password is not the password of this account".to_owned(),
            )),
            other => other,
        }
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// [`Error::Validation`] for one that is too short or too long.
    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        passwords::check(password)?;
        self.passwords.hash(password.to_owned()).await
    }

    fn judged<T>(&self, attempt: &Attempt, result: &Result<T, Error>) {
        match result {
            Ok(_) => self.attempts().passed(attempt),
            Err(Error::Unauthenticated(_)) => {}
            Err(_) => self.attempts().undo(attempt),
        }
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
