//! `sluice approve`, `block` and `dismiss`: decisions on what is pending.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::each::body;
use super::resources::{Misuse, Targets, shown};
use super::session::{Common, Format, Session};
use super::simulate::host_cell;
use super::spans::Span;
use crate::client::{Call, ClientError, Fields, data};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// Allow what is pending
///
/// WHAT is the id or the host of a row of 'sluice pending'; a host means its rows of all resources, or of those that
/// --resource names. The rule allows the host on the ports that were tried, in the resource's own policy unless --scope
/// says otherwise, and it rules before the command returns.
#[derive(Debug, Args)]
#[command(after_help = APPROVE_EXAMPLES)]
pub(crate) struct ApproveArguments {
    #[command(flatten)]
    what: What,
    /// Allow this pattern instead of the host, such as '*.example.com'
    #[arg(long, value_name = "PATTERN")]
    pattern: Option<String>,
    /// Allow it on trial: the record marks what matches
    #[arg(long)]
    warn_only: bool,
    /// The rule ends after this time, such as 2h or 7d
    #[arg(long = "for", value_name = "SPAN", value_parser = Span::parse)]
    span: Option<Span>,
    /// Whose policy gets the rule
    #[arg(long, value_enum, value_name = "SCOPE", default_value = "resource")]
    scope: Scope,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// List it although a deny rule keeps it from passing
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

const APPROVE_EXAMPLES: &str = r"EXAMPLES
  As it was tried:
    sluice approve api.example.com --resource sandbox/sb_1

  For two hours, and for every sandbox made from the same template:
    sluice approve pen_5r0y8mq3zk1v9h2d --for 2h --scope template

  Everything below the name, for everybody, on trial:
    sluice approve api.example.com --pattern '*.example.com' --warn-only --scope tenant";

/// Deny what is pending, for good
///
/// Writes a deny rule into the resource's policy, so that it is no longer asked about and no allow lets it through.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES\n  sluice block paste.example.org --resource sandbox/sb_1")]
pub(crate) struct BlockArguments {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

/// Hide what is pending, without a rule
///
/// It stays rejected where it is not listed, and is hidden from 'sluice pending'; --all shows it.
#[derive(Debug, Args)]
#[command(after_help = "EXAMPLES\n  sluice dismiss telemetry.example.net\n  sluice dismiss pen_5r0y8mq3zk1v9h2d")]
pub(crate) struct DismissArguments {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct What {
    /// Ids or hosts of 'sluice pending'
    #[arg(value_name = "WHAT", required = true)]
    what: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// The resource's own
    Resource,
    /// That of the template it was made from
    Template,
    /// The tenant's
    Tenant,
}

/// Makes allow rules.
pub(crate) fn approve(arguments: &ApproveArguments) -> Result<Outcome, Failure> {
    let scope = arguments.scope.to_possible_value();
    let body = body([
        ("pattern", arguments.pattern.as_deref().map(Value::from)),
        ("warn_only", arguments.warn_only.then_some(true.into())),
        (
            "expires_at",
            arguments.span.as_ref().map(|span| span.ends_at().to_string().into()),
        ),
        ("scope", scope.map(|scope| scope.get_name().into())),
        ("note", arguments.note.as_deref().map(Value::from)),
        ("force", arguments.force.then_some(true.into())),
    ]);
    let (session, format) = arguments.common.open()?;
    let mut rows = find(&session, &arguments.what, &arguments.targets)?;
    if arguments.scope == Scope::Tenant {
        // One rule of the tenant's answers for the host everywhere.
        let mut hosts = Vec::new();
        rows.retain(|row| {
            let host = host_cell(row);
            let new = !hosts.contains(&host);
            hosts.push(host);
            new
        });
    }
    decide(&session, format, &rows, "approve", "approved", &body)
}

/// Makes deny rules.
pub(crate) fn block(BlockArguments { what, targets, common }: &BlockArguments) -> Result<Outcome, Failure> {
    let (session, format) = common.open()?;
    let rows = find(&session, what, targets)?;
    decide(&session, format, &rows, "block", "blocked", &json!({}))
}

/// Makes no rules.
pub(crate) fn dismiss(DismissArguments { what, targets, common }: &DismissArguments) -> Result<Outcome, Failure> {
    let (session, format) = common.open()?;
    let rows = find(&session, what, targets)?;
    decide(&session, format, &rows, "dismiss", "dismissed", &json!({}))
}

/// The rows of the pending list that are meant, each once.
fn find(session: &Session, what: &What, targets: &Targets) -> Result<Vec<Value>, Failure> {
    let is_meant = targets.filter(session)?;
    let rows = session.client.list(&Call::new("/egress/pending"))?;
    let rows: Vec<Value> = rows.into_iter().filter(is_meant).collect();
    let mut found: Vec<Value> = Vec::new();
    for what in &what.what {
        let by_id: Vec<&Value> = rows.iter().filter(|row| row.text("id") == what).collect();
        let name = what.to_ascii_lowercase();
        let by_host = rows.iter().filter(|row| row.text("host") == name).collect();
        let these = if by_id.is_empty() { by_host } else { by_id };
        if these.is_empty() {
            return Err(Misuse::NotPending(what.clone()).into());
        }
        for row in these {
            if found.iter().all(|had| had.text("id") != row.text("id")) {
                found.push(row.clone());
            }
        }
    }
    Ok(found)
}

fn decide(
    session: &Session,
    format: Format,
    rows: &[Value],
    verb: &str,
    status: &str,
    body: &Value,
) -> Result<Outcome, Failure> {
    let mut results = Vec::with_capacity(rows.len());
    for row in rows {
        let path = format!("/egress/pending/{}/{verb}", row.text("id"));
        let (status, answer, error) = match session.client.post(&Call::new(&path), body) {
            Ok(answer) => (status, data(answer), Value::Null),
            Err(ClientError::Api(error)) if rows.len() > 1 => ("failed", Value::Null, error.document()),
            Err(error) => return Err(error.into()),
        };
        results.push(json!({
            "id": row.text("id"),
            "host": row.field("host"),
            "raw": row.field("raw"),
            "resource_type": row.text("resource_type"),
            "resource_id": row.text("resource_id"),
            "status": status,
            "answer": answer,
            "error": error,
        }));
    }
    match format {
        Format::Json => output::json(&json!({"data": {"results": results}}))?,
        Format::Table => {
            let text = table(&results);
            output::result(|out| writeln!(out, "{text}"))?;
        }
    }
    Ok(Outcome::no_if(
        results.iter().any(|result| result.text("status") == "failed"),
    ))
}

fn table(results: &[Value]) -> Columns {
    let mut columns = Columns::new(&["HOST", "RESOURCE", "STATUS", "REMARK"]);
    for result in results {
        let error = result.field("error");
        let mut remarks = result.field("answer").words("warnings");
        remarks.extend(
            error
                .some("message")
                .map(|message| format!("{}: {message}", error.text("code"))),
        );
        columns.row(&[
            &host_cell(result),
            &shown(result),
            &result.text("status"),
            &output::cell(&remarks.join("; ")),
        ]);
    }
    columns
}
