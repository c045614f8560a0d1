//! The log of `sluice serve`, on stderr.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use super::{LogFormat, ServeError};

/// Begins to log. Values in it are escaped by the formats: hosts and paths are
/// written by others.
pub(super) fn begin(format: LogFormat, filter: &str) -> Result<(), ServeError> {
    let levels = EnvFilter::try_new(filter).map_err(|error| failed(filter, &error))?;
    let log = fmt().with_env_filter(levels).with_writer(io::stderr);
    let begun = match format {
        LogFormat::Json => log.json().try_init(),
        LogFormat::Text => log.with_ansi(false).try_init(),
    };
    begun.map_err(|error| failed(filter, &error))
}

fn failed(filter: &str, error: &impl ToString) -> ServeError {
    ServeError::Log {
        filter: filter.to_owned(),
        error: error.to_string(),
    }
}
