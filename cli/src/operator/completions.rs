//! `sluice completions`: for shells.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::{Cli, output};

/// Print what a shell needs to complete commands and options
///
/// The shell reads it when it starts: put it where the shell looks for completions, or source it. It knows the commands
/// and options of this version, so make it again after an update.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

const EXAMPLES: &str = r"EXAMPLES
  For bash and for zsh:
    sluice completions bash > sluice.bash
    sluice completions zsh > _sluice";

/// Prints it.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "sluice", &mut text);
    output::result(|out| out.write_all(&text))?;
    Ok(Outcome::Done)
}
