//! How a replay decides: by the filter this command brings along, by another
//! one, or natively.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use clap::Args;
use sluice_harness::engine::{CompiledFilter, Setup};
use sluice_harness::replay::{Backend, Options};

use crate::arguments::{At, Visibility, parse_block};
use crate::failure::Failure;

/// The arguments of every command that replays.
#[derive(Debug, Args)]
pub(crate) struct Engine {
    /// Decide by this filter instead of the one built in
    #[arg(long, value_name = "PATH", conflicts_with = "native")]
    wasm: Option<PathBuf>,
    /// Decide without a filter, by the code that is compiled into it
    #[arg(long)]
    native: bool,
    /// How many virtual machines decide at once [default: one for each processor]
    #[arg(long, value_name = "N")]
    vms: Option<NonZeroUsize>,
    /// Where the filter stands, and so how much of HTTPS it sees
    #[arg(long, value_enum, value_name = "PLACE", default_value = "proxy")]
    visibility: Visibility,
    /// When it is, for rules that expire: an RFC 3339 time with zone, 'now', or 'recorded'
    #[arg(long, value_name = "TIME", default_value = "now", value_parser = At::parse)]
    at: At,
    /// Private blocks that the filter lets any name lead to, by resolves_to of its configuration; can be given again
    #[arg(long, value_name = "BLOCK", value_parser = parse_block)]
    resolves_to: Vec<String>,
}

impl Engine {
    /// What the threads of a replay take their engines from.
    pub(crate) fn backend(&self, setup: Setup) -> Result<Backend, Failure> {
        let setup = self.around(setup);
        Ok(if self.native {
            Backend::native(&setup)?
        } else {
            Backend::wasm(self.filter()?, setup)
        })
    }

    /// As [`Engine::backend`], for two policies; the filter is compiled once.
    pub(crate) fn backends(&self, one: Setup, other: Setup) -> Result<(Backend, Backend), Failure> {
        let (one, other) = (self.around(one), self.around(other));
        Ok(if self.native {
            (Backend::native(&one)?, Backend::native(&other)?)
        } else {
            let filter = self.filter()?;
            (Backend::wasm(filter.clone(), one), Backend::wasm(filter, other))
        })
    }

    fn around(&self, setup: Setup) -> Setup {
        Setup {
            resolves_to: self.resolves_to.clone(),
            ..setup
        }
    }

    fn filter(&self) -> Result<CompiledFilter, Failure> {
        Ok(match &self.wasm {
            Some(path) => CompiledFilter::from_file(path)?,
            None => CompiledFilter::embedded()?,
        })
    }

    /// How it replays.
    pub(crate) fn options(&self) -> Options {
        let processors = || thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Options {
            visibility: self.visibility.into(),
            clock: self.at.clock(),
            vms: self.vms.unwrap_or_else(processors),
        }
    }
}
