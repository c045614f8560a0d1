//! What holds for every policy and every input, tried on random ones.
//!
//! Alphabets are small, so that rules and targets collide. Runs are the same
//! each time: a failure is reported with its smallest case and can be repeated.

#[path = "properties/generate.rs"]
mod generate;
#[path = "properties/naive.rs"]
mod naive;

use generate::{authority, document, glob, path, rules, target};
use naive::Target;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use sluice_policy::{
    Effect, Host, HostPattern, Mode, Path, PathGlob, Policy, PolicyDocument, Seen, Surroundings, Timestamp,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Fewer cases where each is slower.
const CASES: u32 = if cfg!(target_arch = "wasm32") { 256 } else { 1_024 };

/// Runs a property on random values of a strategy.
fn hold<S: Strategy>(strategy: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 4_096,
        ..ProptestConfig::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    if let Err(failure) = TestRunner::new_with_rng(config, rng).run(&strategy, property) {
        panic!("{failure}");
    }
}

fn compiled(document: &PolicyDocument) -> Policy {
    Policy::compile(document).unwrap_or_else(|problems| panic!("{problems}\n{document:?}"))
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-06-01T00:00:00Z").expect("a valid time")
}

/// Whether the policy rejects, and the deny rule if it is one.
fn rejected(policy: &Policy, target: &Target) -> (bool, bool) {
    let decision = policy.decide(&target.seen(), &Surroundings::new(80), now());
    let denied = decision
        .verdict()
        .rule()
        .is_some_and(|rule| rule.effect() == Effect::Deny);
    (decision.would_reject(), denied)
}

#[test]
fn the_order_of_rules_never_changes_a_deny() {
    let cases = (document(), prop::collection::vec(target(), 1..24));
    let shuffled = cases.prop_flat_map(|(document, targets)| {
        let rules = Just(document.rules.clone()).prop_shuffle();
        (Just(document), rules, Just(targets))
    });
    hold(shuffled, |(document, rules, targets)| {
        let other = PolicyDocument {
            rules,
            ..document.clone()
        };
        let (one, two) = (compiled(&document), compiled(&other));
        for target in &targets {
            prop_assert_eq!(rejected(&one, target), rejected(&two, target), "{:?}", target);
        }
        Ok(())
    });
}

#[test]
fn index_and_naive_scan_agree() {
    hold(
        (document(), prop::collection::vec(target(), 1..24)),
        |(document, targets)| {
            let policy = compiled(&document);
            for target in &targets {
                let decision = policy.decide(&target.seen(), &Surroundings::new(80), now());
                let found = decision.verdict().rule().map(|rule| rule.id());
                let expected = naive::winner(&policy, target, now());
                prop_assert_eq!(found, expected.map(|rule| rule.id()), "{:?}", target);
                let rejected = match expected {
                    Some(rule) => rule.effect() == Effect::Deny,
                    None => policy.default_effect() == Effect::Deny,
                };
                prop_assert_eq!(decision.would_reject(), rejected, "{:?}", target);
            }
            Ok(())
        },
    );
}

/// The random policies and targets do meet, or the properties would say nothing.
#[test]
fn random_targets_do_hit_random_rules() {
    let hits = std::cell::RefCell::new(std::collections::BTreeMap::<&str, u32>::new());
    hold((document(), target()), |(document, target)| {
        let policy = compiled(&document);
        let decision = policy.decide(&target.seen(), &Surroundings::new(80), now());
        let word = match decision.verdict().rule() {
            Some(rule) => rule.effect().as_str(),
            None => "default",
        };
        *hits.borrow_mut().entry(word).or_default() += 1;
        Ok(())
    });
    let hits = hits.into_inner();
    for word in ["allow", "deny", "default"] {
        assert!(
            hits.get(word).is_some_and(|&hits| hits >= CASES / 20),
            "{word}: {hits:?}"
        );
    }
}

#[test]
fn explaining_decides_the_same_and_lists_the_winner_first() {
    hold((document(), target()), |(document, target)| {
        let policy = compiled(&document);
        let around = Surroundings::new(80);
        let decision = policy.decide(&target.seen(), &around, now());
        let explanation = policy.explain(&target.seen(), &around, now());
        prop_assert_eq!(&explanation.decision, &decision.record());
        let winner = decision.verdict().rule().map(|rule| rule.id());
        let first = explanation
            .matches
            .first()
            .filter(|first| first.won)
            .map(|first| first.rule_id);
        prop_assert_eq!(first, winner);
        prop_assert_eq!(
            explanation.matches.len(),
            naive::matching(&policy, &target, now()).count()
        );
        Ok(())
    });
}

#[test]
fn a_resource_never_loosens_a_tenants_deny() {
    let cases = (document(), document(), prop::collection::vec(target(), 1..24));
    hold(cases, |(tenant, resource, targets)| {
        let alone = Policy::merge(Some(&tenant), None).map_err(|problems| TestCaseError::fail(problems.to_string()))?;
        let merged = Policy::merge(Some(&tenant), Some(&resource))
            .map_err(|problems| TestCaseError::fail(problems.to_string()))?;
        for target in &targets {
            let (_, denied) = rejected(&alone, target);
            if denied {
                prop_assert_eq!(rejected(&merged, target), (true, true), "{:?}", target);
            }
        }
        Ok(())
    });
}

#[test]
fn observing_blocks_nothing_and_hides_nothing() {
    hold((document(), target()), |(document, target)| {
        let with = |mode| {
            compiled(&PolicyDocument {
                mode: Some(mode),
                ..document.clone()
            })
        };
        let (observe, enforce) = (with(Mode::AuditOnly), with(Mode::Enforce));
        let around = Surroundings::new(80);
        let seen = target.seen();
        let (one, two) = (
            observe.decide(&seen, &around, now()),
            enforce.decide(&seen, &around, now()),
        );
        prop_assert_eq!(one.would_reject(), two.would_reject());
        prop_assert_eq!(
            one.verdict().rule().map(|rule| rule.id()),
            two.verdict().rule().map(|rule| rule.id())
        );
        prop_assert_ne!(one.action(), sluice_policy::Action::Reject);
        prop_assert_eq!(two.action() == sluice_policy::Action::Reject, two.would_reject());
        Ok(())
    });
}

#[test]
fn canonicalising_is_idempotent() {
    let around = Surroundings::new(80);
    let policy = compiled(&PolicyDocument::default());
    hold(authority(), |authority| {
        let seen = |authority: &'_ [u8]| -> Option<(Host, u16)> {
            let seen = Seen::Request {
                authority,
                method: b"GET",
                path: None,
            };
            let decision = policy.decide(&seen, &around, now());
            decision.target().map(|target| (target.host, target.port))
        };
        let Some((host, port)) = seen(authority.as_bytes()) else {
            return Ok(());
        };
        let text = match host {
            Host::Ip(std::net::IpAddr::V6(v6)) => format!("[{v6}]:{port}"),
            host => format!("{host}:{port}"),
        };
        prop_assert_eq!(seen(text.as_bytes()), Some((host, port)), "{} from {}", text, authority);
        Ok(())
    });
}

