//! Builds the filter this crate embeds, so that no test and no release binary
//! can carry a `.wasm` older than the sources beside it.

#[path = "build/nested.rs"]
mod nested;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Output};

use nested::{INPUTS, PROFILE, TARGET, nested_cargo, outer_target_dir, variable, workspace};

const ARTEFACT: &str = "sluice_filter.wasm";

fn main() -> ExitCode {
    let workspace = workspace();
    for input in INPUTS {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/nested.rs");

    let out_dir = PathBuf::from(variable("OUT_DIR"));
    let target_dir = outer_target_dir(&out_dir).join("filter-wasm");
    let built = target_dir.join(TARGET).join(PROFILE).join(ARTEFACT);
    let output = match nested_cargo(&workspace, &target_dir, "sluice-filter").output() {
        Ok(output) => output,
        Err(error) => return fail(&format!("cannot run cargo to build the filter: {error}")),
    };
    if !output.status.success() {
        return fail(&explain(&output));
    }
    let shrunk = Command::new(workspace.join("filter/shrink"))
        .arg(&built)
        .arg(out_dir.join(ARTEFACT))
        .output();
    match shrunk {
        Ok(output) if output.status.success() => ExitCode::SUCCESS,
        Ok(output) => fail(String::from_utf8_lossy(&output.stderr).trim()),
        Err(error) => fail(&format!("cannot run filter/shrink: {error}")),
    }
}

fn explain(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    eprintln!("{stderr}");
    let advice = if stderr.contains("target may not be installed") {
        format!("install the target: rustup target add {TARGET}")
    } else {
        format!("see it alone: cargo build -p sluice-filter --target {TARGET} --profile {PROFILE}")
    };
    format!("the filter did not build for {TARGET} (its output is below); {advice}")
}

fn fail(problem: &str) -> ExitCode {
    println!("cargo::error={problem}");
    ExitCode::FAILURE
}
