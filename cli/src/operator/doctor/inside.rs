//! `sluice doctor --inside`: run in a sandbox, whether Sluice is the only way out of it.

mod ca;
mod dial;
mod direct;
mod dns;
mod http;
mod names;
mod place;
mod privileges;
mod proxy;
mod quic;
mod redirected;
mod tls;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use rustls::pki_types::CertificateDer;
use tokio::runtime::Builder;

use super::findings::Findings;
use crate::failure::Failure;
use crate::serve::ServeError;
use names::Target;
use place::Place;
use proxy::Way;
use redirected::Found;

/// A name that cannot exist (RFC 6761), and that nobody lists.
const NOWHERE: &str = "sluice-doctor.invalid";
/// Where nothing in a sandbox should get to: a host that always answers, and the metadata of clouds.
const USUAL: [&str; 2] = ["example.com:443", "169.254.169.254:80"];
/// Advice where a check failed for a reason of this machine.
const UNTRIED: &str = "that is no answer: see to it and try again";

/// Options of the checks inside a sandbox.
#[derive(Debug, Args)]
#[command(next_help_heading = "Inside a sandbox")]
pub(crate) struct Options {
    /// Run in a sandbox: check that Sluice is the only way out of it. Asks no collector
    #[arg(long)]
    pub(super) inside: bool,
    /// The proxy that clients use; else HTTPS_PROXY or HTTP_PROXY say so; without, connections are redirected
    #[arg(long, value_name = "HOST:PORT", requires = "inside", value_parser = Place::parse_proxy)]
    proxy: Option<Place>,
    /// Connections are redirected to Sluice, whatever the proxy variables say
    #[arg(long, requires = "inside", conflicts_with = "proxy")]
    transparent: bool,
    /// Where no connection may get past Sluice, by TCP and by QUIC; example.com:443 and 169.254.169.254:80 unless given;
    /// can be given again
    #[arg(long, value_name = "HOST:PORT", requires = "inside", value_parser = Place::parse)]
    reach: Vec<Place>,
    /// Where connections are redirected: a port at which they are not, and must fail
    #[arg(long, value_name = "PORT", requires = "inside", default_value_t = 22)]
    other_port: u16,
    /// A resolver that must not answer; the authorities of example.com unless given; can be given again
    #[arg(long, value_name = "ADDRESS[:PORT]", requires = "inside", value_parser = place::parse_resolver)]
    resolver: Vec<SocketAddr>,
    /// TLS ends at Sluice: check that what runs here trusts its authority. --ca says so too
    #[arg(long, requires = "inside")]
    terminating: bool,
    /// How long each step may take
    #[arg(long, value_name = "SECONDS", requires = "inside", default_value = "2", value_parser = parse_patience)]
    timeout: Duration,
}

/// A text that is no time to wait.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a number of seconds from 0.1 to 60")]
pub(crate) struct InvalidPatience;

fn parse_patience(text: &str) -> Result<Duration, InvalidPatience> {
    let seconds: f64 = text.parse().map_err(|_| InvalidPatience)?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(patience) if (0.1..=60.0).contains(&seconds) => Ok(patience),
        _ => Err(InvalidPatience),
    }
}

/// What is to be checked.
#[derive(Debug)]
struct Plan {
    way: Way,
    reach: Vec<Place>,
    other_port: u16,
    resolvers: Vec<SocketAddr>,
    terminating: bool,
    /// Of `--ca`.
    ca: Vec<CertificateDer<'static>>,
    patience: Duration,
}

impl Plan {
    fn new(options: &Options, ca: Option<&Path>) -> Result<Self, Failure> {
        let ca = match ca {
            None => Vec::new(),
            Some(path) => ca::read(path)?,
        };
        let reach = match options.reach.as_slice() {
            [] => USUAL.iter().filter_map(|text| Place::parse(text).ok()).collect(),
            reach => reach.to_vec(),
        };
        Ok(Self {
            way: Way::find(options, |name| std::env::var(name).ok()),
            reach,
            other_port: options.other_port,
            resolvers: options.resolver.clone(),
            terminating: options.terminating || !ca.is_empty(),
            ca,
            patience: options.timeout,
        })
    }
}

