//! Compiles `sluice.policy.v1` without a `protoc` of the machine: messages, and a client for trying the reference
//! collector. Its server is written by hand in `src/collector/`, because it must be able to send what is no message.

#[path = "../harness/build/nested.rs"]
mod nested;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use nested::{INPUTS, PROFILE, TARGET, nested_cargo, outer_target_dir, variable, workspace};

fn main() -> Result<(), Box<dyn Error>> {
    let protos = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../policy/proto");
    println!("cargo::rerun-if-changed={}", protos.display());
    let files = protox::compile(["sluice/policy/v1/policy_service.proto"], [&protos])?;
    tonic_prost_build::configure().build_server(false).compile_fds(files)?;
    trapping_filter()?;
    plugin("foreign")?;
    plugin("reader")
}

/// A plugin that is not ours.
fn plugin(name: &str) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=plugins");
    let out_dir = PathBuf::from(variable("OUT_DIR"));
    let target_dir = outer_target_dir(&out_dir).join("foreign-wasm");
    let output = nested_cargo(&workspace(), &target_dir, &format!("sluice-{name}")).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let built = target_dir
        .join(TARGET)
        .join(PROFILE)
        .join(format!("sluice_{name}.wasm"));
    fs::copy(built, out_dir.join(format!("{name}.wasm")))?;
    Ok(())
}

/// The filter that traps when a test asks it to, beside the one that is deployed.
fn trapping_filter() -> Result<(), Box<dyn Error>> {
    let workspace = workspace();
    for input in INPUTS {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    let out_dir = PathBuf::from(variable("OUT_DIR"));
    // A folder of its own: both builds write an artefact of the same name.
    let target_dir = outer_target_dir(&out_dir).join("filter-wasm-trapping");
    // It is about what it does, and not about its size, which takes most of the time.
    let output = nested_cargo(&workspace, &target_dir, "sluice-filter")
        .args(["--features", "test-trap"])
        .env("CARGO_PROFILE_FILTER_LTO", "off")
        .env("CARGO_PROFILE_FILTER_CODEGEN_UNITS", "16")
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let built = target_dir.join(TARGET).join(PROFILE).join("sluice_filter.wasm");
    fs::copy(built, out_dir.join("trapping_filter.wasm"))?;
    Ok(())
}
