//! What a decision costs in a real Envoy, side by side with the other ways to decide. `make bench-envoy`
//!
//! One Envoy with one worker on a processor of its own, a listener for each subject, load generators and everything
//! else on another processor. Rounds are interleaved, so that what the machine does meanwhile meets all subjects
//! alike; told are medians, and how far rounds were apart. `SLUICE_BENCH_ROUNDS` (7) and `SLUICE_BENCH_SECONDS` (2)
//! say how long. The tables go to `target/bench/envoy.md` and the chart to `target/bench/envoy.svg`.

mod chart;
mod load;
mod passthrough;
mod proxy;
mod report;
mod sink;
mod subject;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use sluice_tests::collector::Collector;
use tempfile::TempDir;

use crate::load::Asked;
use crate::proxy::{Around, Proxy};
use crate::report::{Figures, Report};
use crate::subject::{Modules, Protocol, Subject};

/// How long latency is measured each time.
const LATENCY_SECONDS: u32 = 1;

fn main() {
    let number = |name: &str, usual: u32| std::env::var(name).map_or(usual, |text| text.parse().expect("a number"));
    let (rounds, seconds) = (number("SLUICE_BENCH_ROUNDS", 7), number("SLUICE_BENCH_SECONDS", 2));
    let only = std::env::var("SLUICE_BENCH_ONLY").unwrap_or_default();
    let envoy = std::env::var("ENVOY").expect("`make bench-envoy` finds Envoy");
    stay_off_its_processor();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.expect("a process can start threads");
    let allowed = (0..subject::MOST).map(subject::host).collect();
    let (sink, upstream) = runtime.block_on(async { (sink::serve(allowed).await, passthrough::serve().await) });
    let policies = Collector::start();
    let large = json!({"tenant": null, "resource": subject::policy(subject::MOST)});
    policies.set_policy("sandbox", &subject::resource(subject::MOST), 1, 1, large);

    let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
    let module = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).expect("the folder is writable");
    };
    module("sluice.wasm", sluice_harness::FILTER_WASM);
    module("reader.wasm", READER_WASM);
    let modules = Modules {
        sluice: "sluice.wasm",
        reader: "reader.wasm",
    };
    let mut subjects = subject::all(&modules);
    subjects.retain(|subject| subject.name.contains(&only));
    let around = Around {
        sink,
        upstream,
        policies: policies.address(),
    };
    let scratch = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
    let proxy = Proxy::start(Path::new(&envoy), folder, &subjects, around);
    let bench = Bench {
        proxy,
        seconds,
        scratch,
    };
    let mut report = Report::new(&subjects, bench.proxy.version());
    // Once for nothing: connections, caches, and lists that are still on their way.
    for subject in &subjects {
        bench.warm(subject);
    }
    for round in 1..=rounds {
        for subject in &subjects {
            eprint!("\rround {round} of {rounds}: {:<50}", subject.name);
            report.add(subject, bench.figures(subject));
        }
    }
    eprintln!();
    let log = bench.proxy.log();
    assert!(!log.contains("[critical]"), "{log}");
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    fs::create_dir_all(&out).expect("target is writable");
    let tables = report.tables(rounds, seconds);
    print!("{tables}");
    fs::write(out.join("envoy.md"), tables).expect("target is writable");
    chart::draw(&report, &out.join("envoy.svg"));
}

const READER_WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/reader.wasm"));

/// Envoy is to have one for itself.
fn stay_off_its_processor() {
    let own = std::process::id().to_string();
    let moved = Command::new("taskset")
        .args(["-a", "-c", "-p", load::ITS_CPU, &own])
        .output();
    let moved = moved.expect("taskset is here (util-linux)");
    assert!(
        moved.status.success(),
        "two processors: {}",
        String::from_utf8_lossy(&moved.stderr)
    );
}

struct Bench {
    proxy: Proxy,
    seconds: u32,
    scratch: TempDir,
}

impl Bench {
    fn warm(&self, subject: &Subject) {
        let address = self.proxy.address(subject);
        match subject.protocol {
            Protocol::Http => drop(load::http1(address, &subject.asked(), 1, self.scratch.path())),
            Protocol::Tls => drop(passthrough::connect(
                address,
                &subject.asked(),
                Duration::from_millis(200),
            )),
        }
    }

    fn figures(&self, subject: &Subject) -> Figures {
        let (address, hosts) = (self.proxy.address(subject), subject.asked());
        let middle = &hosts[hosts.len() / 2];
        let before = self.proxy.cpu_time();
        let spent = |asked: &Asked| (self.proxy.cpu_time() - before).as_secs_f64() * 1e6 / asked.requests as f64;
        match subject.protocol {
            Protocol::Http => {
                let http1 = load::http1(address, &hosts, self.seconds, self.scratch.path());
                Figures {
                    cpu_micros: spent(&http1),
                    per_second: http1.per_second,
                    http2_per_second: load::http2(address, middle, self.seconds).per_second,
                    latencies: load::latencies(address, middle, LATENCY_SECONDS, self.scratch.path()),
                }
            }
            Protocol::Tls => {
                let time = Duration::from_secs(self.seconds.into());
                let connected = passthrough::connect(address, &hosts, time);
                Figures {
                    cpu_micros: spent(&connected),
                    per_second: connected.per_second,
                    http2_per_second: 0.0,
                    latencies: Vec::new(),
                }
            }
        }
    }
}
