//! Observe and review: a sandbox at work, and what the collector makes of it.

use std::error::Error;
use std::fs;

use serde_json::{Map, Value};

use super::Failed;
use super::stage::{Stage, says};

/// Requests that the sandbox makes while it is observed.
const REQUESTS: usize = 7;

/// From the first request to a policy that could be applied.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failed> {
    observe(stage)?;
    review(stage)?;
    simulate(stage)
}

fn observe(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("Observe: the sandbox works, everything passes and is recorded");
    stage.sandbox("sb_1")?;
    let (github, openai) = (stage.plain("api.github.com"), stage.tls("api.openai.com"));
    stage.inside("sb_1").show_exports();
    for _ in 0..3 {
        stage.curl("sb_1", &format!("http://{github}/repos/a/b"), "200")?;
        stage.curl("sb_1", &format!("https://{openai}/v1/models"), "200")?;
    }
    stage.curl(
        "sb_1",
        &format!("https://{}/", stage.tls("unlisted.example.com")),
        "200",
    )?;
    let path = "/egress/audit?resource_type=sandbox&resource_id=sb_1";
    stage.known("all requests in the audit trail", path, |rows| {
        (rows.as_array()?.len() >= REQUESTS).then_some(())
    })?;
    says("Each request is on record, with what enforce would have done.");
    let audit = stage.operator.run("sluice audit --resource sandbox/sb_1")?;
    audit.done(&["unlisted.example.com", "default_deny"]).map(drop)
}

fn review(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("Review: what did it talk to, and what of it should stay?");
    let suggestions = stage.operator.run("sluice suggestions --resource sandbox/sb_1")?;
    suggestions.done(&[
        "api.github.com",
        "api.openai.com",
        "unlisted.example.com",
        "question",
        "keep",
    ])?;
    says("Was it watched for long enough? Seconds are not a week, and it says so.");
    stage
        .operator
        .run("sluice coverage --resource sandbox/sb_1")?
        .done(&["full week"])?;
    Ok(())
}

fn simulate(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("Simulate: what would a lockdown have broken?");
    says("With no rule at all, everything.");
    let line = "sluice simulate --lockdown --resource sandbox/sb_1";
    stage.operator.run(line)?.done(&["3 destinations would be rejected"])?;
    says("So: the suggestions as a file. An editor takes out the host that nobody can explain, and the mode,");
    println!("# so that applying the file lists the hosts and blocks nothing yet.");
    let line = "sluice suggestions --resource sandbox/sb_1 --format policy > policy.json";
    stage.operator.run(line)?.done(&[])?;
    edit(stage, "unlisted.example.com")?;
    stage
        .operator
        .run("cat policy.json")?
        .done(&["api.github.com", "api.openai.com"])?;
    let line = "sluice simulate policy.json --resource sandbox/sb_1";
    let simulated = stage.operator.run(line)?;
    simulated
        .done(&["unlisted.example.com", "1 destination would be rejected"])
        .map(drop)
}

/// What a person does in an editor.
fn edit(stage: &Stage, host: &str) -> Result<(), Failed> {
    let file = stage.file("policy.json");
    let failed = |error: &dyn Error| Failed::new(format!("policy.json: {error}"));
    let text = fs::read_to_string(&file).map_err(|error| failed(&error))?;
    let mut policy: Map<String, Value> = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    policy.remove("mode");
    let rules = policy.get_mut("rules").and_then(Value::as_array_mut);
    let rules = rules.ok_or_else(|| Failed::new("policy.json has no rules"))?;
    rules.retain(|rule| rule["host"] != host);
    let text = serde_json::to_string_pretty(&policy).map_err(|error| failed(&error))?;
    fs::write(&file, text + "\n").map_err(|error| failed(&error))
}
