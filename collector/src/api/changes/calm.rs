//! Tells the same no more often than a page can use it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::resource::Resource;

/// The kind that comes all the time where there is traffic.
pub(super) const AUDIT: &str = "audit";
const GAP: Duration = Duration::from_millis(250);
const GAP_OF_AUDIT: Duration = Duration::from_secs(1);
/// Past this many that wait, they are told as one: everything.
const MOST: usize = 256;

/// What to ask for again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Notice {
    kind: &'static str,
    resource_type: Option<String>,
    resource_id: Option<String>,
}

impl Notice {
    pub(super) const EVERYTHING: Self = Self {
        kind: "everything",
        resource_type: None,
        resource_id: None,
    };

    pub(super) fn of(kind: &'static str, resource: Option<Resource>) -> Self {
        let (resource_type, resource_id) = resource.map(|resource| (resource.kind, resource.id)).unzip();
        Self {
            kind,
            resource_type,
            resource_id,
        }
    }

    fn gap(&self) -> Duration {
        if self.kind == AUDIT { GAP_OF_AUDIT } else { GAP }
    }
}

/// What waits to be told, and what was told a moment ago.
#[derive(Debug, Default)]
pub(super) struct Calm {
    waiting: BTreeMap<Notice, Instant>,
    told: BTreeMap<Notice, Instant>,
}

impl Calm {
    /// Something changed.
    pub(super) fn heard(&mut self, notice: Notice, now: Instant) {
        if self.waiting.contains_key(&Notice::EVERYTHING) || self.waiting.contains_key(&notice) {
            return;
        }
        let notice = if self.waiting.len() < MOST {
            notice
        } else {
            Notice::EVERYTHING
        };
        if notice == Notice::EVERYTHING {
            self.waiting.clear();
        }
        let free = self.told.get(&notice).map(|told| *told + notice.gap());
        self.waiting.insert(notice, free.map_or(now, |free| free.max(now)));
    }

    /// When there is something to tell.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.values().min().copied()
    }

    /// What is to be told now.
    pub(super) fn due(&mut self, now: Instant) -> BTreeSet<Notice> {
        self.told.retain(|notice, told| *told + notice.gap() > now);
        let due: BTreeSet<Notice> = self
            .waiting
            .extract_if(.., |_, at| *at <= now)
            .map(|(notice, _)| notice)
            .collect();
        self.told.extend(due.iter().map(|notice| (notice.clone(), now)));
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(id: usize) -> Notice {
        Notice::of("policy", Some(Resource::new("sandbox", format!("sb_{id}"))))
    }

    #[test]
    fn the_same_is_told_once_in_its_gap_and_never_forgotten() {
        let (mut calm, start) = (Calm::default(), Instant::now());
        let after = |ms| start + Duration::from_millis(ms);
        assert_eq!(calm.next(), None);
        for notice in [policy(1), policy(1), Notice::of(AUDIT, None)] {
            calm.heard(notice, start);
        }
        assert_eq!(calm.due(start), BTreeSet::from([policy(1), Notice::of(AUDIT, None)]));
        calm.heard(policy(1), after(10));
        calm.heard(Notice::of(AUDIT, None), after(10));
        calm.heard(policy(2), after(10));
        assert_eq!(
            calm.due(after(10)),
            BTreeSet::from([policy(2)]),
            "another is told at once"
        );
        assert_eq!(calm.next(), Some(after(250)));
        assert_eq!(calm.due(after(249)), BTreeSet::new());
        assert_eq!(calm.due(after(250)), BTreeSet::from([policy(1)]));
        assert_eq!(calm.next(), Some(after(1000)));
        assert_eq!(calm.due(after(1000)), BTreeSet::from([Notice::of(AUDIT, None)]));
        assert_eq!((calm.next(), calm.due(after(9000))), (None, BTreeSet::new()));
        calm.heard(policy(1), after(9000));
        assert_eq!(calm.next(), Some(after(9000)));
    }

    #[test]
    fn many_are_everything_and_everything_is_all() {
        let (mut calm, start) = (Calm::default(), Instant::now());
        (0..=MOST).for_each(|id| calm.heard(policy(id), start));
        assert_eq!(calm.due(start), BTreeSet::from([Notice::EVERYTHING]));
        calm.heard(policy(1), start);
        calm.heard(Notice::EVERYTHING, start);
        calm.heard(policy(2), start);
        assert_eq!(calm.next(), Some(start + GAP), "it was told just now");
        assert_eq!(calm.due(start + GAP), BTreeSet::from([Notice::EVERYTHING]));
    }
}
