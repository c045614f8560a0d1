//! `make run`: starts, shows decisions as they happen, ends cleanly, and says what is wrong.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use sluice_tests::collector::Collector;
use sluice_tests::dns::Dns;
use sluice_tests::raw::h1;
use sluice_tests::upstream::Upstream;
use sluice_tests::wait;
use tempfile::TempDir;

pub(crate) struct Runner {
    pub(crate) folder: TempDir,
    config: PathBuf,
    wasm: PathBuf,
    dns: Dns,
}

impl Runner {
    pub(crate) fn new() -> Self {
        let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
        let wasm = folder.path().join("filter.wasm");
        fs::write(&wasm, sluice_harness::FILTER_WASM).expect("it is writable");
        let dns = Dns::start([("unlisted.example.com", vec![Ipv4Addr::LOCALHOST])]);
        let config = folder.path().join("config");
        Self::copy_config(&config, &dns);
        Self {
            folder,
            config,
            wasm,
            dns,
        }
    }

    /// The shipped files, with the tests' resolver.
    fn copy_config(to: &Path, dns: &Dns) {
        const OPTIONS: &str = "dns_resolver_options: {no_default_search_domain: true}";
        fs::create_dir(to).expect("it is writable");
        let shipped = shipped();
        for name in ["filter.yaml", "filter-address.yaml"] {
            fs::copy(shipped.join(name), to.join(name)).expect("it is shipped");
        }
        let bootstrap = fs::read_to_string(shipped.join("envoy.yaml")).expect("it is shipped");
        assert_eq!(bootstrap.matches(OPTIONS).count(), 1, "where to put the resolver");
        let port = dns.address().port();
        let resolver = format!("resolvers: [{{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}]");
        let indented = format!("{OPTIONS}\n        {resolver}");
        fs::write(to.join("envoy.yaml"), bootstrap.replace(OPTIONS, &indented)).expect("it is writable");
    }

    pub(crate) fn command(&self, port: u16) -> Command {
        let mut command = Command::new("python3");
        command.arg(shipped().join("run.py")).arg("--wasm").arg(&self.wasm);
        command
            .args(["--port", &port.to_string()])
            .arg("--config")
            .arg(&self.config);
        command.arg("--folder").arg(self.folder.path().join("run"));
        command.args(["--resolves-to", "127.0.0.0/8"]); // where the names of tests lead
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/forward-proxy")
}

/// A runner at work. Ends with the test, and Envoy with it.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Receiver<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("python3 is installed");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            // The test may have seen enough before the output ends.
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// Where its proxy listens, from the lines for a shell.
    pub(crate) fn proxy(&self) -> SocketAddr {
        let exports = self.line_with("export http_proxy=");
        let proxy = exports.split(['=', ' ']).nth(2).expect("the line sets the variable");
        proxy.trim_start_matches("http://").parse().expect("an address")
    }

