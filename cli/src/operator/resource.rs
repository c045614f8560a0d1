//! `sluice resource`: what the collector knows, and makes known.

use clap::{Args, Subcommand};
use serde_json::Value;
use sluice_collector::resource::Resource;

use super::each::body;
use super::resources::{Targets, parse_id, parse_resource, shown};
use super::session::{Common, Format, print_list, print_object};
use crate::client::{Call, Fields, data};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// List, show and register resources
///
/// A resource is a workload that is governed, such as sandbox/sb_1. The collector learns of one by its first event or
/// when its proxy asks for a policy. Registering it before that gives it a name, and the policy of a template.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = r"EXAMPLES
  What is there:
    sluice resource list

  A new sandbox that begins with the policy of template/python:
    sluice resource register sandbox/sb_2 --template python --name build
    sluice resource show sandbox/sb_2";

#[derive(Debug, Subcommand)]
enum Command {
    /// List resources
    #[command(after_help = "EXAMPLES\n  sluice resource list --resource 'sandbox/ci-*'")]
    List {
        #[command(flatten)]
        targets: Targets,
        #[command(flatten)]
        common: Common,
    },
    /// Show one resource
    #[command(after_help = "EXAMPLES\n  sluice resource show sandbox/sb_2")]
    Show {
        /// The resource
        #[arg(value_name = "TYPE/ID", value_parser = parse_resource)]
        resource: Resource,
        #[command(flatten)]
        common: Common,
    },
    /// Register a resource, or change its name
    #[command(after_help = "EXAMPLES\n  sluice resource register sandbox/sb_2 --template python --name build")]
    Register {
        /// The resource
        #[arg(value_name = "TYPE/ID", value_parser = parse_resource)]
        resource: Resource,
        /// The template whose policy it begins with
        #[arg(long, value_name = "ID", value_parser = parse_id)]
        template: Option<String>,
        /// What people call it
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        common: Common,
    },
}

/// Asks and prints.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        Command::List { targets, common } => {
            let (session, format) = common.open()?;
            let is_meant = targets.filter(&session)?;
            let rows = session.client.list(&Call::new("/egress/resources"))?;
            let rows: Vec<Value> = rows.into_iter().filter(is_meant).collect();
            match format {
                Format::Json => print_list(&rows)?,
                Format::Table => {
                    let text = table(&rows);
                    output::result(|out| writeln!(out, "{text}"))?;
                }
            }
        }
        Command::Show { resource, common } => {
            let (session, format) = common.open()?;
            let row = session.client.object(&Call::new(&path(resource)))?;
            print(format, &row)?;
        }
        Command::Register {
            resource,
            template,
            name,
            common,
        } => {
            let (session, format) = common.open()?;
            let text = |text: &Option<String>| text.as_deref().map(Value::from);
            let body = body([("template", text(template)), ("name", text(name))]);
            let row = data(session.client.put(&Call::new(&path(resource)), &body)?);
            print(format, &row)?;
        }
    }
    Ok(Outcome::Done)
}

fn path(Resource { kind, id }: &Resource) -> String {
    let id = if id.is_empty() { kind } else { id };
    format!("/egress/resources/{kind}/{id}")
}

fn print(format: Format, row: &Value) -> Result<(), Failure> {
    match format {
        Format::Json => print_object(row),
        Format::Table => {
            let text = table(std::slice::from_ref(row));
            output::result(|out| writeln!(out, "{text}"))
        }
    }
}

fn table(rows: &[Value]) -> Columns {
    let mut columns = Columns::new(&["RESOURCE", "NAME", "TEMPLATE", "CREATED", "LAST SEEN"]);
    for row in rows {
        columns.row(&[
            &shown(row),
            &output::cell(row.text("name")),
            &output::cell(row.text("template")),
            &output::when(row.text("created_at")),
            &output::when(row.text("last_seen")),
        ]);
    }
    columns
}
