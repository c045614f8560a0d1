//! `user`.

use std::fs::File;
use std::process::Stdio;

use serde_json::json;

use super::collector::{Answer, Collector};
use super::samples::{stocked, user};
use crate::run::{Ran, Scratch};
use crate::schema;

/// Runs the binary with a password on stdin.
fn typing(collector: &Collector, password: &str, arguments: &[&str]) -> Ran {
    let scratch = Scratch::new();
    let file = File::open(scratch.file("password", password)).unwrap();
    let mut command = collector.command(arguments);
    command.stdin(Stdio::from(file)).output().unwrap().into()
}

#[test]
fn somebody_is_added_with_the_password_of_stdin() {
    let collector = Collector::new();
    collector.answers(
        "POST /users",
        vec![Answer::of(201, &json!({"data": user("usr_9", "anna")}))],
    );
    let create = ["user", "create", "Anna", "--role", "operator"];
    let ran = typing(&collector, "correct horse battery\n", &create).ended(0);
    assert_eq!(ran.stdout, "added anna (usr_9), operator of tenant\n");
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("horse"));
    assert_eq!(
        collector.body("POST /users"),
        json!({"name": "Anna", "password": "correct horse battery", "role": "operator", "scope": "tenant"})
    );
    let narrow = [&create[..], &["--scope", "sandbox/ci-*", "--format", "json"]].concat();
    let ran = typing(&collector, "correct horse battery", &narrow).ended(0);
    schema::check_rows("user", &ran.json(), "changed_at");
    assert_eq!(collector.body("POST /users")["scope"], "sandbox/ci-*");
}

#[test]
fn nothing_is_asked_of_the_collector_without_a_password() {
    let collector = Collector::new();
    for (typed, said) in [("", "no password"), ("\n", "no password")] {
        typing(&collector, typed, &["user", "create", "anna", "--role", "viewer"])
            .ended(2)
            .complains_of(&[said]);
    }
    assert!(collector.lines().is_empty());
    for (arguments, said) in [
        (&["user", "create", "anna", "--role", "filter"][..], "viewer"),
        (&["user", "create", "anna"], "--role"),
        (
            &["user", "create", "anna", "--role", "viewer", "--password", "x"],
            "--password",
        ),
    ] {
        typing(&collector, "x\n", arguments).ended(2).complains_of(&[said]);
    }
}

#[test]
fn people_are_found_by_name_or_id() {
    let collector = stocked();
    collector
        .object("PATCH /users/usr_1", user("usr_1", "anna"))
        .answers("DELETE /users/usr_1", vec![Answer::text(204, "")])
        .answers("DELETE /users/usr_2", vec![Answer::text(204, "")]);
    for name in ["anna", "ANNA", "usr_1"] {
        let set = ["user", "password", name];
        let ran = typing(&collector, "battery staple horse\n", &set).ended(0);
        assert!(
            ran.stdout.contains("anna") && !ran.stdout.contains("horse"),
            "{}",
            ran.stdout
        );
        assert_eq!(
            collector.body("PATCH /users/usr_1"),
            json!({"password": "battery staple horse"})
        );
    }
    let ran = collector
        .sluice(&["user", "remove", "anna", "usr_2", "--format", "json"])
        .ended(0);
    schema::check_complete("removed-users", &ran.json());
    assert_eq!(ran.json()["data"]["removed"], json!(["anna", "bob@example.com"]));
}

/// All are looked for before the first one is removed.
#[test]
fn somebody_unknown_changes_nothing() {
    let collector = stocked();
    for arguments in [&["user", "remove", "anna", "zoe"][..], &["user", "password", "zoe"]] {
        typing(&collector, "correct horse battery\n", arguments)
            .ended(2)
            .complains_of(&["zoe", "sluice user list"]);
    }
    assert!(collector.lines().iter().all(|line| line == "GET /users"));
}

#[test]
fn the_list_says_who_is_disabled() {
    let collector = stocked();
    let mut gone = user("usr_3", "carl");
    gone["disabled_at"] = json!("2026-03-09T08:00:00.000001Z");
    collector.list("GET /users", &[user("usr_1", "anna"), gone]);
    let table = collector.sluice(&["user", "list"]).ended(0).stdout;
    let line = |name: &str| table.lines().find(|line| line.contains(name)).unwrap();
    assert!(line("carl").contains("2026-03-09 08:00:00"), "{table}");
    assert!(!line("anna").contains("2026-03-09"), "{table}");
}
