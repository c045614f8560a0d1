//! Attempts to sign in that failed: after some, the next ones have to wait.
//!
//! Counted are those of the last fifteen minutes, of each name and of each
//! address, in this process. An attempt that is refused here does not count, so
//! that nobody is kept out for longer than that by others' trying.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use hashlink::LinkedHashMap;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// For how long a failure counts.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// How many failures a name has free.
const OF_A_NAME: usize = 10;
/// How many an address has free, from which many people may come.
const OF_AN_ADDRESS: usize = 30;
/// How many names and addresses are remembered; past that those are forgotten that failed longest ago.
const REMEMBERED: usize = 10_000;
/// So much of a token stands for it: those of one guesser who goes on from what is known of it begin alike.
const TOKEN_PREFIX: usize = 12;

/// A name or an address, as short as any other.
type Key = [u8; 32];

/// What an attempt is counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attempt {
    name: Key,
    address: Key,
    at: Instant,
}

impl Attempt {
    /// To sign in with a name.
    pub(super) fn of_name(name: &str, address: &str, at: Instant) -> Self {
        Self {
            name: key("name", &name.to_lowercase()),
            address: key("address", &network(address)),
            at,
        }
    }

    /// To sign in with a token.
    pub(super) fn of_token(secret: &str, address: &str, at: Instant) -> Self {
        let prefix: String = secret.chars().take(TOKEN_PREFIX).collect();
        Self {
            name: key("token", &prefix),
            address: key("address", &network(address)),
            at,
        }
    }
}

fn key(kind: &str, text: &str) -> Key {
    Sha256::digest(format!("{kind} {text}")).into()
}

