//! How long a change of policy takes to be in force in every worker of a real Envoy, and what it does to
//! the requests that run meanwhile. `cargo bench -p sluice-tests`
//!
//! A change allows a host, the next one rejects it. Its time runs from the push to the last answer by the
//! policy before it, on any of the connections that ask all the time; so it includes the way of that answer.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_tests::collector::Collector;
use sluice_tests::envoy::{Envoy, Setup};
use sluice_tests::probe::{Answered, Probe};
use sluice_tests::world::World;

const CONNECTIONS: usize = 12;
const PAUSE: Duration = Duration::from_millis(1);
/// Longer than any change may take; a change that takes longer fails the bench.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    println!("push of a policy to the last decision by the one before, in any worker; {CONNECTIONS} connections");
    println!(
        "{:<28} {:>8} {:>9} {:>9} {:>9} {:>9}",
        "", "changes", "p50", "p99", "most", "budget"
    );
    for workers in [1, 4] {
        for (rules, changes, budget) in [(100, 200, 50), (10_000, 40, 200), (100_000, 6, 1000)] {
            let mut bench = Bench::start(workers, rules);
            let mut times: Vec<Duration> = (0..changes).map(|_| bench.change()).collect();
            times.sort();
            let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
            let label = format!("{workers} workers, {rules} rules");
            println!(
                "{label:<28} {changes:>8} {:>6.1} ms {:>6.1} ms {:>6.1} ms {budget:>6} ms",
                at(50),
                at(99),
                at(100)
            );
            bench.tell_pauses();
        }
    }
    ExitCode::SUCCESS
}

/// In the order in which it ends.
struct Bench {
    probe: Probe,
    envoy: Envoy,
    collector: Collector,
    world: World,
    rules: usize,
    revision: u64,
    slowest: Duration,
    usual: Vec<Duration>,
    memory: Vec<u64>,
}

impl Bench {
    fn start(workers: u32, rules: usize) -> Self {
        let world = World::start();
        let collector = Collector::start();
        let configuration = json!({
            "resource": {"type": "sandbox", "id": "sb_1"},
            "policy_service": {"cluster": "sluice"},
            "events": {"cluster": "sluice"},
            "hold_ms": 60_000,
        });
        collector.set_policy("sandbox", "sb_1", 1, 1, policy(rules, false));
        let envoy = Setup::shipped("forward-proxy", &world.dns)
            .concurrency(workers)
            .collector(collector.port())
            .configuration(&configuration)
            .start();
        let authority = format!("api.openai.com:{}", world.plain.port());
        let probe = Probe::start(envoy.listener("forward_proxy"), &authority, CONNECTIONS, PAUSE);
        let mut bench = Self {
            world,
            collector,
            envoy,
            probe,
            rules,
            revision: 1,
            slowest: Duration::ZERO,
            usual: Vec::new(),
            memory: Vec::new(),
        };
        // Every connection has been answered once.
        let all_asked = |answers: &[Vec<Answered>]| answers.iter().all(|answers| !answers.is_empty());
        let mut seen = vec![Vec::new(); CONNECTIONS];
        let start = Instant::now();
        while !all_asked(&seen) {
            assert!(start.elapsed() < PATIENCE, "the first policy is in force");
            for (seen, new) in seen.iter_mut().zip(bench.probe.take()) {
                seen.extend(new);
            }
        }
        bench.memory.push(bench.resident_kib());
        bench
    }

    /// Makes one change, and returns how long it took.
    fn change(&mut self) -> Duration {
        self.revision += 1;
        let allowed = self.revision.is_multiple_of(2);
        let (old, new) = if allowed { (403, 200) } else { (200, 403) };
        // What it takes to write the text is not the filter's.
        let content = policy(self.rules, allowed).to_string();
        let _ = self.probe.take();
        let pushed = Instant::now();
        self.collector.set_policy("sandbox", "sb_1", 1, self.revision, content);
        let changed = self.probe.until_changed(old, new);
        self.slowest = changed.took.iter().copied().fold(self.slowest, Duration::max);
        self.usual.extend(changed.took);
        self.memory.push(self.resident_kib());
        changed.last_old.map_or(Duration::ZERO, |last| last - pushed)
    }

    /// What the changes did to requests that ran meanwhile, and to memory.
    fn tell_pauses(&mut self) {
        self.usual.sort();
        let median = self.usual[self.usual.len() / 2];
        let mib = |kib: u64| kib as f64 / 1024.0;
        let first = self.memory.first().copied().unwrap_or(0);
        let last = self.memory.iter().copied().max().unwrap_or(0);
        println!(
            "  requests meanwhile: median {:.1} ms, longest {:.1} ms; Envoy's memory after the first load {:.0} MiB, most {:.0} MiB",
            median.as_secs_f64() * 1000.0,
            self.slowest.as_secs_f64() * 1000.0,
            mib(first),
            mib(last)
        );
        let beats = self.collector.events();
        let most = beats
            .iter()
            .filter_map(|beat| beat.int("sluice.heartbeat.memory_bytes"))
            .max();
        if let Some(most) = most {
            println!(
                "  largest linear memory of a VM that a heartbeat told: {:.1} MiB",
                most as f64 / 1_048_576.0
            );
        }
        let _ = &self.world;
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.envoy.process())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
        number.unwrap_or(0)
    }
}

/// A policy of many rules, one of which may be about the host that is asked for.
fn policy(rules: usize, allowed: bool) -> Value {
    let rule = |at: usize| json!({"id": format!("r{at}"), "effect": "allow", "host": format!("h{at}.example.org"), "ports": [443]});
    let mut list: Vec<Value> = (1..rules).map(rule).collect();
    let effect = if allowed { "allow" } else { "deny" };
    list.push(json!({"id": "api", "effect": effect, "host": "api.openai.com"}));
    json!({"tenant": null, "resource": {"mode": "enforce", "rules": list}})
}
