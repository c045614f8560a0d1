//! Rejected targets that an operator could list: told of when they are first
//! seen, and then how often since, so that a loop that retries is one line.

use std::collections::VecDeque;
use std::rc::Rc;

use hashbrown::HashMap;

use super::record::{Decided, Pending, Wire};
use crate::refusal::Resource;

/// How long attempts at one target are counted before they are told of.
const INTERVAL: u64 = 10_000_000_000;
/// Targets remembered; the one seen first is forgotten, and is new when it comes again.
const MOST: usize = 1024;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Target {
    resource: Option<Rc<Resource>>,
    host: Box<str>,
    port: u16,
}

#[derive(Debug)]
struct Attempts {
    /// Since the last record, which was at this time.
    count: u64,
    told: u64,
    example: (Decided, Wire),
}

/// The targets seen lately.
#[derive(Debug, Default)]
pub(crate) struct PendingTargets {
    targets: HashMap<Target, Attempts>,
    order: VecDeque<Target>,
}

impl PendingTargets {
    /// Notes a rejection at `at`; the record of it if its target is new.
    pub(crate) fn rejected(&mut self, at: u64, decided: &Decided, wire: &Wire) -> Option<Pending> {
        let target = Target {
            resource: decided.resource.clone(),
            host: decided.host.clone()?,
            port: decided.port?,
        };
        if let Some(attempts) = self.targets.get_mut(&target) {
            attempts.count = attempts.count.saturating_add(1);
            return None;
        }
        if self.targets.len() >= MOST
            && let Some(first) = self.order.pop_front()
        {
            self.targets.remove(&first);
        }
        self.order.push_back(target.clone());
        let example = (decided.clone(), wire.clone());
        self.targets.insert(
            target,
            Attempts {
                count: 0,
                told: at,
                example,
            },
        );
        Some(pending(at, decided, wire, 1))
    }

    /// The records of targets that were tried again, once an interval.
    pub(crate) fn due(&mut self, at: u64) -> Vec<Pending> {
        let mut due = Vec::new();
        for attempts in self.targets.values_mut() {
            if attempts.count > 0 && at.saturating_sub(attempts.told) >= INTERVAL {
                let (decided, wire) = &attempts.example;
                due.push(pending(at, decided, wire, attempts.count));
                attempts.count = 0;
                attempts.told = at;
            }
        }
        due
    }
}

fn pending(at: u64, decided: &Decided, wire: &Wire, attempts: u64) -> Pending {
    Pending {
        at,
        decided: decided.clone(),
        wire: wire.clone(),
        attempts,
    }
}

#[cfg(test)]
mod tests {
    use sluice_policy::Action;

    use super::super::testing::audit;
    use super::*;

    #[test]
    fn a_target_is_told_of_at_once_and_then_with_its_count() {
        let mut targets = PendingTargets::default();
        let one = audit(1, 0, "a.example.com", Action::Reject);
        let first = targets.rejected(5, &one.decided, &one.wire).unwrap();
        assert_eq!((first.at, first.attempts), (5, 1));
        for at in 6..10 {
            assert_eq!(targets.rejected(at, &one.decided, &one.wire), None);
        }
        assert!(targets.due(10).is_empty());
        let due = targets.due(5 + INTERVAL);
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].attempts, 4);
        assert!(targets.due(5 + 2 * INTERVAL).is_empty(), "nothing new");
        let other = audit(1, 0, "b.example.com", Action::Reject);
        assert!(targets.rejected(11, &other.decided, &other.wire).is_some());
    }

    #[test]
    fn invented_targets_take_bounded_room() {
        let mut targets = PendingTargets::default();
        for host in 0..10_000 {
            let one = audit(1, 0, &format!("h{host}.example.com"), Action::Reject);
            assert!(targets.rejected(host, &one.decided, &one.wire).is_some());
        }
        assert_eq!((targets.targets.len(), targets.order.len()), (MOST, MOST));
    }
}
