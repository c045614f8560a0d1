//! Compiles `sluice.policy.v1` without a `protoc` of the machine, messages and the server, and the console.

#[path = "build/console.rs"]
mod console;
#[path = "../harness/build/nested.rs"]
#[allow(dead_code, reason = "what concerns the filter's own target is for others")]
mod nested;

use std::env;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    // Asked for as it runs: two checkouts that share a target folder share this program.
    let protos = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../policy/proto");
    println!("cargo::rerun-if-changed={}", protos.display());
    let files = protox::compile(["sluice/policy/v1/policy_service.proto"], [&protos])?;
    tonic_prost_build::configure().build_client(false).compile_fds(files)?;
    console::build()
}
