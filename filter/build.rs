//! Compiles the messages of `sluice.policy.v1`, without a `protoc` of the machine.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    // Asked when it runs: where it was compiled may be a checkout that has moved.
    let here = std::env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?;
    let protos = Path::new(&here).join("../policy/proto");
    println!("cargo::rerun-if-changed={}", protos.display());
    let files = protox::compile(["sluice/policy/v1/policy_service.proto"], [&protos])?;
    prost_build::Config::new().compile_fds(files)?;
    Ok(())
}
