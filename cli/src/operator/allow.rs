//! `sluice allow` and `sluice deny`: rules, one at a time.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use sluice_collector::moment::Moment;
use sluice_collector::resource::Resource;
use sluice_harness::progress::Progress;
use sluice_policy::HostPattern;

use super::resources::{Misuse, Targets, body_of};
use super::session::{Common, Format};
use super::spans::{Span, parse_time};
use crate::arguments::parse_block;
use crate::client::{Call, Client, ClientError, Fields, data};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;
use crate::progress::Bar;
use crate::table::Columns;

/// What a rule looks at beside the host, and how long.
#[derive(Debug, Args)]
struct Rule {
    /// Hosts: names, '*.example.com' for everything below a name, addresses or CIDR blocks
    #[arg(value_name = "HOST", required = true)]
    hosts: Vec<String>,
    /// Only this port; can be given again
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Vec<u16>,
    /// Only this method, where it is visible; can be given again
    #[arg(long, value_name = "METHOD")]
    method: Vec<String>,
    /// Only paths of this pattern, where they are visible
    #[arg(long, value_name = "GLOB")]
    path: Option<String>,
    /// The rule ends at this time
    #[arg(long, value_name = "TIME", value_parser = parse_time, conflicts_with = "span")]
    expires: Option<Moment>,
    /// The rule ends after this time, such as 2h or 7d
    #[arg(long = "for", id = "span", value_name = "SPAN", value_parser = Span::parse)]
    span: Option<Span>,
    /// Why, for whoever reads the rule
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// List hosts, so that they pass
///
/// Adds an allow rule for each HOST to the policy of each resource. A resource without a policy of its own gets one
/// with the mode in force. The same rule given again changes nothing. With --warn-only what matches passes and is
/// marked; with --for or --expires the rule ends by itself.
#[derive(Debug, Args)]
#[command(after_help = ALLOW_EXAMPLES)]
pub(crate) struct AllowArguments {
    #[command(flatten)]
    rule: Rule,
    /// Allow it on trial: the record marks what matches
    #[arg(long)]
    warn_only: bool,
    /// A private block that the names may resolve to, such as 10.2.0.0/16; can be given again
    #[arg(long, value_name = "BLOCK", value_parser = parse_block)]
    resolves_to: Vec<String>,
    /// What the rule does
    #[arg(long, value_enum, value_name = "EFFECT", default_value = "allow")]
    effect: Effect,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

const ALLOW_EXAMPLES: &str = r"EXAMPLES
  A host that was forgotten:
    sluice allow api.example.com --resource sandbox/sb_1

  One port, and reading only, for everybody:
    sluice allow git.example.com --port 443 --method GET --path '/repos/**' --tenant

  A database inside, whose name leads to a private address:
    sluice allow db.corp.example.com --port 5432 --resolves-to 10.2.0.0/16 --resource sandbox/sb_1

  On trial for a week:
    sluice allow '*.example.net' --warn-only --for 7d --note 'ask ops' --resource sandbox/sb_1";

/// Deny hosts, whatever allows them
///
/// Adds a deny rule for each HOST to the policy of each resource. A deny beats every allow, however specific that is;
/// in the tenant's policy it is a guardrail for all resources.
#[derive(Debug, Args)]
#[command(after_help = DENY_EXAMPLES)]
pub(crate) struct DenyArguments {
    #[command(flatten)]
    rule: Rule,
    #[command(flatten)]
    targets: Targets,
    #[command(flatten)]
    common: Common,
}

const DENY_EXAMPLES: &str = r"EXAMPLES
  Cloud metadata, for everybody:
    sluice deny 169.254.169.254 --tenant --note 'cloud metadata'

  A host for the time of an investigation:
    sluice deny paste.example.org --for 24h --resource 'sandbox/ci-*'";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Effect {
    Allow,
    Deny,
}

/// What a rule does, which only an allow can do in more than one way.
struct Kind<'a> {
    effect: Effect,
    warn_only: bool,
    resolves_to: &'a [String],
}

/// Adds allow rules.
pub(crate) fn allow(arguments: &AllowArguments) -> Result<Outcome, Failure> {
    let AllowArguments {
        rule,
        warn_only,
        resolves_to,
        effect,
        targets,
        common,
    } = arguments;
    let kind = Kind {
        effect: *effect,
        warn_only: *warn_only,
        resolves_to,
    };
    add(rule, &kind, targets, common)
}

