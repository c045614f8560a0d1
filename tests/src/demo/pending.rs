//! What was forgotten: it waits in the queue, is approved, and passes; how soon is measured.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sluice_collector::moment::Moment;

use super::Failed;
use super::stage::{Stage, says};
use crate::raw::h1;
use crate::wait;

const HOST: &str = "unlisted.example.com";
const PAUSE: Duration = Duration::from_millis(1);

/// From a rejection to a host that passes.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("Operate: it was needed after all; one approval, and it passes");
    let path = format!("/egress/pending?resource_type=sandbox&resource_id=sb_1&host={HOST}");
    stage.known("the rejected host in the pending queue", &path, |rows| {
        rows.get(0).map(drop)
    })?;
    stage
        .operator
        .run("sluice pending --resource sandbox/sb_1")?
        .done(&[HOST])?;
    let measured = approve(stage)?;
    let id = stage.policy("sb_1")?["id"].as_str().unwrap_or_default().to_owned();
    let history = format!("/egress/policies/{id}/revisions");
    let at = stage.known("the approval in the history", &history, |rows| {
        rows[0]["at"].as_str().map(str::to_owned)
    })?;
    let approved = Moment::parse("at", &at).map_err(|error| Failed::new(format!("{at}: {error}")))?;
    let in_force = measured.passed.0.saturating_sub(approved.0);
    says(&format!(
        "In force {:.1} ms after the approval: then the first connection passed. With the command's own start it was {} ms.",
        in_force as f64 / 1000.0,
        measured.since_begun.as_millis(),
    ));
    stage.curl("sb_1", &format!("https://{}/", stage.tls(HOST)), "200")
}

/// The first try that passed.
#[derive(Debug)]
struct Measured {
    passed: Moment,
    /// Since the command was begun.
    since_begun: Duration,
}

/// Approves while somebody inside tries again and again.
fn approve(stage: &Stage) -> Result<Measured, Failed> {
    let proxy = stage.proxy("sb_1");
    let target = stage.tls(HOST);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let tries = scope.spawn(|| {
            wait::within(wait::PATIENCE, || {
                thread::sleep(PAUSE);
                let answer = h1::Connection::open(proxy).send(&h1::connect_to(&target));
                let at = (Instant::now(), Moment::now());
                let passed = (answer.status() == Some(200)).then_some(Some(at));
                passed.or_else(|| over.load(Ordering::SeqCst).then_some(None))
            })
        });
        let begun = Instant::now();
        let line = format!("sluice approve {HOST} --resource sandbox/sb_1 --note 'the build needs it'");
        let approved = stage.operator.run(&line).and_then(|ran| ran.done(&[HOST]));
        // A refused command lets nothing pass.
        over.store(approved.is_err(), Ordering::SeqCst);
        let passed = tries.join().map_err(|panic| Failed::from_panic(&*panic))?;
        approved?;
        let passed = passed
            .flatten()
            .ok_or_else(|| Failed::new(format!("{HOST} was approved and does not pass")))?;
        Ok(Measured {
            passed: passed.1,
            since_begun: passed.0.duration_since(begun),
        })
    })
}
