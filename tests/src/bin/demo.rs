//! `make demo`: the loop from an observed sandbox to a fleet that is locked down, as it really runs.

use std::process::ExitCode;

use sluice_tests::demo;

fn main() -> ExitCode {
    match demo::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("\ndemo: {failed}");
            ExitCode::FAILURE
        }
    }
}
