//! How long a policy takes to load from JSON, what it occupies, and how long
//! lint takes.
//!
//! Memory is what the allocator was asked for, not resident pages: those keep
//! what earlier loads gave back, so that sizes could not be compared in one run.

mod policies;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion, SamplingMode};
use peak_alloc::PeakAlloc;
use sluice_policy::{Policy, Timestamp};

use policies::{json, short, sizes};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// What one load cost.
struct Cost {
    size: usize,
    json: usize,
    kept: usize,
    peak: usize,
    fastest: Duration,
}

fn load(json: &str) -> Policy {
    Policy::from_json(json.as_bytes()).expect("the generated policy is valid")
}

/// Bytes that a policy keeps, and the most in use while it was made, over what was there before.
fn memory(json: &str) -> (usize, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let policy = load(json);
    let kept = ALLOCATOR.current_usage() - before;
    let peak = ALLOCATOR.peak_usage() - before;
    drop(policy);
    (kept, peak)
}

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .sample_size(10);
    let mut costs = Vec::new();
    for &size in sizes() {
        let json = json(size);
        let (kept, peak) = memory(&json);
        let mut fastest = Duration::MAX;
        let mut group = criterion.benchmark_group("load");
        group.sampling_mode(SamplingMode::Flat);
        group.throughput(criterion::Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(short(size)), |bencher| {
            bencher.iter_batched(
                Instant::now,
                |start| {
                    let policy = load(black_box(&json));
                    fastest = fastest.min(start.elapsed());
                    policy
                },
                BatchSize::PerIteration,
            );
        });
        group.finish();
        costs.push(Cost {
            size,
            json: json.len(),
            kept,
            peak,
            fastest,
        });
    }
    lint(&mut criterion);
    criterion.final_summary();
    report(&costs);
}

fn lint(criterion: &mut Criterion) {
    let now = Timestamp::from_micros(1_800_000_000_000_000);
    let mut group = criterion.benchmark_group("lint");
    group.sampling_mode(SamplingMode::Flat);
    for &size in sizes().iter().filter(|&&size| size <= 100_000) {
        let policy = load(&json(size));
        group.throughput(criterion::Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(short(size)), |bencher| {
            bencher.iter(|| black_box(sluice_policy::lint::lint_policy(&policy, now)));
        });
    }
    group.finish();
}

fn report(costs: &[Cost]) {
    for cost in costs {
        let each = |total: usize| total as f64 / cost.size as f64;
        println!(
            "load: {} rules in {:.3} ms ({:.0} ns a rule); bytes a rule: JSON {:.0}, kept {:.0}, peak {:.0}",
            short(cost.size),
            cost.fastest.as_secs_f64() * 1e3,
            cost.fastest.as_secs_f64() * 1e9 / cost.size as f64,
            each(cost.json),
            each(cost.kept),
            each(cost.peak),
        );
    }
    let of = |wanted: usize| costs.iter().find(|cost| cost.size == wanted);
    if let (Some(small), Some(large)) = (of(1_000), of(1_000_000)) {
        let each = |cost: &Cost, total: f64| total / cost.size as f64;
        println!(
            "load ratios, a rule at 1M / at 1k: time {:.2}, kept {:.2}, peak {:.2}",
            each(large, large.fastest.as_secs_f64()) / each(small, small.fastest.as_secs_f64()),
            each(large, large.kept as f64) / each(small, small.kept as f64),
            each(large, large.peak as f64) / each(small, small.peak as f64),
        );
    }
}
