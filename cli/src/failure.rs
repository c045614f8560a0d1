//! Why a command could not do its work: bad usage or input, exit code 2.

use std::io;
use std::path::{Path, PathBuf};

use sluice_harness::engine::EngineError;
use sluice_harness::expect::ExpectError;
use sluice_harness::explain::InvalidQuestion;
use sluice_harness::recording::ReadError;
use sluice_harness::replay::ReplayError;
use sluice_harness::suggest::CatalogueError;
use sluice_policy::Problems;

use crate::client::{ClientError, ConfigError, TlsError};
use crate::operator::Misuse;
use crate::serve::ServeError;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file cannot be read.
    #[error("{}: cannot be read: {error}", name(path))]
    Unreadable {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    /// A policy is none.
    #[error("{}: the policy cannot be loaded:\n{}", name(path), indented(problems))]
    Policy {
        path: PathBuf,
        #[source]
        problems: Problems,
    },
    /// A recording is none.
    #[error(transparent)]
    Recording(#[from] ReadError),
    /// One recording stands for several.
    #[error(
        "{}: given twice, so that each of its entries would count twice; name it once",
        name(path)
    )]
    Twice { path: PathBuf },
    /// Several arguments want to read stdin.
    #[error("'-' is given more than once, and stdin can be read only once; put the others into files")]
    StdinTwice,
    /// A catalogue is none.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// Expectations are none.
    #[error("{}: {error}", name(path))]
    Expectations {
        path: PathBuf,
        #[source]
        error: ExpectError,
    },
    /// No engine could be had.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The filter could not be tried.
    #[error("the filter that this command carries cannot be tried: {0}")]
    Filter(Box<dyn std::error::Error>),
    /// The replay broke off.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The question to explain makes no sense.
    #[error(transparent)]
    Question(#[from] InvalidQuestion),
    /// The report cannot be written as JUnit XML.
    #[error("the report cannot be written as JUnit XML: {0}")]
    Junit(#[from] quick_junit::SerializeError),
    /// The collector gave no answer, or refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The configuration file is none.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A value of the configuration file makes no sense.
    #[error("the configuration file: {name} = {value:?}: {error}")]
    Configured {
        name: &'static str,
        value: String,
        error: String,
    },
    /// A certificate or key is none.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The local authority is none.
    #[error("--ca {}: {error}", name(path))]
    Ca { path: PathBuf, error: String },
    /// A token that no header can carry.
    #[error("the token has characters that no token has; expected the one line that 'sluice token create' printed")]
    Token,
    /// Arguments that make no sense for what the collector has.
    #[error(transparent)]
    Misuse(#[from] Misuse),
    /// There is no collector.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The result cannot be written.
    #[error("cannot write to stdout: {0}")]
    Output(#[source] io::Error),
}

/// A file as messages call it.
pub(crate) fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "stdin".to_owned()
    } else {
        crate::output::quiet(&path.display().to_string())
    }
}

fn indented(problems: &Problems) -> String {
    let lines: Vec<String> = problems
        .as_slice()
        .iter()
        .map(|problem| format!("  {problem}"))
        .collect();
    lines.join("\n")
}
