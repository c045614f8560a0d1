//! How resources stand: whether what is in force is what is intended, said in words; their order, and their sums.

use crate::model::Overview;
use crate::text::counted;

/// What differs from what is intended, in a sentence; nothing if all is as it should be.
#[must_use]
pub fn difference(row: &Overview) -> Option<String> {
    if !row.differs && row.proxies.behind == 0 {
        return None;
    }
    let live = row.proxies.live;
    let revisions: Vec<String> = row
        .live_revisions
        .iter()
        .filter(|revision| Some(**revision) != row.revision)
        .map(|revision| format!("revision {revision}"))
        .collect();
    let modes = row.proxies.modes.iter().filter(|mode| **mode != row.mode);
    let modes: Vec<&str> = modes.map(|mode| mode_in_words(mode)).collect();
    let mut what = revisions;
    what.extend(modes.into_iter().map(str::to_owned));
    let what = what.join(", ");
    let intended = match row.revision {
        Some(revision) => format!("intended are revision {revision}, {}", row.mode),
        None => format!("intended is {} without a policy", row.mode),
    };
    let who = match row.proxies.behind {
        0 => match live {
            1 => "its proxy has".to_owned(),
            _ => format!("of {}, some have", counted(live, "proxy", "proxies")),
        },
        behind => format!(
            "{behind} of {} {}",
            counted(live, "proxy", "proxies"),
            if behind == 1 { "still has" } else { "still have" }
        ),
    };
    Some(if what.is_empty() {
        format!("{who} no policy; {intended}")
    } else {
        format!("{who} {what}; {intended}")
    })
}

fn mode_in_words(mode: &str) -> &str {
    match mode {
        "none" => "no policy",
        mode => mode,
    }
}

/// Which rows are shown, and in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// A part of id, name or template.
    pub part: String,
    /// Only of this type; any if empty.
    pub kind: String,
    /// Only those that differ.
    pub differing: bool,
    /// `name`, `requests`, `rejected`, `pending` or `last_seen`.
    pub order: String,
}

impl Choice {
    /// The places of the chosen rows in their order: those that differ first.
    #[must_use]
    pub fn of(&self, rows: &[Overview]) -> Vec<usize> {
        let part = self.part.trim().to_lowercase();
        let mut chosen: Vec<usize> = (0..rows.len())
            .filter(|place| rows.get(*place).is_some_and(|row| self.takes(row, &part)))
            .collect();
        chosen.sort_by_cached_key(|place| rows.get(*place).map(|row| self.key(row)));
        chosen
    }

    fn takes(&self, row: &Overview, part: &str) -> bool {
        let names = [Some(&row.resource.id), row.name.as_ref(), row.template.as_ref()];
        let named = || {
            row.resource.label().to_lowercase().contains(part)
                || names
                    .into_iter()
                    .flatten()
                    .any(|name| name.to_lowercase().contains(part))
        };
        (self.kind.is_empty() || row.resource.kind == self.kind) && (!self.differing || row.differs) && named()
    }

    fn key(&self, row: &Overview) -> impl Ord + use<> {
        let most = match self.order.as_str() {
            "requests" => row.requests,
            "rejected" => row.rejected.max(row.would_reject),
            "pending" => row.pending,
            _ => 0,
        };
        let seen = match self.order.as_str() {
            // RFC 3339 in UTC: the greater text is the later moment.
            "last_seen" => row.last_seen.clone().unwrap_or_default(),
            _ => String::new(),
        };
        let name = row.name.as_ref().unwrap_or(&row.resource.id).to_lowercase();
        (
            !row.differs,
            std::cmp::Reverse((most, seen)),
            name,
            row.resource.clone(),
        )
    }
}

/// All rows, added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// Workloads: not the tenant, and no templates.
    pub resources: u64,
    /// Proxies that are there.
    pub live: u64,
    /// Requests in the window.
    pub requests: u64,
    /// Those rejected.
    pub rejected: u64,
    /// Those that are, or would be in enforce.
    pub would_reject: u64,
    /// Hosts that wait for a decision.
    pub pending: u64,
    /// Rows that differ.
    pub differing: u64,
    /// Events that never came.
    pub lost: i64,
}

