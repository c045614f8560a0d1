//! The question, put to a collector.

use serde_json::Value;
use sluice_collector::resource::Resource;

use super::{Arguments, Format};
use crate::bytes::{Bytes, printable};
use crate::client::{Call, Fields, data};
use crate::failure::Failure;
use crate::operator::{Misuse, Session, body_of, by_cell, host_cell, port_cell};
use crate::outcome::Outcome;
use crate::output;
use crate::table::Columns;

/// Asks and prints.
pub(super) fn run(arguments: &Arguments, resource: &Resource) -> Result<Outcome, Failure> {
    let mut question = body_of(resource);
    for (name, given) in [
        ("target", &arguments.target),
        ("method", &arguments.method),
        ("path", &arguments.path),
        ("sni", &arguments.sni),
    ] {
        if let Some(given) = given {
            question.insert(name.to_owned(), text(name, given)?.into());
        }
    }
    if let Some(at) = arguments.at {
        let at = sluice_collector::moment::Moment(at.micros());
        question.insert("at".to_owned(), at.to_string().into());
    }
    let session = Session::open(&arguments.connection)?;
    let answer = data(session.client.post(&Call::new("/egress/explain"), &question.into())?);
    match arguments.format {
        Format::Json => output::json(&answer)?,
        Format::Text => output::result(|out| out.write_all(said(&answer).as_bytes()))?,
    }
    Ok(Outcome::Done)
}

/// JSON carries text only.
fn text(name: &'static str, given: &Bytes) -> Result<String, Failure> {
    let text = String::from_utf8(given.0.clone());
    text.map_err(|_| Misuse::NotText(name).into())
}

fn said(answer: &Value) -> String {
    let action = match (answer.text("action"), answer.flag("would_reject")) {
        ("allow", true) => "allow, would reject".to_owned(),
        (action, _) => output::cell(action),
    };
    let mut text = format!("{action}: {}", host_cell(answer));
    let port = port_cell(answer);
    if !port.is_empty() {
        text.push_str(&format!(" port {port}"));
    }
    let by = by_cell(answer);
    text.push_str(&format!(" by {}", if by.is_empty() { "default_effect" } else { &by }));
    if let Some(mode) = answer.some("mode") {
        text.push_str(&format!(" ({})", output::cell(mode)));
    }
    text.push_str("\n\n");
    let canonical = answer.field("canonical");
    if let Some(reason) = canonical.some("reason") {
        text.push_str(&format!("canonical  none: {}\n", output::cell(reason)));
    } else if let Some(host) = canonical.some("host") {
        let kind = output::cell(canonical.text("kind"));
        text.push_str(&format!(
            "canonical  {kind} {}, port {}\n",
            printable(host),
            canonical.number("port")
        ));
    }
    match answer.list("matches") {
        [] => text.push_str("matches    no rule\n"),
        rules => text.push_str(&format!("matches    the strongest first\n\n{}\n", matches(rules))),
    }
    text
}

fn matches(rules: &[Value]) -> Columns {
    let mut columns = Columns::new(&["", "RULE", "SCOPE", "EFFECT", "HOST", "WHY"]);
    for rule in rules {
        let cell = |name: &str| output::cell(rule.text(name));
        columns.row(&[
            &if rule.flag("won") { "won" } else { "lost" },
            &cell("rule_id"),
            &cell("scope"),
            &cell("effect"),
            &cell("host"),
            &cell("why"),
        ]);
    }
    columns
}
