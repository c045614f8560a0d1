//! `make run` with the collector that it starts itself: one command for the whole loop.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;
use sluice_tests::playbook::Api;
use sluice_tests::raw::h1;
use sluice_tests::serve;
use sluice_tests::upstream::Upstream;
use sluice_tests::wait;

use crate::runner::{Runner, Running};

const SANDBOX: &str = "resource_type=sandbox&resource_id=sb_1";

/// A runner and the collector it started.
struct Both {
    runner: Runner,
    running: Running,
    proxy: SocketAddr,
    api: Api,
}

impl Both {
    fn start(runner: Runner, arguments: &[&str]) -> Self {
        let sluice = serve::binary();
        let mut command = runner.command(0);
        command.arg("--sluice").arg(sluice);
        command.args(["--api", "0", "--grpc", "0", "--resource", "sandbox/sb_1"]);
        command.args(arguments);
        let running = Running::start(command);
        let proxy = running.proxy();
        let exports = running.line_with("export SLUICE_URL=");
        let url = exports.split(['=', ' ']).nth(2).expect("the line sets the variable");
        let address = url.trim_start_matches("http://").parse().expect("an address");
        let token = fs::read_to_string(token_file(&runner)).expect("it was made");
        assert!(!exports.contains(token.trim()), "the terminal does not show the token");
        Self {
            api: Api::new(address, token.trim()),
            runner,
            running,
            proxy,
        }
    }

    /// Sends one request for a name, and says with which status it was answered.
    fn get(&self, authority: &str) -> Option<u16> {
        h1::Connection::open(self.proxy).send(&h1::get(authority)).status()
    }

    /// Ends it as Ctrl-C does; the folder stays.
    fn end(mut self) -> Runner {
        self.running.signal("-INT");
        self.running.line_with("The recording is");
        assert_eq!(self.running.child.wait().expect("it was started").code(), Some(0));
        self.runner
    }
}

fn token_file(runner: &Runner) -> PathBuf {
    runner.folder.path().join("run/admin-token")
}

#[test]
fn the_collector_gets_decisions_and_a_lockdown_blocks_the_next_request() {
    let upstream = Upstream::plain(200);
    let both = Both::start(Runner::new(), &[]);
    let mode = fs::metadata(token_file(&both.runner)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "for nobody else to read");
    let target = format!("unlisted.example.com:{}", upstream.port());
    assert_eq!(both.get(&target), Some(200), "nothing is blocked at first");
    let row = wait::until("the decision in the audit trail", || {
        let rows = both.api.get(&format!("/egress/audit?{SANDBOX}")).ok();
        rows["data"].get(0).cloned()
    });
    assert_eq!(
        (&row["host"], &row["would_reject"], &row["mode"]),
        (&json!("unlisted.example.com"), &json!(true), &json!("audit_only")),
        "{row}"
    );

    let policies = both.api.get(&format!("/egress/policies?{SANDBOX}")).ok();
    let policy = policies["data"][0]["id"]
        .as_str()
        .expect("made on first sight")
        .to_owned();
    let locked = both
        .api
        .post(&format!("/egress/policies/{policy}/lockdown"), &json!({}));
    let revision = locked.data("revision").as_i64();
    wait::until("the lockdown in force", || {
        let rows = both.api.get(&format!("/egress/proxies?{SANDBOX}&state=live")).ok();
        (rows["data"][0]["live"]["revision"].as_i64() >= revision).then_some(())
    });
    let curl = Command::new("curl")
        .args([
            "--disable",
            "--silent",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
        ])
        .args(["--noproxy", "", "--proxy", &format!("http://{}", both.proxy)])
        .arg(format!("http://{target}/"))
        .output()
        .expect("curl is installed");
    assert_eq!(String::from_utf8_lossy(&curl.stdout), "403");

    // Started again it knows what it knew, and is locked from its first request.
    let runner = both.end();
    let again = Both::start(runner, &[]);
    assert_eq!(again.get(&target), Some(403));
    let rejected = format!("/egress/audit?{SANDBOX}&action=reject");
    wait::until("both rejections in the audit trail", || {
        let rows = again.api.get(&rejected).ok();
        (rows["data"].as_array()?.len() == 2).then_some(())
    });
    let made = again.api.get("/tokens").ok();
    let filters = made["data"].as_array().unwrap().iter();
    assert_eq!(
        filters.filter(|token| token["role"] == "filter").count(),
        1,
        "made once"
    );
    again.end();
    assert_eq!(upstream.accepted(), 1);
}

#[test]
fn a_policy_file_rules_until_the_collector_has_a_policy() {
    let upstream = Upstream::plain(200);
    let runner = Runner::new();
    let file = runner.folder.path().join("policy.json");
    let save = |policy: &str| fs::write(&file, policy).expect("it is writable");
    save(r#"{"mode": "enforce", "rules": []}"#);
    let path = file.display().to_string();
    let both = Both::start(runner, &["--policy", &path]);
    let target = format!("unlisted.example.com:{}", upstream.port());
    wait::until("the collector to have been asked for a policy", || {
        let rows = both.api.get(&format!("/egress/proxies?{SANDBOX}&state=live")).ok();
        rows["data"].get(0).map(drop)
    });
    assert_eq!(both.get(&target), Some(403), "the file rules");
    save(r#"{"mode": "audit_only", "rules": []}"#);
    wait::until("the changed file in force", || {
        (both.get(&target) == Some(200)).then_some(())
    });

    let rule = json!({"host": "other.example.com", "resource_type": "sandbox", "resource_id": "sb_1"});
    let rule = both.api.post("/egress/allowlist", &rule);
    let policy = rule.data("policy_id").as_str().expect("it is in a policy").to_owned();
    assert_eq!(
        both.api
            .post(&format!("/egress/policies/{policy}/lockdown"), &json!({}))
            .status,
        200
    );
    wait::until("the collector's policy to rule", || {
        (both.get(&target) == Some(403)).then_some(())
    });
    both.end();
}

#[test]
fn what_keeps_the_collector_from_starting_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = taken
        .local_addr()
        .expect("a bound socket has an address")
        .port()
        .to_string();
    let runner = Runner::new();
    let sluice = serve::binary();
    let sluice = sluice.display().to_string();
    for (arguments, said) in [
        (["--sluice", &sluice, "--api", &port], "make run API="),
        (["--sluice", &sluice, "--grpc", &port], "make run GRPC="),
        (
            ["--sluice", "/nowhere/sluice", "--api", "0"],
            "cannot start /nowhere/sluice",
        ),
    ] {
        let mut command = runner.command(0);
        // A later argument beats an earlier one.
        let output = command.args(["--api", "0", "--grpc", "0"]).args(arguments).output();
        let output = output.expect("python3 is installed");
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(said), "{message}");
    }
    let token = token_file(&runner);
    fs::write(&token, "short").expect("it is writable");
    let mut command = runner.command(0);
    let output = command
        .args(["--sluice", &sluice, "--api", "0", "--grpc", "0"])
        .output();
    let message = String::from_utf8_lossy(&output.expect("python3 is installed").stderr).into_owned();
    assert!(message.contains("admin-token holds no token"), "{message}");
}
