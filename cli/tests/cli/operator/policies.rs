//! Whole policies.

use serde_json::json;

use super::collector::{Answer, Collector};
use super::samples::stocked;
use crate::run::Scratch;
use crate::schema;

#[test]
fn a_file_goes_to_many_in_one_call() {
    let collector = stocked();
    let scratch = Scratch::new();
    let file = scratch.file(
        "policy.json",
        r#"{"mode": "enforce", "rules": [{"id": "b", "effect": "allow", "host": "bücher.example"}]}"#,
    );
    let ran = collector
        .sluice(&[
            "policy",
            "apply",
            &file,
            "--resource",
            "sandbox/*",
            "--note",
            "why",
            "--format",
            "json",
        ])
        .ended(0);
    schema::valid("targets", &ran.json());
    assert_eq!(
        collector.body("POST /egress/policies/-/apply"),
        json!({"policy": {"mode": "enforce", "rules": [{"id": "b", "effect": "allow", "host": "xn--bcher-kva.example"}]},
               "targets": [{"resource_type": "sandbox", "resource_id": "sb_1"}, {"resource_type": "sandbox", "resource_id": "ci-1"}],
               "note": "why"})
    );
    let failed =
        json!({"targets": [{"resource_type": "sandbox", "resource_id": "ci-1", "status": "failed", "error": "no"}]});
    collector.object("POST /egress/policies/-/apply", failed);
    let ran = collector.sluice(&["policy", "apply", &file, "--tenant"]).ended(1);
    assert!(
        ran.stdout.contains("failed") && ran.stdout.contains("no"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_bad_file_asks_nobody() {
    let collector = Collector::new();
    let scratch = Scratch::new();
    let file = scratch.file(
        "bad.json",
        r#"{"rules": [{"id": "a", "effect": "allow", "host": "https://a.example"}]}"#,
    );
    for arguments in [
        &["policy", "apply", &file, "--tenant"][..],
        &["policy", "diff", &file, "--tenant"],
        &["simulate", &file, "--tenant"],
    ] {
        collector
            .sluice(arguments)
            .ended(2)
            .complains_of(&["bad.json", "rule a", "without scheme"]);
    }
    assert_eq!(collector.lines(), Vec::<String>::new());
}

#[test]
fn a_copy_goes_to_the_others_only() {
    let collector = stocked();
    collector
        .sluice(&[
            "policy",
            "clone",
            "sandbox/sb_1",
            "--resource",
            "sandbox/*",
            "--without-mode",
        ])
        .ended(0);
    assert_eq!(
        collector.body("POST /egress/policies/pol_1/clone"),
        json!({"targets": [{"resource_type": "sandbox", "resource_id": "ci-1"}], "with_mode": false})
    );
    let ran = collector
        .sluice(&["policy", "clone", "sandbox/sb_1", "--resource", "sandbox/sb_1"])
        .ended(0);
    ran.complains_of(&["the only one"]);
}

#[test]
fn history_goes_back_and_forth() {
    let collector = stocked();
    let table = collector
        .sluice(&["policy", "history", "--resource", "sandbox/sb_1"])
        .ended(0)
        .stdout;
    let place = |text: &str| table.find(text).unwrap_or_else(|| panic!("{text}: {table}"));
    assert!(place("lockdown") < place("create"), "{table}");
    collector
        .sluice(&["policy", "rollback", "--resource", "sandbox/sb_1"])
        .ended(0);
    assert_eq!(collector.body("POST /egress/policies/pol_1/rollback"), json!({}));
    let arguments = [
        "policy",
        "rollback",
        "--to",
        "6",
        "--with-mode",
        "--note",
        "undo",
        "--resource",
        "sandbox/sb_1",
    ];
    collector.sluice(&arguments).ended(0);
    assert_eq!(
        collector.body("POST /egress/policies/pol_1/rollback"),
        json!({"revision": 6, "with_mode": true, "note": "undo"})
    );
    collector
        .sluice(&["policy", "rollback", "--to", "6", "--resource", "sandbox/*"])
        .ended(2)
        .complains_of(&["--to", "one resource"]);
}

#[test]
fn revisions_and_files_are_compared() {
    let collector = stocked();
    let ran = collector
        .sluice(&["policy", "diff", "--resource", "sandbox/sb_1"])
        .ended(0);
    assert!(
        ran.stdout.contains("mode: \"audit_only\" -> \"enforce\""),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("+ {") && ran.stdout.contains("api.example.com"),
        "{}",
        ran.stdout
    );
    let asked = collector.lines();
    assert!(
        asked.contains(&"GET /egress/policies/pol_1/revisions/6".to_owned()),
        "{asked:?}"
    );

    let scratch = Scratch::new();
    let same = r#"{"mode": "enforce", "default_effect": "deny",
                   "rules": [{"id": "api", "effect": "allow", "host": "api.example.com", "ports": [443]}]}"#;
    let same = scratch.file("same.json", same);
    let ran = collector
        .sluice(&["policy", "diff", &same, "--resource", "sandbox/sb_1"])
        .ended(0);
    assert_eq!(ran.stdout, "nothing differs\n");

    collector.answers(
        "GET /egress/policies/pol_1/revisions",
        vec![Answer::of(
            200,
            &json!({"data": [super::samples::revision(7, "create")], "next_cursor": null}),
        )],
    );
    collector
        .sluice(&["policy", "diff", "--resource", "sandbox/sb_1"])
        .ended(2)
        .complains_of(&["sandbox/sb_1 has only one revision"]);
}

/// What is exported can be linted, applied and replayed.
#[test]
fn an_export_is_a_policy_file() {
    let collector = stocked();
    let scratch = Scratch::new();
    for arguments in [&[][..], &["--revision", "7"]] {
        let export = ["policy", "export", "--resource", "sandbox/sb_1"];
        let ran = collector.sluice(&[&export, arguments].concat()).ended(0);
        schema::check("policy", &ran.json());
        let file = scratch.file("policy.json", &ran.stdout);
        collector.sluice(&["lint", &file]).ended(0);
    }
    let shown = collector
        .sluice(&["policy", "show", "--resource", "sandbox/sb_1"])
        .ended(0)
        .stdout;
    for part in [
        "sandbox/sb_1 (pol_1): enforce, default deny, revision 7",
        "rul_1",
        "GET /v1/**",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    collector.list("GET /egress/policies", &[]);
    collector
        .sluice(&["policy", "show", "--resource", "sandbox/sb_1"])
        .ended(2)
        .complains_of(&["sandbox/sb_1 has no policy"]);
}
