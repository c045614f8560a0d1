//! Reads the verdict a filter wrote, and holds what it did against it.

use sluice_policy::{Action, DecisionRecord};

use super::acts::{Act, Entry, telling_lines};
use super::error::{Did, EngineError};

/// Reads the verdict under `key` and checks that the filter acted on it.
pub(super) fn checked(acts: &[Entry], key: &'static str, did: Did) -> Result<DecisionRecord<'static>, EngineError> {
    let value = written(acts, key).ok_or_else(|| EngineError::NoVerdict {
        key,
        log: telling_lines(acts),
    })?;
    let record: DecisionRecord<'static> = serde_json::from_slice(value).map_err(|error| EngineError::BadVerdict {
        text: String::from_utf8_lossy(value).into_owned(),
        error,
    })?;
    if carried_out(record.action, did) {
        Ok(record)
    } else {
        Err(EngineError::Disagrees {
            action: record.action,
            did,
        })
    }
}

/// The last value, as in Envoy, where a later write replaces an earlier one.
fn written<'a>(acts: &'a [Entry], key: &str) -> Option<&'a [u8]> {
    acts.iter().rev().find_map(|entry| match &entry.act {
        Act::SetProperty { path, value } if *path == [key.as_bytes()] => Some(value.as_slice()),
        _ => None,
    })
}

fn carried_out(action: Action, did: Did) -> bool {
    match did {
        // 421 is what a request for another host than that of the TLS session gets.
        Did::Replied { status } => action == Action::Reject && matches!(status, 403 | 421),
        Did::Closed => action == Action::Reject,
        Did::Passed => action != Action::Reject,
        Did::Paused => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTS: [Did; 6] = [
        Did::Passed,
        Did::Replied { status: 403 },
        Did::Replied { status: 421 },
        Did::Replied { status: 200 },
        Did::Closed,
        Did::Paused,
    ];

    #[test]
    fn a_verdict_is_believed_only_if_it_was_carried_out() {
        for (action, believed) in [
            (Action::Allow, [true, false, false, false, false, false]),
            (Action::Warn, [true, false, false, false, false, false]),
            (Action::Reject, [false, true, true, false, true, false]),
        ] {
            for (did, expected) in ACTS.into_iter().zip(believed) {
                assert_eq!(carried_out(action, did), expected, "{action:?} {did:?}");
            }
        }
    }

    #[test]
    fn the_last_verdict_counts_and_only_under_its_key() {
        let set = |path: &[&str], value: &str| Entry {
            during: None,
            act: Act::SetProperty {
                path: path.iter().map(|segment| segment.as_bytes().to_vec()).collect(),
                value: value.as_bytes().to_vec(),
            },
        };
        let acts = [
            set(&["verdict"], "first"),
            set(&["verdict"], "second"),
            set(&["verdict", "more"], "third"),
            set(&["other"], "fourth"),
        ];
        assert_eq!(written(&acts, "verdict"), Some(&b"second"[..]));
        assert_eq!(written(&acts, "none"), None);
    }
}
