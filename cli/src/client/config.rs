//! The configuration file: what is the same in every command.

use std::env;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::Deserialize;

use crate::failure::name;

/// The variable that names the file.
const VARIABLE: &str = "SLUICE_CONFIG";

/// `sluice/config.toml` in the user's folder for configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The collector.
    pub(crate) url: Option<String>,
    /// A file with the token in it and nothing else.
    pub(crate) token_file: Option<PathBuf>,
    /// The resource where none is named: `TYPE/ID`, with `*` for many.
    pub(crate) resource: Option<String>,
    /// `table` or `json`.
    pub(crate) format: Option<String>,
    /// The authority of the collector's certificate.
    pub(crate) ca: Option<PathBuf>,
    /// The client's certificate.
    pub(crate) client_cert: Option<PathBuf>,
    /// Its key.
    pub(crate) client_key: Option<PathBuf>,
}

/// A file that is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// It cannot be read.
    #[error("{}: cannot be read: {error}", name(path))]
    Unreadable {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    /// It is not TOML, or has something unknown in it.
    #[error("{}: {error}", name(path))]
    Toml { path: PathBuf, error: toml::de::Error },
}

impl Config {
    /// Reads the file that the environment names, which must be there, or the
    /// one in its usual place, which may be absent.
    pub(crate) fn read() -> Result<Self, ConfigError> {
        if let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
            return Self::of(Path::new(&path));
        }
        // Without a home there is no usual place.
        let Ok(strategy) = etcetera::choose_base_strategy() else {
            return Ok(Self::default());
        };
        match Self::of(&strategy.config_dir().join("sluice/config.toml")) {
            Err(ConfigError::Unreadable { error, .. }) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            read => read,
        }
    }

    fn of(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|error| ConfigError::Toml {
            path: path.to_owned(),
            error,
        })?;
        // Files are named from where the configuration is, wherever the command runs.
        let folder = path.parent().unwrap_or(Path::new(""));
        for file in [
            &mut config.token_file,
            &mut config.ca,
            &mut config.client_cert,
            &mut config.client_key,
        ] {
            *file = file.take().map(|file| folder.join(file));
        }
        Ok(config)
    }
}
