//! `envoy/find-envoy`: which Envoy is used, and a clear word when there is none.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder that serves as `PATH`: what the script itself needs, and nothing else.
fn path_with(programs: &[&str]) -> TempDir {
    let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
    for program in programs {
        let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(program));
        let found = found.iter().find(|path| path.exists());
        let found = found.unwrap_or_else(|| panic!("{program} is part of every system"));
        symlink(found, folder.path().join(program)).expect("the folder is new");
    }
    folder
}

fn find(path: &TempDir, envoy: Option<&str>) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/find-envoy");
    let mut command = Command::new("/bin/bash");
    command.arg(script).env("PATH", path.path());
    command.env("CARGO_TARGET_DIR", path.path()).env_remove("ENVOY");
    command.envs(envoy.map(|envoy| ("ENVOY", envoy)));
    command.output().expect("bash is part of every system")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn executable(folder: &TempDir, name: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, "#!/bin/sh\n").expect("the folder is new");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path.display().to_string()
}

#[test]
fn the_variable_comes_first_then_the_path() {
    let path = path_with(&["dirname"]);
    let on_path = executable(&path, "envoy");
    let chosen = executable(&path, "my-envoy");
    assert_eq!(text(&find(&path, Some(&chosen)).stdout), format!("{chosen}\n"));
    assert_eq!(text(&find(&path, None).stdout), format!("{on_path}\n"));
}

#[test]
fn a_variable_that_names_no_program_is_an_error() {
    let path = path_with(&["dirname"]);
    executable(&path, "envoy");
    let found = find(&path, Some("/nowhere/envoy"));
    assert_eq!(found.status.code(), Some(1));
    assert_eq!(text(&found.stdout), "");
    let message = text(&found.stderr);
    assert!(message.contains("ENVOY is set to '/nowhere/envoy'"), "{message}");
}

#[test]
fn without_any_envoy_it_names_what_is_missing_or_what_failed() {
    let path = path_with(&["dirname", "mkdir"]);
    let found = find(&path, None);
    assert_eq!(found.status.code(), Some(1));
    assert!(text(&found.stderr).contains("no python3"), "{}", text(&found.stderr));

    let path = path_with(&["dirname", "mkdir", "rm", "false"]);
    symlink(path.path().join("false"), path.path().join("python3")).expect("the folder is new");
    let found = find(&path, None);
    assert_eq!(found.status.code(), Some(1));
    let message = text(&found.stderr);
    assert!(message.contains("this command failed: python3 -m venv"), "{message}");
}