/// Adds deny rules.
pub(crate) fn deny(arguments: &DenyArguments) -> Result<Outcome, Failure> {
    let DenyArguments { rule, targets, common } = arguments;
    let kind = Kind {
        effect: Effect::Deny,
        warn_only: false,
        resolves_to: &[],
    };
    add(rule, &kind, targets, common)
}

fn add(rule: &Rule, kind: &Kind<'_>, targets: &Targets, common: &Common) -> Result<Outcome, Failure> {
    for host in &rule.hosts {
        // Before the first rule is made: half of a list is harder to mend than none.
        HostPattern::parse(host).map_err(|error| Misuse::Host {
            host: host.clone(),
            error: error.to_string(),
        })?;
    }
    let (session, format) = common.open()?;
    let resources = targets.needed(&session)?;
    let wanted = rule.hosts.len() * resources.len();
    let bar = Bar::new();
    bar.begin(wanted);
    let mut results = Vec::with_capacity(wanted);
    for resource in &resources {
        for host in &rule.hosts {
            let body = rule.body(host, kind, resource);
            let posted = post(&session.client, &body);
            results.push(match posted {
                Err(error) if wanted > 1 && error.api().is_some() => Added::failed(host, resource, &error),
                posted => Added::done(host, resource, posted?),
            });
            bar.advance(1);
        }
    }
    drop(bar);
    print(format, &results)?;
    Ok(Outcome::no_if(results.iter().any(|result| result.status == "failed")))
}

fn post(client: &Client, body: &Value) -> Result<(bool, Value), ClientError> {
    let (created, answer) = client.create(&Call::new("/egress/allowlist"), body)?;
    Ok((created, data(answer)))
}

impl Rule {
    fn body(&self, host: &str, kind: &Kind<'_>, resource: &Resource) -> Value {
        let expires = self.expires.or_else(|| self.span.as_ref().map(Span::ends_at));
        let mut body = body_of(resource);
        let members = json!({
            "host": host,
            "effect": match kind.effect { Effect::Allow => "allow", Effect::Deny => "deny" },
            "ports": self.port,
            "methods": self.method,
            "path_glob": self.path,
            "warn_only": kind.warn_only,
            "resolves_to": Some(kind.resolves_to).filter(|blocks| !blocks.is_empty()),
            "expires_at": expires.map(|time| time.to_string()),
            "note": self.note,
        });
        // What says nothing is left out: null is no text, and a deny has no warn_only.
        let said = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
        if let Value::Object(members) = members {
            body.extend(members.into_iter().filter(|(_, value)| said(value)));
        }
        body.into()
    }
}

/// What became of one rule.
struct Added {
    host: String,
    resource: Resource,
    status: &'static str,
    rule: Value,
    error: Value,
}

impl Added {
    fn done(host: &str, resource: &Resource, (created, rule): (bool, Value)) -> Self {
        Self {
            host: host.to_owned(),
            resource: resource.clone(),
            status: if created { "created" } else { "exists" },
            rule,
            error: Value::Null,
        }
    }

    fn failed(host: &str, resource: &Resource, error: &ClientError) -> Self {
        Self {
            host: host.to_owned(),
            resource: resource.clone(),
            status: "failed",
            rule: Value::Null,
            error: error.api().map_or(Value::Null, |error| error.document()),
        }
    }
}

fn print(format: Format, results: &[Added]) -> Result<(), Failure> {
    if format == Format::Json {
        let rows = results.iter().map(|result| {
            json!({
                "host": result.host,
                "resource_type": result.resource.kind,
                "resource_id": result.resource.id,
                "status": result.status,
                "rule": result.rule,
                "error": result.error,
            })
        });
        let rows: Vec<Value> = rows.collect();
        return output::json(&json!({"data": {"results": rows}}));
    }
    let mut columns = Columns::new(&["HOST", "RESOURCE", "STATUS", "RULE", "REMARK"]);
    for result in results {
        let mut remarks: Vec<String> = result
            .rule
            .words("warnings")
            .iter()
            .map(|text| output::cell(text))
            .collect();
        if let Some(message) = result.error.some("message") {
            remarks.push(output::cell(&format!("{}: {message}", result.error.text("code"))));
        }
        columns.row(&[
            &output::cell(&result.host),
            &result.resource,
            &result.status,
            &output::cell(result.rule.text("id")),
            &remarks.join("; "),
        ]);
    }
    output::result(|out| writeln!(out, "{columns}"))
}
