//! Where the filter's fuel goes: each kind of work of the baseline, and the functions that spend most on it.
//! `make fuel` builds a filter that still has the names of its functions, and runs this with it.

#[path = "../tests/cost/work.rs"]
mod work;

use std::cmp::Reverse;
use std::process::ExitCode;

use sluice_harness::lab::LabFilter;

/// How many functions are told of.
const MOST: usize = 25;

fn main() -> ExitCode {
    let Some(path) = std::env::var_os("SLUICE_FUEL_MODULE") else {
        eprintln!("SLUICE_FUEL_MODULE names no .wasm with the names of its functions: `make fuel` builds one");
        return ExitCode::FAILURE;
    };
    let filter = std::fs::read(path).expect("the module can be read");
    let filter = LabFilter::metered_by_function(&filter).expect("it is a filter");
    for work in work::all().filter(|work| {
        std::env::args()
            .skip(1)
            .all(|part| work.name().contains(&part) || part == "--bench")
    }) {
        let (counts, _) = work.costs(&filter);
        println!("{}: {} fuel", work.name(), counts.fuel);
        let mut functions: Vec<(&String, &u64)> = counts.functions.iter().collect();
        functions.sort_by_key(|(_, fuel)| Reverse(**fuel));
        for (name, fuel) in functions.into_iter().take(MOST) {
            println!(
                "  {:>5.1} %  {}",
                *fuel as f64 / counts.fuel as f64 * 100.0,
                rustc_demangle::demangle(name)
            );
        }
    }
    ExitCode::SUCCESS
}
