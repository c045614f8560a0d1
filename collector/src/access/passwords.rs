//! Passwords: checked for their length, and hashed slowly, a few at a time.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::error::Error;

/// How many characters a password has at least and at most.
const LENGTH: std::ops::RangeInclusive<usize> = 12..=1024;
/// How many are hashed at once: each takes 19 MiB and a core for a while.
const AT_ONCE: usize = 2;
/// What the password of somebody who does not exist is compared with, so that
/// the answer takes as long as that of somebody who does. Nothing hashes to it.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LWlzLWhlcmU$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Where passwords are hashed.
#[derive(Debug, Clone)]
pub(super) struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Passwords {
    /// The hash of a new password, as the database keeps it.
    pub(super) async fn hash(&self, password: String) -> Result<String, Error> {
        self.slowly(move || {
            let hash = argon2()?.hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|error| Error::Internal(format!("a password cannot be hashed: {error}")))
        })
        .await
    }

    /// Whether a password has this hash. Nobody's is none, and that takes as long.
    pub(super) async fn fits(&self, password: String, hash: Option<String>) -> Result<bool, Error> {
        // A longer one was never set; its first rounds would be work of the sender's choice.
        let (password, hash) = match hash {
            Some(hash) if password.chars().count() <= *LENGTH.end() => (password, hash),
            _ => (String::new(), NOBODYS.to_owned()),
        };
        self.slowly(move || Ok(argon2()?.verify_password(password.as_bytes(), hash.as_str()).is_ok()))
            .await
    }

    async fn slowly<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        let permit = permit.map_err(|_| Error::ShuttingDown)?;
        // The permit goes along: who hangs up does not stop the work.
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await
            .unwrap_or_else(|error| Err(Error::Internal(format!("hashing a password: {error}"))))
    }
}

/// Refuses passwords that are too short to be any, or too long. What was given is not repeated.
pub(super) fn check(password: &str) -> Result<(), Error> {
    if LENGTH.contains(&password.chars().count()) {
        return Ok(());
    }
    let (least, most) = (LENGTH.start(), LENGTH.end());
    Err(Error::field(
        "password",
        "what was given",
        &format!("{least} to {most} characters long"),
    ))
}

/// With the parameters that the OWASP Password Storage Cheat Sheet names first for argon2id.
fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(19_456, 2, 1, None);
    let params = params.map_err(|error| Error::Internal(format!("argon2: {error}")))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: &str = "correct horse battery";

    #[tokio::test]
    async fn a_password_fits_its_hash_and_no_other() {
        let passwords = Passwords::default();
        let hash = passwords.hash(RIGHT.to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(
            hash,
            passwords.hash(RIGHT.to_owned()).await.unwrap(),
            "each has its salt"
        );
        for (given, hash, fits) in [
            (RIGHT, Some(hash.as_str()), true),
            ("correct horse batterY", Some(hash.as_str()), false),
            ("", Some(hash.as_str()), false),
            (RIGHT, None, false),
            (&"x".repeat(2_000), Some(hash.as_str()), false),
            (RIGHT, Some("no hash"), false),
        ] {
            let found = passwords.fits(given.to_owned(), hash.map(str::to_owned)).await;
            assert_eq!(found.unwrap(), fits, "{given} {hash:?}");
        }
    }

    /// As a hash that cannot be read, it would be compared in no time.
    #[test]
    fn nobodys_hash_is_one_like_others() {
        use argon2::password_hash::Error as HashError;
        let refused = argon2().unwrap().verify_password(b"", NOBODYS).unwrap_err();
        assert!(matches!(refused, HashError::PasswordInvalid), "{refused:?}");
        let made = argon2().unwrap().hash_password(b"").unwrap().to_string();
        let shape = |text: &str| text.split('$').map(str::len).collect::<Vec<_>>();
        let parameters = |text: &str| text.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parameters(&made), parameters(NOBODYS));
        assert_eq!(shape(&made).last(), shape(NOBODYS).last());
    }

    #[test]
    fn lengths_are_of_characters_and_nothing_is_repeated() {
        for (password, is_right) in [
            ("ä".repeat(11), false),
            ("ä".repeat(12), true),
            ("ä".repeat(1024), true),
            ("ä".repeat(1025), false),
        ] {
            assert_eq!(check(&password).is_ok(), is_right, "{}", password.len());
        }
        let said = check("hunter2").unwrap_err();
        assert!(!said.body().to_string().contains("hunter2"), "{}", said.body());
    }
}
