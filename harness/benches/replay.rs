//! Replay throughput through the real `.wasm`, against deciding natively.
//!
//! Prints requests per second for both and their ratio, which is what
//! compares across machines. `cargo bench -p sluice-harness`

use std::num::NonZeroUsize;
use std::thread;
use std::time::Instant;

use sluice_harness::engine::{CompiledFilter, Setup};
use sluice_harness::progress::Silent;
use sluice_harness::recording::{Recorded, Traffic, Visibility};
use sluice_harness::replay::{Backend, Clock, Options, replay};
use sluice_policy::{Effect, Mode, PolicyDocument, RuleDocument, Timestamp};

const RULES: usize = 1_000;
const ENTRIES: usize = 200_000;
const ROUNDS: usize = 5;

/// Every second rule allows by name, every second a wildcard.
fn policy() -> PolicyDocument {
    let rule = |at: usize| {
        let host = if at.is_multiple_of(2) {
            format!("host{at}.example.com")
        } else {
            format!("*.zone{at}.example.com")
        };
        RuleDocument::new(format!("r{at}"), Effect::Allow, host)
    };
    PolicyDocument {
        mode: Some(Mode::Enforce),
        default_effect: Some(Effect::Deny),
        rules: (0..RULES).map(rule).collect(),
    }
}

/// Tunnels and plain requests to listed hosts, and one in ten to an unlisted one.
fn recording() -> Vec<Recorded> {
    let entry = |at: usize| {
        let host = match at % 10 {
            0 => format!("unlisted{at}.example.com"),
            n if n.is_multiple_of(2) => format!("host{}.example.com", at * 2 % RULES),
            _ => format!("a.b.zone{}.example.com", (at * 2 + 1) % RULES),
        };
        let traffic = Traffic::Exchange {
            tls: !at.is_multiple_of(3),
            authority: format!("{host}:443").into_bytes(),
            method: b"GET".to_vec(),
            path: Some(format!("/v1/items/{at}?page=2").into_bytes()),
        };
        Recorded {
            source: format!("bench.har#{at}"),
            at: None,
            count: 1,
            traffic,
            address: None,
        }
    };
    (0..ENTRIES).map(entry).collect()
}

/// Requests per second, start of the VMs included; the best of some rounds,
/// because everything that disturbs a round only slows it.
fn rate(recorded: &[Recorded], backend: &Backend, vms: NonZeroUsize) -> f64 {
    let options = Options {
        visibility: Visibility::Proxy,
        clock: Clock::Fixed(Timestamp::from_micros(0)),
        vms,
    };
    let round = || {
        let start = Instant::now();
        let done = replay(recorded, Vec::new(), backend, &options, &Silent)
            .unwrap_or_else(|error| panic!("the bench recording replays: {error}"));
        assert_eq!(done.decisions.len(), ENTRIES);
        ENTRIES as f64 / start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(|_| round()).fold(0.0, f64::max)
}

fn main() {
    let setup = Setup::new(policy());
    let start = Instant::now();
    let filter = CompiledFilter::embedded().unwrap_or_else(|error| panic!("the embedded filter loads: {error}"));
    println!("compiling the filter: {:.2} s", start.elapsed().as_secs_f64());
    let native = Backend::native(&setup).unwrap_or_else(|error| panic!("the bench policy compiles: {error}"));
    let wasm = Backend::wasm(filter, setup);
    let recorded = recording();
    let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    for vms in [NonZeroUsize::MIN, cores] {
        let by_wasm = rate(&recorded, &wasm, vms);
        let natively = rate(&recorded, &native, vms);
        println!(
            "{vms} VMs, {RULES} rules: .wasm {by_wasm:.0} requests/s, native {natively:.0} requests/s, ratio 1 : {:.1}",
            natively / by_wasm
        );
    }
}