    /// The next line of its output that contains `what`.
    pub(crate) fn line_with(&self, what: &str) -> String {
        loop {
            match self.lines.recv_timeout(Duration::from_secs(30)) {
                Ok(line) if line.contains(what) => return line,
                Ok(_) => {}
                Err(error) => panic!("no line with {what:?}: {error}"),
            }
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill is part of every system").success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("-TERM");
        }
        // It ends Envoy before itself.
        let _ = self.child.wait();
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn shows_decisions_and_ends_cleanly() {
    for name in ["-INT", "-TERM"] {
        let upstream = Upstream::plain(200);
        let runner = Runner::new();
        let mut running = Running::start(runner.command(0));

        let exports = running.line_with("export http_proxy=");
        let proxy = exports.split(['=', ' ']).nth(2).expect("the line sets the variable");
        let address = proxy.strip_prefix("http://").and_then(|address| address.parse().ok());
        let address: SocketAddr = address.unwrap_or_else(|| panic!("not an address: {proxy}"));
        running.line_with("export HTTP_PROXY=");

        let target = format!("unlisted.example.com:{}", upstream.port());
        let shows = |method: &str| {
            let shown = running.line_with(method);
            for part in ["allow", "would reject", &target, "default_deny", "200"] {
                assert!(shown.contains(part), "no {part:?} in {shown:?}");
            }
        };
        let curl = Command::new("curl")
            .args(["--disable", "--silent", "--show-error", "--proxy", proxy])
            .env_remove("no_proxy")
            .env_remove("NO_PROXY")
            .arg(format!("http://{target}/"))
            .output()
            .expect("curl is installed");
        assert!(curl.status.success(), "{}", stderr(&curl));
        shows("GET");

        let mut tunnel = h1::Connection::open(address);
        let host: (&[u8], &[u8]) = (b"host", target.as_bytes());
        let opened = tunnel.send(&h1::request(b"CONNECT", target.as_bytes(), &[host]));
        assert_eq!(opened.status(), Some(200));
        shows("CONNECT"); // while it is open, which may be for hours
        drop(tunnel);

        running.signal(name);
        running.line_with("The recording is");
        let status = running.child.wait().expect("it was started");
        assert_eq!(status.code(), Some(0), "after {name}");
        let socket = runner.folder.path().join("run/admin.sock");
        assert!(UnixStream::connect(socket).is_err(), "Envoy is gone");
        let recording = fs::read_to_string(runner.folder.path().join("run/access.log"));
        assert_eq!(
            recording.expect("the recording stays").lines().count(),
            2,
            "one line a request"
        );
        assert_eq!(upstream.accepted(), 2);
        assert_ne!(runner.dns.queries("unlisted.example.com"), 0, "by the tests' resolver");
    }
}

#[test]
fn events_arrive_before_it_ends() {
    let upstream = Upstream::plain(200);
    let collector = Collector::start();
    let runner = Runner::new();
    let mut command = runner.command(0);
    let address = format!("127.0.0.1:{}", collector.port());
    command.args(["--collector", &address, "--resource", "job/j_7"]);
    let mut running = Running::start(command);
    let proxy = running.proxy();

    let target = format!("unlisted.example.com:{}", upstream.port());
    let get = |authority: &str| h1::Connection::open(proxy).send(&h1::get(authority)).status();
    assert_eq!(get(&target), Some(200));
    assert_eq!(get(&address), Some(403), "the collector is no destination");
    running.signal("-INT");
    running.line_with("The recording is");
    assert_eq!(running.child.wait().expect("it was started").code(), Some(0));

    let events = collector.events();
    let audits: Vec<_> = events.iter().filter(|event| event.name() == "audit").collect();
    assert_eq!(audits.len(), 2, "{events:?}");
    let of_target = audits
        .iter()
        .find(|event| event.text("server.address") == Some("unlisted.example.com"));
    let of_target = of_target.expect("it was recorded");
    assert_eq!(of_target.flag("sluice.would_reject"), Some(true));
    assert_eq!(of_target.resource.text("sluice.resource.type"), Some("job"));
    assert_eq!(of_target.resource.text("sluice.resource.id"), Some("j_7"));
    // No word of a heartbeat: the first was before any decision, and what a VM says as it ends Envoy 1.40 sends
    // only if it gets to it before the process is gone.
}

#[test]
fn a_collector_that_is_away_is_told_of_at_the_end() {
    let runner = Runner::new();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = nobody.local_addr().expect("a bound socket has an address");
    drop(nobody);
    let errors = runner.folder.path().join("errors");
    let mut command = runner.command(0);
    command.args(["--collector", &address.to_string()]);
    command.stderr(fs::File::create(&errors).expect("it is writable"));
    let mut running = Running::start(command);
    running.line_with("export HTTP_PROXY=");
    running.signal("-TERM");
    running.line_with("The recording is");
    assert_eq!(running.child.wait().expect("it was started").code(), Some(0));
    let errors = fs::read_to_string(&errors).expect("it was made");
    assert!(errors.contains(&format!("did not reach {address}")), "{errors}");

    for (argument, value) in [
        ("--collector", "4317"),
        ("--collector", "x:0"),
        ("--resource", "sandbox"),
    ] {
        let output = runner.command(0).args([argument, value]).output();
        let output = output.expect("python3 is installed");
        assert_eq!(output.status.code(), Some(2), "{value}");
        assert!(stderr(&output).contains("such as"), "{}", stderr(&output));
    }
}

#[test]
fn ends_when_nobody_looks_any_more() {
    let upstream = Upstream::plain(200);
    let runner = Runner::new();
    let mut running = Running::start(runner.command(0));
    let exports = running.line_with("export http_proxy=");
    let proxy = exports
        .split(['=', ' '])
        .nth(2)
        .expect("the line sets the variable")
        .to_owned();
    // As in `make run | head`: the reading end of its output closes.
    running.lines = mpsc::channel().1;
    let socket = runner.folder.path().join("run/admin.sock");
    wait::until("the runner and Envoy to end", || {
        // Each request is a line that cannot be written.
        let _ = Command::new("curl")
            .args(["--disable", "--silent", "--noproxy", "", "--proxy", &proxy])
            .arg(format!("http://unlisted.example.com:{}/", upstream.port()))
            .output();
        let ended = running.child.try_wait().is_ok_and(|status| status.is_some());
        (ended && UnixStream::connect(&socket).is_err()).then_some(())
    });
}

#[test]
fn a_policy_file_rules_as_it_is_saved() {
    let runner = Runner::new();
    let policy = runner.folder.path().join("policy.json");
    let save = |text: &str| fs::write(&policy, text).expect("it is writable");
    save(r#"{"mode": "enforce", "rules": [{"id": "a", "effect": "deny", "host": "a.example.com", "note": "no 😀"}]}"#);
    let errors = runner.folder.path().join("errors");
    let mut command = runner.command(0);
    command.arg("--policy").arg(&policy);
    command.stderr(fs::File::create(&errors).expect("it is writable"));
    let running = Running::start(command);
    let address = running.proxy();
    // The name does not exist, so what passes the filter ends in 503.
    let status = || {
        let url = b"http://nowhere.example.com/";
        let host: (&[u8], &[u8]) = (b"host", b"nowhere.example.com");
        h1::Connection::open(address)
            .send(&h1::request(b"GET", url, &[host]))
            .status()
    };
    let said = |what: &str| {
        wait::until(what, || fs::read_to_string(&errors).ok()?.contains(what).then_some(()));
    };
    assert_eq!(status(), Some(403));
    save(r#"{"mode": "observe"}"#);
    said(r#"mode: "observe": expected "audit_only" or "enforce""#);
    assert_eq!(status(), Some(403), "the last good policy stays");
    save("{");
    said("policy unchanged: ");
    save(r#"{"mode": "audit_only"}"#);
    said("policy in force: ");
    assert_eq!(status(), Some(503));
}

#[test]
fn a_policy_that_cannot_be_used_is_named() {
    let runner = Runner::new();
    let policy = runner.folder.path().join("policy.json");
    for (text, reason) in [
        ("{", "line 1"),
        (r#"{"rules": 1}"#, "rules: 1: expected a list of rules"),
    ] {
        fs::write(&policy, text).expect("it is writable");
        let output = runner.command(0).arg("--policy").arg(&policy).output();
        let output = output.expect("python3 is installed");
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(stderr(&output).contains(reason), "{text}: {}", stderr(&output));
    }
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = taken.local_addr().expect("a bound socket has an address").port();
    let runner = Runner::new();
    let output = runner.command(port).output().expect("python3 is installed");
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(message.contains(&format!("127.0.0.1:{port}")), "{message}");
    assert!(message.contains("make run PORT="), "{message}");
}

#[test]
fn a_missing_filter_is_named() {
    let mut runner = Runner::new();
    runner.wasm = runner.folder.path().join("nothing.wasm");
    let output = runner.command(0).output().expect("python3 is installed");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("nothing.wasm"), "{}", stderr(&output));
}

#[test]
fn an_envoy_that_dies_is_reported_with_its_last_words() {
    let runner = Runner::new();
    let output = runner
        .command(0)
        .env("ENVOY", "/bin/false")
        .output()
        .expect("python3 is installed");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("Envoy ended with status 1"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_filter_that_does_not_load_is_reported() {
    let runner = Runner::new();
    fs::write(&runner.wasm, b"not a module").expect("it is writable");
    let output = runner.command(0).output().expect("python3 is installed");
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("the filter did not start"),
        "{}",
        stderr(&output)
    );
}