impl Sums {
    /// Of these.
    #[must_use]
    pub fn of(rows: &[Overview]) -> Self {
        let mut sums = Self::default();
        for row in rows {
            sums.resources += u64::from(is_workload(row));
            sums.live += row.proxies.live;
            sums.requests += row.requests;
            sums.rejected += row.rejected;
            sums.would_reject += row.would_reject;
            sums.pending += row.pending;
            sums.differing += u64::from(row.differs);
            sums.lost = sums.lost.saturating_add(row.proxies.lost);
        }
        sums
    }
}

/// Whether it is what traffic comes from, and not what governs such.
#[must_use]
pub fn is_workload(row: &Overview) -> bool {
    !row.resource.is_tenant() && row.resource.kind != "template"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Proxies, Resource};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn row(kind: &str, id: &str) -> Overview {
        Overview {
            resource: Resource::new(kind, id),
            mode: "enforce".to_owned(),
            revision: Some(7),
            ..Overview::default()
        }
    }

    fn differing(live: u64, behind: u64, revisions: &[i64], modes: &[&str]) -> Overview {
        Overview {
            differs: true,
            live_revisions: revisions.to_vec(),
            proxies: Proxies {
                total: live,
                live,
                behind,
                lost: 0,
                modes: modes.iter().map(|mode| (*mode).to_owned()).collect(),
            },
            ..row("sandbox", "sb_1")
        }
    }

    #[test]
    fn what_differs_is_said() {
        assert_eq!(difference(&row("sandbox", "sb_1")), None);
        for (row, said) in [
            (
                differing(3, 2, &[6, 7], &["audit_only", "enforce"]),
                "2 of 3 proxies still have revision 6, audit_only; intended are revision 7, enforce",
            ),
            (
                differing(1, 1, &[6], &["enforce"]),
                "1 of 1 proxy still has revision 6; intended are revision 7, enforce",
            ),
            (
                differing(1, 0, &[7], &["audit_only"]),
                "its proxy has audit_only; intended are revision 7, enforce",
            ),
            (
                differing(2, 0, &[7, 9], &["enforce"]),
                "of 2 proxies, some have revision 9; intended are revision 7, enforce",
            ),
            (
                differing(2, 2, &[], &["none"]),
                "2 of 2 proxies still have no policy; intended are revision 7, enforce",
            ),
            (
                differing(2, 2, &[], &[]),
                "2 of 2 proxies still have no policy; intended are revision 7, enforce",
            ),
        ] {
            assert_eq!(difference(&row).as_deref(), Some(said));
        }
        let none = Overview {
            revision: None,
            ..differing(1, 0, &[6], &["enforce"])
        };
        assert_eq!(
            difference(&none).as_deref(),
            Some("its proxy has revision 6; intended is enforce without a policy")
        );
    }

    #[test]
    fn what_differs_comes_first_whatever_the_order() {
        let named = |id: &str, requests: u64, differs: bool| Overview {
            requests,
            differs,
            ..row("sandbox", id)
        };
        let rows = [
            named("b", 5, false),
            named("a", 1, false),
            named("z", 0, true),
            row("tenant", ""),
        ];
        let chosen = |order: &str, kind: &str, differing: bool, part: &str| {
            Choice {
                part: part.to_owned(),
                kind: kind.to_owned(),
                differing,
                order: order.to_owned(),
            }
            .of(&rows)
        };
        assert_eq!(chosen("name", "", false, ""), [2, 3, 1, 0]);
        assert_eq!(chosen("requests", "sandbox", false, ""), [2, 0, 1]);
        assert_eq!(chosen("name", "", true, ""), [2]);
        assert_eq!(chosen("name", "", false, " SANDBOX/A "), [1]);
        assert_eq!(chosen("name", "computer", false, ""), [] as [usize; 0]);
    }

    #[test]
    fn sums_leave_out_no_traffic_and_count_only_workloads() {
        let with = |kind: &str, requests: u64| Overview {
            requests,
            pending: 1,
            ..row(kind, "x")
        };
        let sums = Sums::of(&[with("tenant", 1), with("template", 2), with("sandbox", 4)]);
        assert_eq!((sums.resources, sums.requests, sums.pending), (1, 7, 3));
    }
}
