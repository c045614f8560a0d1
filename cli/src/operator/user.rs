//! `sluice user`: people who sign in to the console with a password.

mod password;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use sluice_collector::access::Scope;

use super::each::body;
use super::resources::Misuse;
use super::session::{Common, Format, Session, print_list, print_object};
use super::token::parse_scope;
use crate::client::{Call, Fields, data};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// Add, list and remove people, and set their passwords
///
/// People sign in to the console in a browser with a name and a password; the command line and other programs have
/// tokens. A person has a role and a scope as a token has: viewers look, operators change policies, admins make tokens
/// and add people. A password is read from stdin, or asked for at a terminal; it is never an argument, which others on
/// the machine could see.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = r"EXAMPLES
  Add a colleague; the password is asked for:
    sluice user create anna --role operator

  With a password of a file, for some resources only:
    sluice user create bob@example.com --role viewer --scope 'sandbox/ci-*' < password.txt

  Who is there, and take one away again:
    sluice user list
    sluice user remove anna";

#[derive(Debug, Subcommand)]
enum Command {
    /// Add somebody; reads the password from stdin, or asks for it
    #[command(after_help = "EXAMPLES\n  sluice user create anna --role operator")]
    Create(Create),
    /// List people
    #[command(after_help = "EXAMPLES\n  sluice user list")]
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Set somebody's password, which signs them out; reads it from stdin, or asks for it
    #[command(after_help = "EXAMPLES\n  sluice user password anna\n  sluice user password anna < password.txt")]
    Password {
        /// The name, or the id that 'sluice user list' shows
        name: String,
        #[command(flatten)]
        common: Common,
    },
    /// Remove people, which signs them out
    #[command(after_help = "EXAMPLES\n  sluice user remove anna")]
    Remove {
        /// Names, or ids as 'sluice user list' shows them
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// What they sign in with; upper and lower case are the same
    name: String,
    /// What they may do
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Role,
    /// Where: tenant, TYPE/ID, or TYPE/PREFIX*
    #[arg(long, value_name = "SCOPE", default_value = "tenant", value_parser = parse_scope)]
    scope: Scope,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    Viewer,
    Operator,
    Admin,
}

/// Does what the arguments name.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        Command::Create(arguments) => create(arguments),
        Command::List { common } => list(common),
        Command::Password { name, common } => set(name, common),
        Command::Remove { names, common } => remove(names, common),
    }
}

fn create(arguments: &Create) -> Result<Outcome, Failure> {
    let role = arguments.role.to_possible_value();
    let (session, format) = arguments.common.open()?;
    let password = password::read(&arguments.name)?;
    let body = body([
        ("name", Some(arguments.name.as_str().into())),
        ("password", Some(password.into())),
        ("role", role.map(|role| role.get_name().into())),
        ("scope", Some(arguments.scope.to_string().into())),
    ]);
    let user = data(session.client.post(&Call::new("/users"), &body)?);
    match format {
        Format::Json => print_object(&user)?,
        Format::Table => {
            let [name, id, role, scope] = ["name", "id", "role", "scope"].map(|member| output::cell(user.text(member)));
            output::result(|out| writeln!(out, "added {name} ({id}), {role} of {scope}"))?;
        }
    }
    Ok(Outcome::Done)
}

fn list(common: &Common) -> Result<Outcome, Failure> {
    let (session, format) = common.open()?;
    let rows = session.client.list(&Call::new("/users"))?;
    match format {
        Format::Json => print_list(&rows)?,
        Format::Table => {
            let text = table(&rows);
            output::result(|out| writeln!(out, "{text}"))?;
        }
    }
    Ok(Outcome::Done)
}

fn set(name: &str, common: &Common) -> Result<Outcome, Failure> {
    let (session, format) = common.open()?;
    // First, so that nobody types a password for somebody who is not there.
    let user = find(&session, name)?;
    let body = body([("password", Some(password::read(name)?.into()))]);
    let path = format!("/users/{}", user.text("id"));
    let user = data(session.client.patch(&Call::new(&path), &body)?);
    match format {
        Format::Json => print_object(&user)?,
        Format::Table => {
            let name = output::cell(user.text("name"));
            output::result(|out| writeln!(out, "{name} has a new password and must sign in with it"))?;
        }
    }
    Ok(Outcome::Done)
}

fn remove(names: &[String], common: &Common) -> Result<Outcome, Failure> {
    let (session, format) = common.open()?;
    let found: Result<Vec<Value>, Failure> = names.iter().map(|name| find(&session, name)).collect();
    let mut removed = Vec::new();
    for user in found? {
        let path = format!("/users/{}", user.text("id"));
        session.client.delete(&Call::new(&path))?;
        removed.push(user.text("name").to_owned());
    }
    match format {
        Format::Json => print_object(&json!({"removed": removed}))?,
        Format::Table => output::result(|out| writeln!(out, "removed {}", output::cell(&removed.join(" "))))?,
    }
    Ok(Outcome::Done)
}

/// Who has this name or id.
fn find(session: &Session, name: &str) -> Result<Value, Failure> {
    let rows = session.client.list(&Call::new("/users"))?;
    let has = |row: &Value| row.text("name").eq_ignore_ascii_case(name) || row.text("id") == name;
    let found = rows.into_iter().find(has);
    found.ok_or_else(|| Misuse::NoUser(name.to_owned()).into())
}

fn table(rows: &[Value]) -> Columns {
    let mut columns = Columns::new(&["ID", "NAME", "ROLE", "SCOPE", "CREATED", "BY", "CHANGED", "DISABLED"]);
    for row in rows {
        let time = |name: &str| output::when(row.text(name));
        columns.row(&[
            &output::cell(row.text("id")),
            &output::cell(row.text("name")),
            &output::cell(row.text("role")),
            &output::cell(row.text("scope")),
            &time("created_at"),
            &output::cell(row.text("created_by")),
            &time("changed_at"),
            &time("disabled_at"),
        ]);
    }
    columns
}
