//! Compiles `sluice.policy.v1` without a `protoc` of the machine: messages, and a client for trying the reference
//! collector. Its server is written by hand in `src/collector/`, because it must be able to send what is no message.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let protos = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy/proto");
    println!("cargo::rerun-if-changed={}", protos.display());
    let files = protox::compile(["sluice/policy/v1/policy_service.proto"], [&protos])?;
    tonic_prost_build::configure().build_server(false).compile_fds(files)?;
    Ok(())
}
