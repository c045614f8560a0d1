//! Operate: hosts on trial, rules that end by themselves, and the way back from a mistake.

use std::thread;
use std::time::Duration;

use super::Failed;
use super::stage::{Stage, says};

/// Between two tries, each of which is on record.
const PAUSE: Duration = Duration::from_millis(250);

/// All three.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failed> {
    warn_only(stage)?;
    expire(stage)?;
    roll_back(stage)
}

fn warn_only(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("A host on trial: it passes, and the record marks it");
    let line = "sluice allow new.example.com --warn-only --note 'on trial' --resource sandbox/sb_1";
    stage.operator.run(line)?.done(&["new.example.com"])?;
    stage.in_force("sb_1")?;
    stage.curl("sb_1", &format!("https://{}/", stage.tls("new.example.com")), "200")?;
    let path = "/egress/audit?resource_type=sandbox&resource_id=sb_1&action=warn";
    stage.known("the warning in the audit trail", path, |rows| rows.get(0).map(drop))?;
    let line = "sluice audit --action warn --resource sandbox/sb_1";
    stage.operator.run(line)?.done(&["warn", "new.example.com"]).map(drop)
}

fn expire(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("A rule for four seconds: it ends by itself, in the proxy");
    let line = "sluice allow brief.example.com --for 4s --resource sandbox/sb_1";
    stage.operator.run(line)?.done(&["brief.example.com"])?;
    stage.in_force("sb_1")?;
    let url = format!("https://{}/", stage.tls("brief.example.com"));
    stage.curl("sb_1", &url, "200")?;
    let line = format!(r"curl -qs -o /dev/null -w '%{{http_code}}' {url}");
    let inside = stage.inside("sb_1");
    stage.happens("the rule to end", || {
        thread::sleep(PAUSE);
        inside.quietly(&line).ok()?.gives(56, &["000"]).ok()
    })?;
    says("Four seconds later:");
    stage.curl("sb_1", &url, "000")
}

fn roll_back(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("Roll back: a mistake is undone in one step");
    let openai = format!("https://{}/v1/models", stage.tls("api.openai.com"));
    let line = "sluice deny '*.openai.com' --note 'meant for another sandbox' --resource sandbox/sb_1";
    stage.operator.run(line)?.done(&["openai.com"])?;
    stage.in_force("sb_1")?;
    stage.curl("sb_1", &openai, "000")?;
    stage
        .operator
        .run("sluice policy rollback --resource sandbox/sb_1 --note 'undo'")?
        .done(&["enforce"])?;
    stage.in_force("sb_1")?;
    stage.curl("sb_1", &openai, "200")?;
    says("Who changed what, when and why:");
    let history = stage.operator.run("sluice policy history --resource sandbox/sb_1")?;
    history.done(&["rollback", "lockdown", "reviewed"]).map(drop)
}
