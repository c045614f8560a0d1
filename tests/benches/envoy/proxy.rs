//! One Envoy with a listener for each subject, on a processor of its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::subject::{Protocol, Subject};

/// The processor of Envoy's worker.
pub(crate) const ITS_CPU: &str = "0";
/// A list of 100,000 takes a while.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where Envoy reaches others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    pub(crate) sink: SocketAddr,
    pub(crate) policies: SocketAddr,
    pub(crate) upstream: SocketAddr,
}

/// A running Envoy; it ends with this.
pub(crate) struct Proxy {
    child: Child,
    folder: TempDir,
    listeners: BTreeMap<String, SocketAddr>,
}

impl Proxy {
    pub(crate) fn start(envoy: &Path, folder: TempDir, subjects: &[Subject], around: Around) -> Self {
        let bootstrap = bootstrap(subjects, around);
        fs::write(folder.path().join("envoy.yaml"), bootstrap.to_string()).expect("the folder is writable");
        let log = File::create(folder.path().join("envoy.log")).expect("the folder is writable");
        let child = Command::new("taskset")
            .args(["-c", ITS_CPU])
            .arg(envoy)
            .current_dir(&folder)
            .args([
                "-c",
                "envoy.yaml",
                "--concurrency",
                "1",
                "--use-dynamic-base-id",
                "--log-level",
                "warn",
            ])
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("taskset is here (util-linux), and Envoy");
        let mut proxy = Self {
            child,
            folder,
            listeners: BTreeMap::new(),
        };
        let started = Instant::now();
        while !proxy.admin("/ready").is_some_and(|state| state.starts_with("LIVE")) {
            let ended = proxy.child.try_wait().expect("a child can be waited for");
            assert!(
                ended.is_none() && started.elapsed() < PATIENCE,
                "Envoy: {}",
                proxy.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        proxy.listeners = proxy.addresses();
        proxy
    }

    pub(crate) fn address(&self, subject: &Subject) -> SocketAddr {
        self.listeners[&subject.name]
    }

    /// What its threads spent so far.
    pub(crate) fn cpu_time(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let spent = tasks.flatten().filter_map(|task| {
            let times = fs::read_to_string(task.path().join("schedstat")).ok()?;
            times.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(spent.sum())
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("envoy.log")).unwrap_or_default()
    }

    /// Its version, in its own words.
    pub(crate) fn version(&self) -> String {
        let info = self.admin("/server_info").unwrap_or_default();
        let info: Value = serde_json::from_str(&info).unwrap_or_default();
        info["version"].as_str().unwrap_or_default().to_owned()
    }

    fn addresses(&self) -> BTreeMap<String, SocketAddr> {
        let listeners = self.admin("/listeners?format=json").expect("it is ready");
        let listeners: Value = serde_json::from_str(&listeners).expect("admin writes JSON");
        let statuses = listeners["listener_statuses"].as_array().into_iter().flatten();
        let address = |status: &Value| {
            let socket = &status["local_address"]["socket_address"];
            let port = u16::try_from(socket["port_value"].as_u64()?).ok()?;
            Some((status["name"].as_str()?.to_owned(), ([127, 0, 0, 1], port).into()))
        };
        statuses.filter_map(address).collect()
    }

    fn admin(&self, path: &str) -> Option<String> {
        let output = Command::new("curl")
            .current_dir(&self.folder)
            .args([
                "--disable",
                "--silent",
                "--fail",
                "--max-time",
                "10",
                "--unix-socket",
                "admin.sock",
            ])
            .arg(format!("http://admin{path}"))
            .output()
            .expect("curl is here");
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bootstrap(subjects: &[Subject], around: Around) -> Value {
    json!({
        "admin": {"address": {"pipe": {"path": "admin.sock"}}},
        "static_resources": {
            "listeners": subjects.iter().map(listener).collect::<Vec<_>>(),
            "clusters": [
                cluster("sink", around.sink, true),
                cluster("policies", around.policies, true),
                cluster("upstream", around.upstream, false),
            ],
        },
    })
}

fn listener(subject: &Subject) -> Value {
    let (filters, inspectors) = match subject.protocol {
        Protocol::Http => (vec![http(subject)], json!([])),
        Protocol::Tls => {
            let proxy = json!({"name": "tcp", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": "tcp",
                "cluster": "upstream",
            }});
            let inspector = json!({"name": "tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
            }});
            (
                subject.filter.iter().cloned().chain([proxy]).collect(),
                json!([inspector]),
            )
        }
    };
    json!({
        "name": subject.name,
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "listener_filters": inspectors,
        "filter_chains": [{"filters": filters}],
    })
}

/// Envoy answers itself: what an upstream costs would hide what a filter does.
fn http(subject: &Subject) -> Value {
    let router = json!({"name": "router", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
    }});
    let filters: Vec<Value> = subject.filter.iter().cloned().chain([router]).collect();
    let access_log: Vec<&Value> = subject.access_log.iter().collect();
    json!({"name": "http", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "http",
        "http_filters": filters,
        "access_log": access_log,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": "ok\n"}}},
        ]}]},
    }})
}

fn cluster(name: &str, address: SocketAddr, grpc: bool) -> Value {
    let address = json!({"socket_address": {"address": address.ip(), "port_value": address.port()}});
    let mut cluster = json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]},
        "circuit_breakers": {"thresholds": [
            {"max_connections": 100_000, "max_pending_requests": 100_000, "max_requests": 100_000},
        ]},
    });
    if grpc {
        cluster["typed_extension_protocol_options"] = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}},
        }});
    }
    cluster
}
