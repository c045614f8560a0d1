//! `sluice serve`: starts, says the first token once, and ends when told to.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::run::{Ran, Scratch, command};

struct Served {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Served {
    /// Starts it, and waits until it says where it serves.
    fn start(database: &str, environment: &[(&str, &str)]) -> Self {
        let ports = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"];
        let mut serve = command([&["serve", "--database", database][..], &ports].concat());
        serve.envs(environment.iter().copied()).stderr(Stdio::piped());
        let mut child = serve.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut served = Self {
            child,
            stderr,
            said: String::new(),
        };
        while !served.said.contains("export SLUICE_URL") && !served.said.contains("serving") {
            let read = served.stderr.read_line(&mut served.said).unwrap();
            assert!(read > 0, "it ended: {}", served.said);
        }
        served
    }

    /// Ends it as a service manager does; what it said, all of it.
    fn end(mut self, signal: &str) -> String {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &id])
                .status()
                .unwrap()
                .success()
        );
        self.stderr.read_to_string(&mut self.said).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.said);
        self.said
    }
}

#[test]
fn the_first_token_is_said_once_and_works() {
    let scratch = Scratch::new();
    let database = format!("sqlite:{}", scratch.missing("sluice.db"));
    let mut served = Served::start(&database, &[]);
    while !served.said.contains("export SLUICE_URL") {
        assert!(
            served.stderr.read_line(&mut served.said).unwrap() > 0,
            "{}",
            served.said
        );
    }
    let line = served
        .said
        .lines()
        .find(|line| line.contains("export SLUICE_URL"))
        .unwrap()
        .to_owned();
    let value = |name: &str| {
        let (_, rest) = line.split_once(name).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let (url, token) = (value("SLUICE_URL="), value("SLUICE_TOKEN="));
    let asked: Ran = command(["token", "list"])
        .env("SLUICE_URL", url)
        .env("SLUICE_TOKEN", &token)
        .output()
        .unwrap()
        .into();
    assert!(asked.ended(0).stdout.contains("first admin"));
    assert!(served.end("TERM").contains(&token));

    let again = Served::start(&database, &[]).end("INT");
    assert!(!again.contains("SLUICE_TOKEN") && again.contains("ending"), "{again}");
}

/// The scripted collector of the other tests says what we think; this one says what it says.
#[test]
fn the_commands_understand_a_real_collector() {
    let scratch = Scratch::new();
    let database = format!("sqlite:{}", scratch.missing("sluice.db"));
    let environment = [("SLUICE_ADMIN_TOKEN", "sluice_given"), ("SLUICE_LOG_FORMAT", "json")];
    let mut served = Served::start(&database, &environment);
    while !served.said.contains("serving") {
        assert!(
            served.stderr.read_line(&mut served.said).unwrap() > 0,
            "{}",
            served.said
        );
    }
    let logged: Vec<serde_json::Value> = served
        .said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let serving = logged
        .iter()
        .find(|line| line["fields"]["message"] == "serving")
        .unwrap();
    let url = format!("http://{}", serving["fields"]["http"].as_str().unwrap());
    let run = |arguments: &[&str]| -> Ran {
        let mut sluice = command(arguments);
        sluice
            .env("SLUICE_URL", &url)
            .env("SLUICE_TOKEN", "sluice_given")
            .env("XDG_CONFIG_HOME", "/nonexistent");
        sluice.output().unwrap().into()
    };
    let one = ["--resource", "sandbox/sb_1", "--format", "json"];
    let file = scratch.file(
        "policy.json",
        r#"{"rules": [{"id": "a", "effect": "allow", "host": "a.example.com"}]}"#,
    );
    for (arguments, schema) in [
        (
            &[
                "resource",
                "register",
                "sandbox/sb_1",
                "--name",
                "one",
                "--format",
                "json",
            ][..],
            "resource",
        ),
        (
            &["resource", "register", "sandbox/sb_2", "--format", "json"],
            "resource",
        ),
        (&["resource", "list", "--format", "json"], "resources"),
        (
            &[&["allow", "api.example.com", "--port", "443"][..], &one].concat(),
            "added",
        ),
        (
            &[&["deny", "169.254.169.254", "--for", "2h"][..], &one].concat(),
            "added",
        ),
        (&[&["rules"][..], &one].concat(), "rules"),
        (&[&["policy", "apply", &file][..], &one].concat(), "targets"),
        (&[&["policy", "show"][..], &one].concat(), "policies"),
        (
            &[
                "policy",
                "clone",
                "sandbox/sb_1",
                "--resource",
                "sandbox/*",
                "--format",
                "json",
            ],
            "targets",
        ),
        (&[&["policy", "history"][..], &one].concat(), "history"),
        (&[&["policy", "diff"][..], &one].concat(), "policy-diff"),
        (&[&["policy", "rollback"][..], &one].concat(), "targets"),
        (&[&["policy", "export"][..], &one].concat(), "policy"),
        (&[&["simulate", "--lockdown"][..], &one].concat(), "simulate"),
        (&[&["simulate", &file][..], &one].concat(), "simulate"),
        (
            &[&["lockdown", "--wait", "--note", "why"][..], &one].concat(),
            "targets",
        ),
        (&[&["lockdown", "--from-suggestions"][..], &one].concat(), "targets"),
        (&["lockdown", "--tenant", "--wait", "--format", "json"], "targets"),
        (&[&["observe", "--for", "2h"][..], &one].concat(), "targets"),
        (
            &[
                "explain",
                "api.example.com",
                "--resource",
                "sandbox/sb_1",
                "--format",
                "json",
            ],
            "explain",
        ),
        (&["suggestions", "--format", "json"], "suggestions"),
        (&["coverage", "--format", "json"], "coverage"),
        (&["pending", "--all", "--format", "json"], "pending"),
        (&["pending", "--by-host", "--format", "json"], "pending"),
        (&["audit", "--since", "7d", "--format", "json"], "audit"),
        (&["proxies", "--format", "json"], "proxies"),
        (&["status", "--format", "json"], "status"),
        (
            &[
                "token",
                "create",
                "ci",
                "--role",
                "filter",
                "--scope",
                "sandbox/ci-*",
                "--format",
                "json",
            ],
            "token",
        ),
        (&["token", "list", "--format", "json"], "tokens"),
        (&["user", "list", "--format", "json"], "users"),
        (&["operator-log", "--format", "json"], "operator-log"),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        crate::schema::valid(schema, &ran.json());
    }
    for format in ["csv", "jsonl"] {
        run(&["audit", "--since", "7d", "--format", format]).ended(0);
    }
    // Nothing is wrong but that nobody is connected.
    let doctor = run(&["doctor", "--format", "json"]).ended(1).json();
    crate::schema::valid("doctor", &doctor);
    let checks = doctor["data"]["checks"].as_array().unwrap();
    let wrong: Vec<_> = checks
        .iter()
        .filter(|check| check["status"] == "wrong")
        .map(|check| &check["check"])
        .collect();
    assert_eq!(wrong, ["proxies"], "{doctor:#}");
    served.end("TERM");
}

#[test]
fn a_given_token_is_not_said() {
    let scratch = Scratch::new();
    let database = format!("sqlite:{}", scratch.missing("sluice.db"));
    let environment = [("SLUICE_ADMIN_TOKEN", "sluice_given"), ("SLUICE_LOG_FORMAT", "json")];
    let said = Served::start(&database, &environment).end("TERM");
    assert!(!said.contains("sluice_given"), "{said}");
    let lines = said.lines().map(serde_json::from_str::<serde_json::Value>);
    let messages: Vec<_> = lines.map(|line| line.unwrap()["fields"]["message"].clone()).collect();
    assert!(messages.contains(&"serving".into()), "{messages:?}");
}

#[test]
fn what_keeps_it_from_starting_is_said() {
    let scratch = Scratch::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let database = format!("sqlite:{}", scratch.missing("sluice.db"));
    let nowhere = format!("sqlite:{}", scratch.missing("no/such/folder/sluice.db"));
    for (arguments, parts) in [
        (
            &["--database", &database, "--http", &address][..],
            &["cannot listen", address.as_str()][..],
        ),
        (&["--database", &nowhere], &["sluice.db"]),
        (&["--log", "=,"], &["--log", "sluice_collector=debug"]),
        (&["--http", "8080"], &["--http", "8080"]),
        (&["--retention", "12h"], &["30d"]),
        (&["--infrastructure", "https://a.example.com"], &["without scheme"]),
        (&["--resolves-to", "10.0.0.1/8"], &["10.0.0.0/8"]),
        (&["--tls-cert", "cert.pem"], &["--tls-key"]),
    ] {
        let ran: Ran = command([&["serve"][..], arguments].concat()).output().unwrap().into();
        ran.ended(2).complains_of(parts);
    }
    let help: Ran = command(["serve", "--help"]).output().unwrap().into();
    for part in ["SLUICE_ADMIN_TOKEN", "sqlite:sluice.db", "127.0.0.1:4317", "EXAMPLES"] {
        assert!(help.stdout.contains(part), "{part}");
    }
}
