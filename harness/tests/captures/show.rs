//! Reads bytes as a recording and writes what was found as lines.

use std::fs;

use sluice_harness::recording::{Format, ReadError, Reading, Recorded, Traffic, read};

/// Reads bytes as a file.
pub(crate) fn read_bytes(content: &[u8]) -> Result<Reading, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r");
    fs::write(&path, content).unwrap();
    read(&path)
}

/// What is in a recording: sightings, then what was skipped.
pub(crate) fn found(content: &[u8]) -> (Vec<String>, Vec<String>) {
    let reading = read_bytes(content).unwrap_or_else(|error| panic!("{error}"));
    let recorded = reading.recorded.iter().map(line).collect();
    (recorded, reading.skipped.iter().map(ToString::to_string).collect())
}

/// Checks what is in a capture.
#[track_caller]
pub(crate) fn check(content: &[u8], recorded: &[&str], skipped: &[&str]) {
    assert_eq!(read_bytes(content).unwrap().format, Format::Capture);
    let (found, left_out) = found(content);
    assert_eq!(found, recorded);
    assert_eq!(left_out, skipped);
}

/// One sighting: place, time where there is one, traffic.
fn line(recorded: &Recorded) -> String {
    assert_eq!(recorded.count, 1);
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let traffic = match &recorded.traffic {
        Traffic::Exchange {
            tls,
            authority,
            method,
            path,
        } => format!(
            "{} {} {} {}",
            if *tls { "https" } else { "http" },
            text(method),
            text(authority),
            path.as_deref().map_or("-".to_owned(), text),
        ),
        Traffic::Tunnel { authority } => format!("tunnel {}", text(authority)),
        Traffic::Connection { server_name, port } => format!("sni {} {port}", text(server_name)),
    };
    match recorded.at {
        Some(at) => format!("{} {at} {traffic}", recorded.source),
        None => format!("{} {traffic}", recorded.source),
    }
}
