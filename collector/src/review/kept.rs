//! Suggestions that were made a moment ago: pages ask for a summary, a page and
//! the next one of the same, and with very many destinations making them takes a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::selection::Selection;
use super::suggestions::Row;
use crate::error::Error;
use crate::resource::TENANT;
use crate::store::Store;

/// How long they are good for while nothing new is recorded: the window moves on.
const LONGEST: Duration = Duration::from_secs(60);
/// From how many on they are good for a while although something new was recorded.
const MANY: usize = 5_000;
/// For so long.
const A_WHILE: Duration = Duration::from_secs(5);
/// How many are kept, and how many suggestions in all of them.
const MOST: usize = 8;
const MOST_ROWS: usize = 200_000;

/// What they were made from: whose traffic, and since when in the words that were used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    /// The selection as a text, which says all of it.
    whose: String,
    since: String,
}

/// How far the database had got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    policy: Option<i64>,
    audit: Option<i64>,
}

#[derive(Debug, Clone)]
struct Made {
    rows: Arc<Vec<Row>>,
    mark: Mark,
    at: Instant,
}

/// One that is being made keeps others who want the same waiting.
type Slot = Arc<tokio::sync::Mutex<Option<Made>>>;

/// Those that were made last.
#[derive(Debug, Default)]
pub struct Kept(Mutex<HashMap<Key, (Slot, Instant)>>);

impl Kept {
    /// What was made of the same, or what `make` makes now.
    ///
    /// # Errors
    /// What the database or `make` says.
    pub async fn rows(
        self: &Arc<Self>,
        store: &Store,
        whose: &Selection,
        since: &str,
        make: impl Future<Output = Result<Vec<Row>, Error>>,
    ) -> Result<Arc<Vec<Row>>, Error> {
        let key = Key {
            whose: format!("{whose:?}"),
            since: since.to_owned(),
        };
        let slot = self.slot(&key);
        let mut slot = slot.lock().await;
        // Before it is read: what comes meanwhile may or may not be in it.
        let mark = Mark::of(store, whose).await?;
        if let Some(made) = slot.as_ref().filter(|made| made.is_good(mark, Instant::now())) {
            return Ok(Arc::clone(&made.rows));
        }
        *slot = None;
        let rows = Arc::new(make.await?);
        *slot = Some(Made {
            rows: Arc::clone(&rows),
            mark,
            at: Instant::now(),
        });
        drop(slot);
        self.tidy();
        // Nobody may ask again, and they are large.
        let kept = Arc::downgrade(self);
        tokio::spawn(async move {
            tokio::time::sleep(LONGEST).await;
            if let Some(kept) = kept.upgrade() {
                kept.tidy();
            }
        });
        Ok(rows)
    }

    /// Since when all that are there were asked for.
    #[cfg(test)]
    pub(crate) fn asked(&self) -> Vec<String> {
        self.all().keys().map(|key| key.since.clone()).collect()
    }

    fn slot(&self, key: &Key) -> Slot {
        let mut all = self.all();
        let (slot, asked) = all
            .entry(key.clone())
            .or_insert_with(|| (Slot::default(), Instant::now()));
        *asked = Instant::now();
        Arc::clone(slot)
    }

