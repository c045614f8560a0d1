//! `sluice doctor`: what is wrong, and what to do about it.

mod collector;
mod findings;
mod inside;
mod policies;
mod proxies;

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::resources::Targets;
use super::session::{Common, Format};
use crate::failure::Failure;
use crate::outcome::Outcome;
use findings::Findings;

/// What is asked: of a collector, or of the sandbox that this runs in.
#[derive(Debug)]
pub(crate) enum Arguments {
    Operator(Targets, Common),
    Inside(inside::Options, Option<PathBuf>, Format),
}

/// Find out what is wrong, and what to do about it
///
/// Checks one thing after the other: whether the collector answers and is ready, the token, the clocks, and for each
/// resource whether its proxies are connected, have the intended policy, report in time and lost nothing, whether an
/// override is in force, and whether the policy is sound. With --inside it is run in a sandbox instead, and checks
/// that Sluice is the only way out of it. The exit code is 1 if anything is wrong.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, mut_arg("ca", |ca| ca.help(CA)))]
struct Given {
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    inside: inside::Options,
}

const CA: &str = "The authority of the collector's certificate, a PEM file; with --inside the local authority of a \
                  topology where TLS ends at Sluice";

const EXAMPLES: &str = r"EXAMPLES
  Everything:
    sluice doctor

  The agent stopped, and nobody knows why:
    sluice doctor --resource sandbox/sb_1

  In the sandbox: is the proxy that HTTPS_PROXY names the only way out?
    sluice doctor --inside

  The same where connections are redirected, and with an address that must be out of reach:
    sluice doctor --inside --transparent --reach example.com:443 --reach 192.0.2.1:5432

  And where TLS ends at the proxy, with a host that its certificate has:
    sluice doctor --inside --transparent --reach api.example.com:443 --ca ca.pem";

/// Options that are about a collector. From the environment they are no more than left over.
const OF_COLLECTORS: [(&str, &str); 6] = [
    ("resource", "--resource"),
    ("tenant", "--tenant"),
    ("url", "--url"),
    ("token", "--token"),
    ("client_cert", "--client-cert"),
    ("client_key", "--client-key"),
];

impl FromArgMatches for Arguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = Given::from_arg_matches(matches)?;
        if !given.inside.inside {
            return Ok(Self::Operator(given.targets, given.common));
        }
        let written = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        if let Some((_, option)) = OF_COLLECTORS.iter().find(|(id, _)| written(id)) {
            let said = format!("--inside asks no collector, and '{option}' is about one\n");
            return Err(clap::Error::raw(ErrorKind::ArgumentConflict, said));
        }
        let ca = given.common.ca().filter(|_| written("ca"));
        let format = given.common.written_format().unwrap_or(Format::Table);
        Ok(Self::Inside(given.inside, ca, format))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Arguments {
    fn augment_args(command: Command) -> Command {
        Given::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Given::augment_args_for_update(command)
    }
}

/// Checks; what cannot be checked because of what is wrong already is left out.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let (findings, format) = match arguments {
        Arguments::Operator(targets, common) => outside(targets, common)?,
        Arguments::Inside(options, ca, format) => (inside::check(options, ca.as_deref())?, *format),
    };
    findings.print(format)?;
    Ok(Outcome::no_if(findings.are_bad()))
}

fn outside(targets: &Targets, common: &Common) -> Result<(Findings, Format), Failure> {
    let (session, format) = common.open()?;
    let mut findings = Findings::default();
    if let Some(now) = collector::check(&session, &mut findings) {
        let resources = targets.meant(&session)?;
        proxies::check(&session, resources.as_deref(), now, &mut findings)?;
        policies::check(&session, resources.as_deref(), &mut findings)?;
    }
    Ok((findings, format))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Doctor {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(line: &str) -> Result<Arguments, String> {
        let parsed = Doctor::try_parse_from(line.split_whitespace());
        parsed.map(|doctor| doctor.arguments).map_err(|error| error.to_string())
    }

    /// They would leave this machine if they were run.
    #[test]
    fn examples_of_sandboxes_are_taken() {
        let lines = EXAMPLES.lines().filter_map(|line| line.trim().strip_prefix("sluice "));
        let inside: Vec<_> = lines.filter(|line| line.contains("--inside")).map(parse).collect();
        assert_eq!(inside.len(), 3);
        for arguments in inside {
            assert!(matches!(arguments, Ok(Arguments::Inside(..))), "{arguments:?}");
        }
    }

    #[test]
    fn each_side_has_its_options() {
        for option in [
            "--resource sandbox/sb_1",
            "--tenant",
            "--url http://127.0.0.1:1",
            "--token x",
            "--client-cert a.pem --client-key b.pem",
        ] {
            assert!(matches!(
                parse(&format!("doctor {option}")),
                Ok(Arguments::Operator(..))
            ));
            let error = parse(&format!("doctor --inside {option}")).unwrap_err();
            let name = option.split_whitespace().next().unwrap();
            assert!(error.contains("asks no collector") && error.contains(name), "{error}");
        }
        for option in [
            "--proxy 127.0.0.1:3128",
            "--transparent",
            "--reach example.com:443",
            "--other-port 23",
            "--resolver 192.0.2.53",
            "--terminating",
            "--timeout 1",
        ] {
            let inside = parse(&format!("doctor --inside {option}"));
            assert!(matches!(inside, Ok(Arguments::Inside(..))), "{inside:?}");
            let error = parse(&format!("doctor {option}")).unwrap_err();
            assert!(error.contains("--inside"), "{option}: {error}");
        }
        let ca = parse("doctor --inside --ca ca.pem --format json");
        let Ok(Arguments::Inside(_, Some(ca), Format::Json)) = ca else {
            panic!("{ca:?}")
        };
        assert_eq!(ca.to_str(), Some("ca.pem"));
    }
}
