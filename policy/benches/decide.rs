//! How long one decision takes, and how little that depends on the number of rules.

mod policies;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use sluice_policy::{Policy, Seen, Surroundings, Timestamp};

use policies::{json, short, sizes};

/// What is asked: 1,000 targets spread over the whole policy. Of twenty, nine
/// hit an exact name, four a wildcard, two a block, and five nothing.
fn targets(size: usize) -> Vec<String> {
    (0..1_000)
        .map(|ask| {
            // Steps through the policy so that neighbours are not asked in a row.
            let base = ask * 7_919 % size / 20 * 20;
            match ask % 20 {
                0 => format!("x{ask}.team{base}.example.com"),
                1 => format!("b.x{ask}.zone{}.example.net", base + 5),
                2 => format!("c.b.a.region{}.example.org", base + 10),
                3 => format!("x{ask}.site{}.example", base + 15),
                4 => {
                    let at = base + 3;
                    format!(
                        "{}.{}.{}.{}",
                        1 + at / 65_536 % 100,
                        at / 256 % 256,
                        at % 256,
                        ask % 256
                    )
                }
                5 => {
                    let at = base + 8;
                    format!("[2001:db8:{:x}:{:x}::{ask:x}]", at / 65_536, at % 65_536)
                }
                6..=8 => format!("unlisted{ask}.service{}.example.com", ask % 1_000),
                9 => format!("cdn{ask}.static.example.org"),
                10 => format!("203.0.113.{}", ask % 256),
                _ => {
                    let at = base + [1, 2, 4, 6, 7, 9, 11, 12, 14][ask % 9];
                    format!("api{at}.service{}.example.com", at % 1_000)
                }
            }
        })
        .map(|host| format!("{host}:443"))
        .collect()
}

/// Decides every target of the working set once; returns how many were rejected.
fn decide_all(policy: &Policy, authorities: &[String], method: &[u8], around: &Surroundings) -> usize {
    let now = Timestamp::from_micros(1_800_000_000_000_000);
    authorities
        .iter()
        .filter(|authority| {
            let seen = Seen::Request {
                authority: authority.as_bytes(),
                method,
                path: Some(b"/v1/things/1?page=2"),
            };
            policy.decide(black_box(&seen), around, now).would_reject()
        })
        .count()
}

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(50);
    let around = Surroundings::new(443);
    let mut best = Vec::new();
    for &size in sizes() {
        let policy = Policy::from_json(json(size).as_bytes()).expect("the generated policy is valid");
        let authorities = targets(size);
        let rejected = decide_all(&policy, &authorities, b"GET", &around);
        // The mix is the point: neither all hits nor all misses.
        assert!((200..800).contains(&rejected), "{rejected} of 1,000 rejected");
        let mut fastest = f64::INFINITY;
        let mut group = criterion.benchmark_group("decide 1,000 targets");
        group.throughput(criterion::Throughput::Elements(authorities.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(short(size)), |bencher| {
            bencher.iter_custom(|rounds| {
                let start = Instant::now();
                for _ in 0..rounds {
                    black_box(decide_all(&policy, &authorities, b"GET", &around));
                }
                let took = start.elapsed();
                let each = took.as_secs_f64() * 1e9 / (rounds as f64 * authorities.len() as f64);
                fastest = fastest.min(each);
                took
            });
        });
        group.finish();
        best.push((size, fastest));
    }
    criterion.final_summary();
    report(&best);
}

/// The figures side by side. The fastest sample is compared, because whatever
/// else the machine does only ever adds time.
fn report(best: &[(usize, f64)]) {
    let each: Vec<String> = best
        .iter()
        .map(|&(size, nanos)| format!("{} rules {nanos:.0} ns", short(size)))
        .collect();
    println!("decision: {}", each.join(", "));
    let of = |wanted: usize| best.iter().find(|(size, _)| *size == wanted).map(|(_, nanos)| *nanos);
    if let (Some(small), Some(large)) = (of(1_000), of(1_000_000)) {
        println!(
            "decision ratios: 1M / 1k = {:.2} (budget 2), 1k / 250 ns = {:.2} (budget 1)",
            large / small,
            small / 250.0
        );
    }
}