    /// Forgets what is of no use any more, and what was asked for longest ago where it is too much.
    fn tidy(&self) {
        let mut all = self.all();
        all.retain(|_, (slot, _)| match slot.try_lock() {
            Ok(made) => made.as_ref().is_some_and(|made| made.at.elapsed() < LONGEST),
            // It is being made.
            Err(_) => true,
        });
        let mut sizes: Vec<(Instant, usize, Key)> = all
            .iter()
            .map(|(key, (slot, asked))| (*asked, rows_in(slot), key.clone()))
            .collect();
        sizes.sort_by_key(|(asked, ..)| std::cmp::Reverse(*asked));
        let mut rows = 0;
        for (place, (_, size, key)) in sizes.into_iter().enumerate() {
            rows += size;
            // The latest one stays, whatever its size.
            if place > 0 && (place >= MOST || rows > MOST_ROWS) {
                all.remove(&key);
            }
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Key, (Slot, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is being made counts as nothing.
fn rows_in(slot: &Slot) -> usize {
    let made = slot.try_lock().ok();
    made.and_then(|made| made.as_ref().map(|made| made.rows.len()))
        .unwrap_or_default()
}

impl Made {
    fn is_good(&self, now_at: Mark, now: Instant) -> bool {
        let age = now.saturating_duration_since(self.at);
        let nothing_new = self.mark.audit == now_at.audit;
        let enough = self.rows.len() >= MANY && age < A_WHILE;
        self.mark.policy == now_at.policy && age < LONGEST && (nothing_new || enough)
    }
}

impl Mark {
    async fn of(store: &Store, whose: &Selection) -> Result<Self, Error> {
        const ALL: &str = "SELECT MAX(inserted_at) FROM audit";
        const OF_ONE: &str = "SELECT inserted_at FROM audit WHERE resource_type = $1 AND resource_id = $2 \
                              ORDER BY inserted_at DESC LIMIT 1";
        const POLICIES: &str = "SELECT MAX(revision) FROM policies WHERE resource_type = $1 \
                                OR (resource_type = $2 AND resource_id = $3)";
        let one = whose.single().map(|one| (one.kind.clone(), one.id.clone()));
        let audit = match &one {
            Some((kind, id)) => {
                let last = sqlx::query_scalar(OF_ONE).bind(kind.clone()).bind(id.clone());
                last.fetch_optional(store.read()).await?
            }
            None => sqlx::query_scalar(ALL).fetch_one(store.read()).await?,
        };
        let (kind, id) = one.unwrap_or_else(|| (TENANT.to_owned(), String::new()));
        let policy = sqlx::query_scalar(POLICIES).bind(TENANT).bind(kind).bind(id);
        Ok(Self {
            policy: policy.fetch_one(store.read()).await?,
            audit,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use sluice_harness::suggest::{Class, Recommendation, Suggestion};

    use super::*;
    use crate::resource::Resource;
    use crate::testing::{Fresh, allow};

    fn row() -> Row {
        Row {
            suggestion: Suggestion {
                host: None,
                pattern: None,
                ports: Vec::new(),
                methods: Vec::new(),
                path_glob: None,
                resolves_to: Vec::new(),
                request_count: 1,
                first_seen: None,
                last_seen: None,
                days_active: 1,
                class: Class::Unknown,
                recommendation: Recommendation::Keep,
                reason: String::new(),
                members: Vec::new(),
                companions: Vec::new(),
                crowd: None,
            },
            denied_count: 0,
            seen_in: 1,
            resource_id: None,
            resource_type: None,
            listed: None,
        }
    }

    fn mark(policy: i64, audit: i64) -> Mark {
        Mark {
            policy: Some(policy),
            audit: Some(audit),
        }
    }

    #[test]
    fn few_are_always_of_now_and_many_of_a_moment_ago() {
        let at = Instant::now();
        let after = |seconds| at + Duration::from_secs(seconds);
        let made = |rows| Made {
            rows: Arc::new(rows),
            mark: mark(1, 1),
            at,
        };
        let few = made(Vec::new());
        assert!(few.is_good(mark(1, 1), after(59)));
        assert!(!few.is_good(mark(1, 1), after(60)), "the window moves on");
        assert!(!few.is_good(mark(1, 2), after(0)), "something was recorded");
        assert!(!few.is_good(mark(2, 1), after(0)), "the policy is another one");
        let many = made(vec![row(); MANY]);
        assert!(many.is_good(mark(1, 2), after(4)));
        assert!(!many.is_good(mark(1, 2), after(5)));
        assert!(!many.is_good(mark(2, 1), after(0)));
    }
    #[tokio::test]
    async fn the_same_is_made_once_until_a_policy_changes() {
        let (fresh, kept, made) = (Fresh::new().await, Arc::<Kept>::default(), AtomicUsize::new(0));
        let ask = async |since: &str| {
            let make = async {
                made.fetch_add(1, Ordering::Relaxed);
                Ok(vec![row()])
            };
            let rows = kept.rows(&fresh.store, &Selection::everything(), since, make).await;
            assert_eq!(rows.unwrap().len(), 1);
            made.load(Ordering::Relaxed)
        };
        assert_eq!([ask("7d").await, ask("7d").await, ask("1d").await], [1, 1, 2]);
        fresh.rule(&Resource::tenant(), allow("api.example.com")).await;
        assert_eq!([ask("7d").await, ask("7d").await], [3, 3]);
        for hours in 0..=MOST {
            ask(&format!("{hours}h")).await;
        }
        assert_eq!(kept.all().len(), MOST, "no more are kept");
        assert_eq!(
            ask("7d").await,
            4 + MOST + 1,
            "the one that was asked for longest ago is gone"
        );
    }
}
