//! `sluice explain`: why one target is decided as it is.

mod ask;
mod text;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sluice_collector::resource::Resource;
use sluice_harness::explain::{Given, Question, Report, is_url_without_scheme};
use sluice_policy::{Policy, Surroundings, Timestamp};

use crate::arguments::{now, parse_moment};
use crate::bytes::Bytes;
use crate::client::Connection;
use crate::failure::Failure;
use crate::operator::{Misuse, parse_resource};
use crate::outcome::Outcome;
use crate::{output, policy};

/// Explain what a policy says of one target, and why
///
/// Judges TARGET byte for byte as the filter in Envoy would, and says what became of it, which rule decided, which
/// other rules matched and why they lost, or which rule came nearest. An http:// URL is a request in clear, GET unless
/// --method says otherwise. An https:// URL or a plain authority is an opaque connection, of which method and path
/// are not visible, unless --method or --path is given. Without a port it is 80 for http:// and 443 otherwise.
/// With --resource the collector is asked, which knows the policy in force. The exit code is 0 whatever the decision.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = clap::ArgGroup::new("by").required(true))]
pub(crate) struct Arguments {
    /// An authority (host or host:port) or a URL; \xNN stands for one byte, so that any byte can be typed
    #[arg(required_unless_present = "sni", value_parser = Bytes::parser())]
    target: Option<Bytes>,
    /// The policy, a JSON file; '-' is stdin
    #[arg(long, value_name = "FILE", group = "by")]
    policy: Option<PathBuf>,
    /// The policy in force for this resource, the tenant's included: asks the collector
    #[arg(long, value_name = "TYPE/ID", group = "by", value_parser = parse_resource)]
    resource: Option<Resource>,
    /// The method of a request that is visible; CONNECT is an opaque connection that needs a port
    #[arg(long, value_name = "METHOD", value_parser = Bytes::parser())]
    method: Option<Bytes>,
    /// The path, with its query, of a request that is visible
    #[arg(long, value_name = "PATH", value_parser = Bytes::parser())]
    path: Option<Bytes>,
    /// The server name of a TLS connection, which is then what is decided on; TARGET gives the port
    #[arg(long, value_name = "NAME", conflicts_with_all = ["method", "path"], value_parser = Bytes::parser())]
    sni: Option<Bytes>,
    /// When it is, for rules that expire: an RFC 3339 time with zone, or 'now'
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    at: Option<Timestamp>,
    /// How the answer is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    connection: Connection,
}

const EXAMPLES: &str = r"EXAMPLES
  A connection through an HTTPS proxy:
    sluice explain api.example.com --policy policy.json

  A plain request, and one inside TLS that ends at the proxy:
    sluice explain http://api.example.com/v1/models --policy policy.json
    sluice explain https://api.example.com/v1/models --method POST --policy policy.json

  A TLS connection by its server name, on port 8443:
    sluice explain 192.0.2.1:8443 --sni api.example.com --policy policy.json

  Whether a trial still runs next year:
    sluice explain api.example.com --policy policy.json --at 2027-01-01T00:00:00Z

  By the policy that a running sandbox has:
    sluice explain api.example.com --resource sandbox/sb_1

  Bytes that no keyboard has, and a host that begins with a hyphen:
    sluice explain 'api.example.com\x00.example.org' --policy policy.json
    sluice explain --policy policy.json -- -a.example.com";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One document: the decision, the canonical target and every rule that matched
    Json,
}

/// Decides and explains.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    let given = |argument| Option::as_ref(argument).map(|Bytes(bytes)| bytes.as_slice());
    let target = given(&arguments.target);
    let question = Question::of(Given {
        target,
        method: given(&arguments.method),
        path: given(&arguments.path),
        sni: given(&arguments.sni),
    })?;
    tell_of_scheme(arguments.target.as_ref());
    match (&arguments.policy, &arguments.resource) {
        (Some(path), _) => by_file(arguments, &question, path),
        (None, Some(resource)) => ask::run(arguments, resource),
        // clap asks for one of them.
        (None, None) => Err(Misuse::NoTarget.into()),
    }
}

fn tell_of_scheme(target: Option<&Bytes>) {
    if target.is_some_and(|target| is_url_without_scheme(&target.0)) {
        output::message("TARGET is judged as an authority; if it is a URL, begin it with https:// or http://");
    }
}

fn by_file(arguments: &Arguments, question: &Question, path: &Path) -> Result<Outcome, Failure> {
    let document = policy::load(path)?;
    let policy = Policy::compile(&document).map_err(|problems| Failure::Policy {
        path: path.to_owned(),
        problems,
    })?;
    let at = arguments.at.unwrap_or_else(now);
    let around = Surroundings::new(question.default_port);
    let explanation = policy.explain(&question.sighting.seen(), &around, at);
    match arguments.format {
        Format::Json => output::json(&Report::new(explanation, &question.sighting))?,
        Format::Text => {
            let text = text::of(&explanation, &question.sighting);
            output::result(|out| out.write_all(text.as_bytes()))?;
        }
    }
    Ok(Outcome::Done)
}
