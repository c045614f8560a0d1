//! What every operator command starts with: the configuration, a client, a format.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::client::{Client, Config, Connection};
use crate::failure::Failure;
use crate::output;

/// Options of every operator command.
#[derive(Debug, Args)]
pub(crate) struct Common {
    /// How the result is written; a table unless the configuration file says json
    #[arg(long, env = "SLUICE_FORMAT", value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    #[command(flatten)]
    connection: Connection,
}

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// What the API answers, or a document of the same form
    Json,
}

/// A client and the configuration it was made with.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) config: Config,
}

impl Common {
    /// Reads the configuration.
    pub(crate) fn open(&self) -> Result<(Session, Format), Failure> {
        let session = Session::open(&self.connection)?;
        let format = session.format(self.format, Format::Table)?;
        Ok((session, format))
    }

    /// The format that was given, for what asks no collector and so needs no configuration.
    pub(crate) fn written_format(&self) -> Option<Format> {
        self.format
    }

    /// The authority that was given.
    pub(crate) fn ca(&self) -> Option<PathBuf> {
        self.connection.ca()
    }
}

impl Session {
    /// For commands with formats of their own.
    pub(crate) fn open(connection: &Connection) -> Result<Self, Failure> {
        let config = Config::read()?;
        Ok(Self {
            client: connection.client(&config)?,
            config,
        })
    }

    /// The format that was given, else the configured one, else the usual one.
    pub(crate) fn format<F: ValueEnum>(&self, given: Option<F>, usual: F) -> Result<F, Failure> {
        let configured = || {
            let Some(text) = &self.config.format else {
                return Ok(usual);
            };
            F::from_str(text, false).map_err(|_| {
                let known = F::value_variants().iter().filter_map(F::to_possible_value);
                let known: Vec<String> = known.map(|value| value.get_name().to_owned()).collect();
                Failure::Configured {
                    name: "format",
                    value: text.clone(),
                    error: format!("expected one of {}", known.join(", ")),
                }
            })
        };
        given.map_or_else(configured, Ok)
    }
}

/// Prints rows as the API lists them.
pub(super) fn print_list(rows: &[Value]) -> Result<(), Failure> {
    output::json(&json!({"data": rows, "next_cursor": null}))
}

/// Prints an object as the API answers it.
pub(super) fn print_object(object: &Value) -> Result<(), Failure> {
    output::json(&json!({"data": object}))
}
