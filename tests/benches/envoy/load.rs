//! Load generators on the other processor: wrk as fast as it goes over HTTP/1.1, h2load over HTTP/2 and at a fixed rate.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

/// The processor of everything but Envoy.
pub(crate) const ITS_CPU: &str = "1";
/// Connections of a load generator.
const CONNECTIONS: u32 = 16;
/// At which latency is measured: far below what any subject can do.
pub(crate) const RATE: u32 = 1_600;

/// What came of asking for a while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
}

/// Asks for each host in turn over HTTP/1.1.
pub(crate) fn http1(address: SocketAddr, hosts: &[String], seconds: u32, folder: &Path) -> Asked {
    let script = folder.join("asked.lua");
    let list: Vec<String> = hosts.iter().map(|host| format!("{host:?}")).collect();
    let text = format!(
        "local hosts, asked, at = {{{}}}, {{}}, 0\n\
         init = function()\n\
           for i, host in ipairs(hosts) do asked[i] = wrk.format(\"GET\", \"/v1/items/7\", {{Host = host}}) end\n\
         end\n\
         request = function() at = at % #asked + 1; return asked[at] end\n",
        list.join(",")
    );
    fs::write(&script, text).expect("the folder is writable");
    let output = pinned("wrk")
        .args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{seconds}s"), "-s"])
        .arg(&script)
        .arg(format!("http://{address}/"))
        .output();
    let text = text_of("wrk", output);
    assert!(!text.contains("Non-2xx"), "not everything passed: {text}");
    let number = |before: &str, after: &str| {
        let rest = text
            .split(before)
            .nth(1)
            .unwrap_or_else(|| panic!("no {before:?} in {text}"));
        rest.split(after).next().unwrap_or_default().trim().to_owned()
    };
    Asked {
        per_second: number("Requests/sec:", "\n").parse().expect("wrk writes a number"),
        requests: text
            .lines()
            .find_map(|line| line.trim().split(" requests in").next()?.parse().ok())
            .unwrap_or_else(|| panic!("no count in {text}")),
    }
}

/// Asks for one host over HTTP/2.
pub(crate) fn http2(address: SocketAddr, host: &str, seconds: u32) -> Asked {
    let output = h2load(address, host)
        .args(["-c", "4", "-m", "16", "-D", &seconds.to_string()])
        .output();
    let text = text_of("h2load", output);
    let line = |with: &str| {
        text.lines()
            .find(|line| line.contains(with))
            .unwrap_or_else(|| panic!("no {with:?} in {text}"))
    };
    let finished = line("req/s");
    let per_second = finished
        .split(", ")
        .find_map(|part| part.strip_suffix(" req/s")?.parse().ok());
    let passed = line("status codes:")
        .split_whitespace()
        .nth(2)
        .and_then(|number| number.parse().ok());
    assert!(
        line("status codes:").contains(" 0 4xx"),
        "not everything passed: {text}"
    );
    Asked {
        per_second: per_second.unwrap_or_else(|| panic!("no rate in {finished}")),
        requests: passed.unwrap_or_else(|| panic!("no count in {text}")),
    }
}

/// Asks for one host at [`RATE`]; how long each answer took.
pub(crate) fn latencies(address: SocketAddr, host: &str, seconds: u32, folder: &Path) -> Vec<Duration> {
    let log = folder.join("latencies");
    // It appends.
    let _ = fs::remove_file(&log);
    let clients = 8;
    let output = h2load(address, host)
        .args(["--h1", "-c", &clients.to_string(), "-D", &seconds.to_string()])
        .args(["--rps", &(RATE / clients).to_string()])
        .arg(format!("--log-file={}", log.display()))
        .output();
    text_of("h2load", output);
    let text = fs::read_to_string(&log).expect("h2load writes its log");
    let took = |line: &str| {
        let mut parts = line.split('\t').skip(1);
        let (status, micros) = (parts.next()?, parts.next()?);
        assert_eq!(status, "200", "{line}");
        Some(Duration::from_micros(micros.parse().ok()?))
    };
    text.lines().filter_map(took).collect()
}

fn h2load(address: SocketAddr, host: &str) -> Command {
    let mut command = pinned("h2load");
    let mut uri = String::from("http://");
    let _ = write!(uri, "{host}/v1/items/7");
    command.args(["-t1", &format!("--connect-to={address}"), &uri]);
    command
}

fn pinned(program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", ITS_CPU, program]);
    command
}

fn text_of(program: &str, output: std::io::Result<Output>) -> String {
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} ({}): {text}{said}", output.status);
    text
}