/// Checks everything at once, each step for no longer than it may take.
pub(super) fn check(options: &Options, ca: Option<&Path>) -> Result<Findings, Failure> {
    let plan = Plan::new(options, ca)?;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(ServeError::Runtime)?;
    let findings = runtime.block_on(all(&plan));
    // The system may still be looking up a name that nobody waits for.
    runtime.shutdown_background();
    Ok(findings)
}

async fn all(plan: &Plan) -> Findings {
    let looked_up = plan
        .reach
        .iter()
        .map(|place| Target::find(place.clone(), plan.patience));
    let targets = join_all(looked_up).await;
    let (ways, quic, dns, ca) = tokio::join!(
        ways(plan, &targets),
        quic::check(plan, &targets),
        dns::check(plan),
        async {
            if plan.terminating {
                ca::check(plan, &targets).await
            } else {
                Findings::default()
            }
        }
    );
    let mut findings = ways;
    for later in [quic, dns, ca, privileges::check()] {
        findings.extend(later);
    }
    findings
}

/// The way that traffic should take, and whether there is another.
async fn ways(plan: &Plan, targets: &[Target]) -> Findings {
    let (mut findings, direct) = match &plan.way {
        Way::Proxy { at, said_by } => {
            tokio::join!(proxy::check(at, said_by, plan.patience), direct::check(plan, targets))
        }
        Way::Unusable { said_by } => (proxy::unusable(said_by), direct::check(plan, targets).await),
        Way::Redirected => {
            let (direct, found) = redirected::check(plan, targets).await;
            (redirection(found), direct)
        }
    };
    findings.extend(direct);
    findings
}

/// What there is instead of a proxy.
fn redirection(found: Found) -> Findings {
    let mut findings = Findings::default();
    match found {
        Found::Redirected => findings.ok("proxy", "none is configured: connections are redirected to Sluice"),
        Found::Closed => findings.note(
            "proxy",
            "none is configured, and no connection is redirected: there is no way out at all",
            "with an explicit proxy, name it with --proxy HOST:PORT or HTTPS_PROXY; else, is Envoy running, and does the \
             firewall accept what it has redirected to 127.0.0.1?",
        ),
        Found::Unsure => findings.note(
            "proxy",
            "none is configured; whether connections are redirected to Sluice cannot be told",
            "see what follows; in enforce it can be told, and where TLS ends at Sluice with --ca FILE",
        ),
        Found::Open => findings.note(
            "proxy",
            "none is configured, and not every connection is redirected",
            "see what follows; with an explicit proxy, name it with --proxy HOST:PORT or HTTPS_PROXY",
        ),
    }
    findings
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Inside {
        #[command(flatten)]
        options: Options,
    }

    /// What a command line asks for.
    pub(super) fn options(line: &str) -> Options {
        let words = ["doctor", "--inside"].into_iter().chain(line.split_whitespace());
        Inside::try_parse_from(words).unwrap().options
    }

    impl Default for Plan {
        fn default() -> Self {
            Self {
                way: Way::Redirected,
                reach: Vec::new(),
                other_port: 22,
                resolvers: Vec::new(),
                terminating: false,
                ca: Vec::new(),
                patience: Duration::from_secs(30),
            }
        }
    }

    #[test]
    fn the_usual_places_are_tried_unless_others_are_given() {
        let shown = |line: &str| -> Vec<String> {
            let plan = Plan::new(&options(line), None).unwrap();
            plan.reach.iter().map(ToString::to_string).collect()
        };
        assert_eq!(shown("--transparent"), USUAL);
        assert_eq!(shown("--transparent --reach 192.0.2.1:5432"), ["192.0.2.1:5432"]);
    }

    #[test]
    fn patience_is_a_number_of_seconds() {
        assert_eq!(parse_patience("2"), Ok(Duration::from_secs(2)));
        assert_eq!(parse_patience("0.5"), Ok(Duration::from_millis(500)));
        for text in ["", "0", "-1", "61", "NaN", "inf", "2s"] {
            assert_eq!(parse_patience(text), Err(InvalidPatience), "{text}");
        }
    }

    #[test]
    fn without_a_proxy_it_says_what_there_is_instead() {
        for (found, status, said) in [
            (Found::Redirected, "ok", "are redirected"),
            (Found::Closed, "note", "no way out at all"),
            (Found::Unsure, "note", "cannot be told"),
            (Found::Open, "note", "not every connection"),
        ] {
            let findings = redirection(found);
            assert_eq!(findings.only().status, status);
            assert!(findings.only().said.contains(said));
        }
    }
}