/// Who has one IPv6 address has all that begin with its 64 bits.
fn network(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => format!("{:?}", &address.segments()[..4]),
        Ok(IpAddr::V4(address)) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

/// The failures that count, those that failed longest ago first.
#[derive(Debug, Default)]
pub(super) struct Attempts(LinkedHashMap<Key, VecDeque<Instant>>);

impl Attempts {
    /// Counts an attempt as failed until [`Attempts::passed`] or [`Attempts::undo`] says otherwise: of many that are made at once
    /// none may be judged by what was before all of them.
    pub(super) fn count(&mut self, attempt: &Attempt) -> Result<(), Error> {
        let full = [(attempt.name, OF_A_NAME), (attempt.address, OF_AN_ADDRESS)]
            .into_iter()
            .filter_map(|(key, free)| self.free_at(&key, free, attempt.at))
            .max();
        if let Some(at) = full {
            let wait = at.saturating_duration_since(attempt.at).as_millis();
            return Err(Error::RateLimited {
                retry_after_ms: u64::try_from(wait).unwrap_or(u64::MAX).saturating_add(1),
            });
        }
        for key in [attempt.name, attempt.address] {
            let mut failures = self.0.remove(&key).unwrap_or_default();
            failures.push_back(attempt.at);
            self.0.insert(key, failures);
        }
        while self.0.len() > REMEMBERED {
            self.0.pop_front();
        }
        Ok(())
    }

    /// When there is room for one more, if there is none now.
    fn free_at(&mut self, key: &Key, free: usize, now: Instant) -> Option<Instant> {
        let failures = self.0.get_mut(key)?;
        while failures
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) >= WINDOW)
        {
            failures.pop_front();
        }
        if failures.len() < free {
            return None;
        }
        failures.front().map(|at| *at + WINDOW)
    }

    /// It was right: whoever tried the name before has no more to say.
    pub(super) fn passed(&mut self, attempt: &Attempt) {
        self.0.remove(&attempt.name);
        self.take_back(&attempt.address, attempt.at);
    }

    /// It was neither right nor wrong.
    pub(super) fn undo(&mut self, attempt: &Attempt) {
        self.take_back(&attempt.name, attempt.at);
        self.take_back(&attempt.address, attempt.at);
    }

    fn take_back(&mut self, key: &Key, at: Instant) {
        let Some(failures) = self.0.get_mut(key) else { return };
        if let Some(place) = failures.iter().rposition(|failure| *failure == at) {
            failures.remove(place);
        }
        if failures.is_empty() {
            self.0.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn named(name: &str, address: &str, at: Instant) -> Attempt {
        Attempt::of_name(name, address, at)
    }

    fn waits(refused: Result<(), Error>) -> u64 {
        match refused {
            Err(Error::RateLimited { retry_after_ms }) => retry_after_ms,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_waits_until_its_first_failure_is_old() {
        let (mut attempts, begin) = (Attempts::default(), Instant::now());
        for number in 0..10 {
            let attempt = named("Ann", &format!("192.0.2.{number}"), begin + SECOND * number);
            attempts.count(&attempt).unwrap();
        }
        let later = begin + SECOND * 100;
        assert_eq!(waits(attempts.count(&named("ann", "192.0.2.99", later))), 800_001);
        // What is refused does not count: otherwise who goes on trying would keep the right person out for good.
        for _ in 0..50 {
            waits(attempts.count(&named("ann", "192.0.2.99", later)));
        }
        attempts.count(&named("bob", "192.0.2.99", later)).unwrap();
        attempts.count(&named("ann", "192.0.2.99", begin + WINDOW)).unwrap();
        assert_eq!(
            waits(attempts.count(&named("ann", "192.0.2.99", begin + WINDOW))),
            1_001
        );
    }

    #[test]
    fn an_address_waits_whatever_the_names() {
        for (addresses, is_one) in [
            (["192.0.2.1", "::ffff:192.0.2.1"], true),
            (["2001:db8::1", "2001:db8::2:3"], true),
            (["192.0.2.1", "192.0.2.2"], false),
            (["2001:db8:0:1::1", "2001:db8:0:2::1"], false),
        ] {
            let (mut attempts, begin) = (Attempts::default(), Instant::now());
            for number in 0..30 {
                let attempt = Attempt::of_token(&format!("sluice_{number}xxxxxx"), addresses[0], begin);
                attempts.count(&attempt).unwrap();
            }
            let next = attempts.count(&named("ann", addresses[1], begin));
            assert_eq!(next.is_err(), is_one, "{addresses:?}");
        }
    }

    #[test]
    fn who_succeeds_starts_anew_and_the_address_does_not() {
        let (mut attempts, begin) = (Attempts::default(), Instant::now());
        for number in 0..29_u32 {
            let attempt = named(&format!("n{}", number / 9), "192.0.2.1", begin + SECOND * number);
            attempts.count(&attempt).unwrap();
        }
        // With an account of one's own nobody gets more attempts at others'.
        for number in 0..20 {
            let right = named("n0", "192.0.2.1", begin + SECOND * (30 + number));
            attempts.count(&right).unwrap();
            attempts.passed(&right);
        }
        attempts.count(&named("n0", "192.0.2.1", begin + SECOND * 60)).unwrap();
        waits(attempts.count(&named("n0", "192.0.2.1", begin + SECOND * 61)));
        attempts.count(&named("n0", "192.0.2.2", begin + SECOND * 61)).unwrap();
    }

    #[test]
    fn what_was_not_judged_leaves_nothing() {
        let (mut attempts, begin) = (Attempts::default(), Instant::now());
        for number in 0..50 {
            let attempt = named("ann", "192.0.2.1", begin + SECOND * number);
            attempts.count(&attempt).unwrap();
            attempts.undo(&attempt);
        }
        assert!(attempts.0.is_empty());
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let (mut attempts, begin) = (Attempts::default(), Instant::now());
        for number in 0..REMEMBERED {
            let address = format!("10.{}.{}.{}", number >> 16, (number >> 8) & 255, number & 255);
            attempts.count(&named(&number.to_string(), &address, begin)).unwrap();
        }
        assert_eq!(attempts.0.len(), REMEMBERED);
        let last = named(&(REMEMBERED - 1).to_string(), "", begin).name;
        let first = named("0", "", begin).name;
        assert!(attempts.0.contains_key(&last) && !attempts.0.contains_key(&first));
    }
}
