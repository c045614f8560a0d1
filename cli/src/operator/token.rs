//! `sluice token`: who may ask the collector.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sluice_collector::access::Scope;
use sluice_collector::moment::Moment;

use super::each::body;
use super::resources::parse_id;
use super::session::{Common, Format, print_list, print_object};
use super::spans::{Span, parse_time};
use crate::client::{Call, Fields, data};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// Make, list and revoke tokens
///
/// A token has a role and a scope. Viewers look, operators change policies, admins make tokens; a filter sends the
/// events of its resources and gets their policies, a relay passes on events of others. The scope is the tenant, one
/// resource, or the resources whose ids begin alike.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = r"EXAMPLES
  For the proxies of the build machines:
    sluice token create ci-proxies --role filter --scope 'sandbox/ci-*'

  For a colleague, for a month:
    sluice token create anna --role operator --for 30d

  Take one back:
    sluice token list
    sluice token revoke tok_5r0y8mq3zk1v9h2d";

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a token; it is printed once
    #[command(after_help = "EXAMPLES\n  sluice token create ci-proxies --role filter --scope 'sandbox/ci-*'")]
    Create(Create),
    /// List tokens, without their secrets
    #[command(after_help = "EXAMPLES\n  sluice token list")]
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Revoke tokens, at once
    #[command(after_help = "EXAMPLES\n  sluice token revoke tok_5r0y8mq3zk1v9h2d")]
    Revoke {
        /// Ids, as 'sluice token list' shows them
        #[arg(value_name = "ID", required = true, value_parser = parse_id)]
        ids: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// What people call it
    name: String,
    /// What it may do
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Role,
    /// Where: tenant, TYPE/ID, or TYPE/PREFIX*
    #[arg(long, value_name = "SCOPE", default_value = "tenant", value_parser = parse_scope)]
    scope: Scope,
    /// It ends at this time
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "span")]
    expires: Option<Moment>,
    /// It ends after this time, such as 12h or 30d
    #[arg(long = "for", id = "span", value_name = "SPAN", value_parser = Span::parse)]
    span: Option<Span>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    Viewer,
    Operator,
    Admin,
    Filter,
    Relay,
}

/// Reads where somebody may do something.
pub(super) fn parse_scope(text: &str) -> Result<Scope, &'static str> {
    text.parse().map_err(|_| "expected tenant, TYPE/ID, or TYPE/PREFIX*")
}

/// Does what the arguments name.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        Command::Create(arguments) => create(arguments),
        Command::List { common } => {
            let (session, format) = common.open()?;
            let rows = session.client.list(&Call::new("/tokens"))?;
            match format {
                Format::Json => print_list(&rows)?,
                Format::Table => {
                    let text = table(&rows);
                    output::result(|out| writeln!(out, "{text}"))?;
                }
            }
            Ok(Outcome::Done)
        }
        Command::Revoke { ids, common } => {
            let (session, format) = common.open()?;
            for id in ids {
                let path = format!("/tokens/{id}");
                session.client.delete(&Call::new(&path))?;
            }
            match format {
                Format::Json => print_object(&json!({"revoked": ids}))?,
                Format::Table => output::result(|out| writeln!(out, "revoked {}", ids.join(" ")))?,
            }
            Ok(Outcome::Done)
        }
    }
}

fn create(arguments: &Create) -> Result<Outcome, Failure> {
    let role = arguments.role.to_possible_value();
    let expires = arguments.expires.or_else(|| arguments.span.as_ref().map(Span::ends_at));
    let body = body([
        ("name", Some(arguments.name.as_str().into())),
        ("role", role.map(|role| role.get_name().into())),
        ("scope", Some(arguments.scope.to_string().into())),
        ("expires_at", expires.map(|time| time.to_string().into())),
    ]);
    let (session, format) = arguments.common.open()?;
    let token = data(session.client.post(&Call::new("/tokens"), &body)?);
    match format {
        Format::Json => print_object(&token)?,
        Format::Table => {
            // The secret alone, so that it can be put where it belongs.
            let secret = output::cell(token.some("token").or(token.some("secret")).unwrap_or_default());
            output::result(|out| writeln!(out, "{secret}"))?;
            output::message(format_args!(
                "this is shown once; its id is {}, for 'sluice token revoke'",
                output::cell(token.text("id"))
            ));
        }
    }
    Ok(Outcome::Done)
}

fn table(rows: &[Value]) -> Columns {
    let mut columns = Columns::new(&["ID", "NAME", "ROLE", "SCOPE", "CREATED", "BY", "EXPIRES", "REVOKED"]);
    for row in rows {
        let time = |name: &str| output::when(row.text(name));
        columns.row(&[
            &output::cell(row.text("id")),
            &output::cell(row.text("name")),
            &output::cell(row.text("role")),
            &output::cell(row.text("scope")),
            &time("created_at"),
            &output::cell(row.text("created_by")),
            &time("expires_at"),
            &time("revoked_at"),
        ]);
    }
    columns
}
