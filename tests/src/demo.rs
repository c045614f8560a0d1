//! The loop, played with the real command line, real Envoys and real curl: each command is shown, run and checked.

mod failed;
mod fleet;
mod interrupt;
mod lockdown;
mod operate;
mod pending;
mod review;
mod server;
mod shell;
mod stage;

use std::panic::{self, AssertUnwindSafe};
use std::time::Instant;

pub use failed::Failed;

use stage::{Stage, says};

/// Plays it from the beginning to the end. What it started is gone when it returns.
///
/// # Errors
/// If a step does not give what it should, or somebody ends it with Ctrl-C.
pub fn run() -> Result<(), Failed> {
    interrupt::listen();
    // What the tests' own parts have to say, they say by panicking.
    panic::set_hook(Box::new(|_| {}));
    let played = panic::catch_unwind(AssertUnwindSafe(play));
    drop(panic::take_hook());
    // Whatever broke, broke because everything was told to end.
    interrupt::check()?;
    played.unwrap_or_else(|panic| Err(Failed::from_panic(&*panic)))
}

fn play() -> Result<(), Failed> {
    let begun = Instant::now();
    let mut stage = Stage::set()?;
    review::play(&mut stage)?;
    lockdown::play(&mut stage)?;
    pending::play(&mut stage)?;
    operate::play(&mut stage)?;
    fleet::play(&mut stage)?;
    drop(stage);
    let seconds = begun.elapsed().as_secs_f64();
    says(&format!(
        "Played to the end. The collector and the proxies are stopped, and their files are gone. It took {seconds:.0} seconds."
    ));
    Ok(())
}
