//! Makes `tests/recordings/` anew: real clients, through the shipped forward
//! proxy, to upstreams on loopback. Run it from the workspace:
//! `cargo run -p sluice-tests --bin record`.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sluice_tests::envoy::Setup;
use sluice_tests::world::World;

/// What each client asks for: scheme, host, path. Half of it is not listed.
const REQUESTS: [(&str, &str, &str); 6] = [
    ("http", "api.github.com", "/repos/a/b?page=2"),
    ("http", "api.github.com", "/user"),
    ("http", "unlisted.example.com", "/"),
    ("https", "api.openai.com", "/v1/models"),
    ("https", "new.example.com", "/"),
    ("https", "unlisted.example.com", "/secret"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings");
    let policy: Value = serde_json::from_slice(&fs::read(folder.join("policy.json"))?)?;
    for (mode, name) in [("audit_only", "observe.jsonl"), ("enforce", "lockdown.jsonl")] {
        let mut policy = policy.clone();
        policy["mode"] = json!(mode);
        let text = record(&policy)?;
        fs::write(folder.join(name), &text)?;
        eprintln!("{name}: {} requests", text.lines().count());
    }
    Ok(())
}

fn record(policy: &Value) -> Result<String, Box<dyn Error>> {
    let world = World::start();
    let configuration = json!({"policy": policy});
    let envoy = Setup::shipped("forward-proxy", &world.dns)
        .configuration(&configuration)
        .start();
    let proxy = envoy.listener("forward_proxy");
    let mut made = 0;
    for (scheme, host, path) in REQUESTS {
        let port = if scheme == "http" {
            world.plain.port()
        } else {
            world.tls.port()
        };
        let url = format!("{scheme}://{host}:{port}{path}");
        for mut client in clients(proxy, &url, &world.ca()) {
            client.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            // How a client takes a refusal is its own business.
            let status = client.status().map_err(|error| format!("{client:?}: {error}"))?;
            eprintln!("{:?} {url}: {status}", client.get_program());
            made += 1;
        }
    }
    // A client that tries again only adds lines.
    Ok(envoy.recording(made))
}

/// The same request by every client that the machine is known to have.
fn clients(proxy: SocketAddr, url: &str, ca: &Path) -> Vec<Command> {
    let proxy = format!("http://{proxy}");
    let client = |program: &str| {
        let mut command = Command::new(program);
        command.envs(["http_proxy", "https_proxy", "HTTPS_PROXY"].map(|name| (name, &proxy)));
        command.env_remove("no_proxy").env_remove("NO_PROXY");
        command
    };
    let mut curl = client("curl");
    curl.args(["--disable", "--silent", "--max-time", "20", "--cacert"])
        .arg(ca)
        .arg(url);
    let mut python = client("python3");
    let script = "import ssl, sys, urllib.request as r\n\
                  r.urlopen(sys.argv[1], timeout=20, context=ssl.create_default_context(cafile=sys.argv[2]))";
    python.args(["-c", script, url]).arg(ca);
    let mut git = client("git");
    git.env("GIT_SSL_CAINFO", ca)
        .env("GIT_TERMINAL_PROMPT", "0")
        .args(["ls-remote", url]);
    let mut node = client("node");
    node.args(["-e", NODE, url, &proxy]).env("NODE_EXTRA_CA_CERTS", ca);
    vec![curl, python, git, node]
}

/// Node's own modules: absolute-form for http, a tunnel and TLS inside it for https.
const NODE: &str = r"
const [url, proxy] = process.argv.slice(1).map((text) => new URL(text));
const http = require('http'), https = require('https');
const via = { host: proxy.hostname, port: proxy.port, timeout: 20000 };
const end = () => process.exit(0);
if (url.protocol === 'http:') {
  http.get({ ...via, path: url.href, headers: { host: url.host } }, (r) => r.resume().on('end', end)).on('error', end);
} else {
  http.request({ ...via, method: 'CONNECT', path: url.host }).on('connect', (r, socket) => {
    if (r.statusCode !== 200) return end();
    https.get({ host: url.hostname, path: url.pathname, socket, agent: false }, (r) => r.resume().on('end', end)).on('error', end);
  }).on('error', end).end();
}
";
