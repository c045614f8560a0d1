//! Which Envoy the tests run.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

/// What `envoy/find-envoy` found, once per test process.
static ENVOY: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
    let script = super::setup::envoy_folder().join("find-envoy");
    let output = Command::new(&script)
        .output()
        .map_err(|error| format!("cannot run {}: {error}", script.display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
});

/// The path of the binary.
///
/// # Panics
/// If there is no Envoy: a test of what Envoy does cannot pass without one.
pub(super) fn path() -> &'static PathBuf {
    ENVOY
        .as_ref()
        .unwrap_or_else(|problem| panic!("these tests need Envoy: {problem}"))
}
