//! The command line as it was built with these tests.

use std::path::PathBuf;

/// Where it is: beside this program, or, for a test, beside the folder that this program is in.
///
/// # Errors
/// If it has not been built, with what builds it.
pub fn sluice() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    let folder = own.parent().unwrap_or(&own);
    let folder = match folder.file_name() {
        Some(name) if name == "deps" => folder.parent().unwrap_or(folder),
        _ => folder,
    };
    let sluice = folder.join("sluice");
    match sluice.is_file() {
        true => Ok(sluice),
        false => Err(format!(
            "{} is not built; `cargo build --workspace --bins` builds it",
            sluice.display()
        )),
    }
}