#[test]
fn patterns_print_and_read_back() {
    hold(generate::pattern(), |text| {
        if let Ok(pattern) = HostPattern::parse(&text) {
            let printed = pattern.to_string();
            prop_assert_eq!(HostPattern::parse(&printed), Ok(pattern), "{} from {}", printed, text);
        }
        Ok(())
    });
    // A compiled rule keeps the canonical text, so compiling it again changes nothing.
    hold(rules(), |rules| {
        let document = PolicyDocument {
            rules,
            ..PolicyDocument::default()
        };
        let policy = compiled(&document);
        let mut again = document.clone();
        for (rule, compiled) in again.rules.iter_mut().zip(policy.rules()) {
            rule.host = compiled.host().to_owned();
        }
        let hosts = |policy: &Policy| {
            policy
                .rules()
                .iter()
                .map(|rule| rule.host().to_owned())
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(hosts(&policy), hosts(&compiled(&again)));
        Ok(())
    });
}

#[test]
fn documents_print_and_read_back() {
    hold(document(), |document| {
        let json = serde_json::to_vec(&document).expect("a document is JSON");
        let read = PolicyDocument::from_json(&json).map_err(|problems| TestCaseError::fail(problems.to_string()))?;
        prop_assert_eq!(read, document);
        Ok(())
    });
}

#[test]
fn globs_match_as_the_recursive_definition_says() {
    hold((glob(), prop::collection::vec(path(), 1..16)), |(glob, paths)| {
        let Ok(compiled) = PathGlob::parse(&glob) else {
            return Ok(());
        };
        for path in paths {
            let expected = naive::glob_matches(glob.as_bytes(), path.as_bytes());
            prop_assert_eq!(compiled.matches(path.as_bytes()), expected, "{} {}", &glob, path);
        }
        Ok(())
    });
}

#[test]
fn reading_a_path_again_changes_nothing() {
    hold(path(), |path| {
        let Path::Clean(clean) = Path::parse(Some(path.as_bytes())) else {
            return Ok(());
        };
        // What an escape stood for may need one again, and is no path any more then.
        let plain = clean.iter().all(|byte| !b"?%#".contains(byte));
        if plain {
            prop_assert_eq!(Path::parse(Some(&clean)), Path::Clean(clean.clone()), "{}", path);
        }
        Ok(())
    });
}

/// What lint says of a policy is true of what the policy decides.
#[cfg(feature = "authoring")]
#[test]
fn lint_tells_the_truth() {
    use sluice_policy::lint::{Kind, lint_policy};

    let hits = std::cell::Cell::new((0_u32, 0_u32));
    hold(
        (document(), prop::collection::vec(target(), 1..24)),
        |(document, targets)| {
            let policy = compiled(&document);
            let findings = lint_policy(&policy, now());
            let found = |kinds: &[Kind], id: &str| {
                let of = |finding: &sluice_policy::lint::Finding| kinds.contains(&finding.kind);
                findings
                    .iter()
                    .any(|finding| of(finding) && finding.rule.as_deref() == Some(id))
            };
            for target in &targets {
                let decision = policy.decide(&target.seen(), &Surroundings::new(80), now());
                if let Some(rule) = decision.verdict().rule() {
                    let hidden = found(&[Kind::NeverDecides, Kind::Duplicate], rule.id());
                    prop_assert!(!hidden, "{} decides {:?}", rule.id(), target);
                }
                // A constrained deny that an opaque connection gets past is always found.
                let opaque = Target::new(target.host, target.port, None);
                let passes = !rejected(&policy, &opaque).0;
                for rule in naive::naming(&policy, &opaque, now()) {
                    let unaware = rule.needs_request() && !rule.terminated_only();
                    if passes && unaware && rule.effect() == Effect::Deny {
                        prop_assert!(found(&[Kind::OpaqueDeny], rule.id()), "{} {:?}", rule.id(), opaque);
                        hits.set((hits.get().0, hits.get().1 + 1));
                    }
                }
            }
            let hidden = findings
                .iter()
                .filter(|finding| finding.kind == Kind::NeverDecides)
                .count();
            hits.set((hits.get().0 + u32::try_from(hidden).unwrap_or(u32::MAX), hits.get().1));
            Ok(())
        },
    );
    // Both claims were put to the test.
    let (hidden, passed) = hits.get();
    assert!(hidden >= CASES / 10 && passed >= CASES / 20, "{hidden} {passed}");
}
