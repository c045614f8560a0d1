//! The threads of a replay: each has its own VM, takes the next piece of the
//! recording when it is done with one, and the results come back in order.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::report::{LeftOut, ReplayedDecision};
use super::{Backend, Options, ReplayError};
use crate::engine::Engine;
use crate::progress::Progress;
use crate::recording::{Recorded, Sighting};

/// Entries taken at a time: enough that taking them costs nothing, few enough
/// that no thread is left alone with the rest.
const PIECE: usize = 256;

type Outcome = Result<ReplayedDecision, LeftOut>;
type Piece = (usize, Result<Vec<Outcome>, ReplayError>);

/// What the threads share.
struct Work<'a> {
    recorded: &'a [Recorded],
    backend: &'a Backend,
    options: &'a Options,
    progress: &'a dyn Progress,
    next: AtomicUsize,
    failed: AtomicBool,
}

pub(super) fn decide_all(
    recorded: &[Recorded],
    backend: &Backend,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Outcome>, ReplayError> {
    let work = Work {
        recorded,
        backend,
        options,
        progress,
        next: AtomicUsize::new(0),
        failed: AtomicBool::new(false),
    };
    progress.begin(recorded.len());
    // Without any traffic one engine still starts: a bad policy is one either way.
    let pieces = recorded.len().div_ceil(PIECE).max(1);
    let threads = options.vms.get().min(pieces);
    let mut pieces: Vec<Piece> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| work.run())).collect();
        workers
            .into_iter()
            .flat_map(|worker| match worker.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    pieces.sort_by_key(|(at, _)| *at);
    let mut outcomes = Vec::with_capacity(recorded.len());
    for (_, piece) in pieces {
        outcomes.append(&mut piece?);
    }
    Ok(outcomes)
}

impl Work<'_> {
    fn run(&self) -> Vec<Piece> {
        let mut engine = match self.backend.engine() {
            Ok(engine) => engine,
            Err(error) => {
                self.failed.store(true, Ordering::Relaxed);
                return vec![(0, Err(ReplayError::Start(error)))];
            }
        };
        let mut done = Vec::new();
        while !self.failed.load(Ordering::Relaxed) {
            let at = self.next.fetch_add(PIECE, Ordering::Relaxed);
            let Some(rest) = self.recorded.get(at..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            let piece = &rest[..rest.len().min(PIECE)];
            let outcomes = piece
                .iter()
                .map(|recorded| self.decide(engine.as_mut(), recorded))
                .collect::<Result<Vec<_>, _>>();
            if outcomes.is_err() {
                self.failed.store(true, Ordering::Relaxed);
            }
            done.push((at, outcomes));
            self.progress.advance(piece.len());
        }
        done
    }

    fn decide(&self, engine: &mut dyn Engine, recorded: &Recorded) -> Result<Outcome, ReplayError> {
        let Some(at) = self.options.clock.at(recorded) else {
            let source_name = recorded.source.clone();
            return Ok(Err(LeftOut::NoTime { source_name }));
        };
        let sighting = Sighting::of(&recorded.traffic, self.options.visibility);
        let decided = engine.decide_resolved(&sighting, recorded.address.as_slice(), at);
        let record = decided.map_err(|error| ReplayError::Decision {
            source_name: recorded.source.clone(),
            error,
        })?;
        Ok(Ok(ReplayedDecision::new(recorded, &sighting, record)))
    }
}
