//! One run of the command, and what it found.

use std::process::Command;

use serde_json::Value;
use sluice_tests::built;

/// A place on loopback where nobody listens.
pub(crate) const NOBODY: &str = "127.77.0.1:1";

/// What was found.
#[derive(Debug)]
pub(crate) struct Ran {
    checks: Vec<Value>,
}

/// The command, without what the environment of the tests would say to it.
///
/// It leaves this machine nowhere: targets and resolvers are always given.
pub(crate) fn doctor(arguments: &[&str]) -> Command {
    let sluice = built::sluice().unwrap_or_else(|problem| panic!("{problem}"));
    let mut command = Command::new(sluice);
    command
        .env_clear()
        .args(["doctor", "--inside", "--format", "json"])
        .args(arguments);
    for needed in ["--reach", "--resolver"] {
        if !arguments.contains(&needed) {
            command.args([needed, NOBODY]);
        }
    }
    command
}

/// Runs it.
#[track_caller]
pub(crate) fn ran(mut command: Command) -> Ran {
    let output = command.output().expect("it is built");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let document: Value = serde_json::from_str(&said)
        .unwrap_or_else(|error| panic!("{error}: {said}{}", String::from_utf8_lossy(&output.stderr)));
    let checks = document["data"]["checks"].as_array().expect("it lists checks").clone();
    let wrong = checks.iter().any(|check| check["status"] == "wrong");
    assert_eq!(output.status.code(), Some(i32::from(wrong)), "{document:#}");
    Ran { checks }
}

/// Runs it with these arguments.
#[track_caller]
pub(crate) fn found(arguments: &[&str]) -> Ran {
    ran(doctor(arguments))
}

impl Ran {
    /// What a check said, with its status first.
    pub(crate) fn said(&self, check: &str) -> Vec<(&str, &str)> {
        let found = self.checks.iter().filter(|found| found["check"] == check);
        found
            .map(|found| (word(&found["status"]), word(&found["message"])))
            .collect()
    }

    /// The only thing a check said has this status, and these words.
    #[track_caller]
    pub(crate) fn says(&self, check: &str, status: &str, words: &str) {
        let said = self.said(check);
        assert!(
            matches!(said.as_slice(), [(found, message)] if *found == status && message.contains(words)),
            "{status} {words:?}: {:#?}",
            self.checks
        );
    }

    /// One of the things a check said has this status, and these words.
    #[track_caller]
    pub(crate) fn says_among_others(&self, check: &str, status: &str, words: &str) {
        let said = self.said(check);
        assert!(
            said.iter()
                .any(|(found, message)| *found == status && message.contains(words)),
            "{status} {words:?}: {:#?}",
            self.checks
        );
    }
}

fn word(value: &Value) -> &str {
    value.as_str().expect("it is text")
}
