//! Many sandboxes: one policy cloned, inherited from a template, and what the tenant says for all.

use super::Failed;
use super::stage::{Stage, says};

/// Clones, inherits, and guards.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failed> {
    clone(stage)?;
    inherit(stage)?;
    guard(stage)?;
    default(stage)
}

fn clone(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("Clone: the same policy for the other sandboxes");
    for id in ["sb_2", "sb_3"] {
        stage.sandbox(id)?;
        stage.curl(id, &unlisted(stage), "200")?;
    }
    let line = "sluice policy clone sandbox/sb_1 --resource 'sandbox/sb_*'";
    stage
        .operator
        .run(line)?
        .done(&["sandbox/sb_2", "sandbox/sb_3", "changed 2"])?;
    for id in ["sb_2", "sb_3"] {
        stage.in_force(id)?;
        stage.curl(id, &listed(stage), "200")?;
        stage.curl(id, &unlisted(stage), "000")?;
    }
    Ok(())
}

fn inherit(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("Inherit: what is made from a template begins locked down");
    stage
        .operator
        .run("sluice policy clone sandbox/sb_1 --resource template/python")?
        .done(&["template/python"])?;
    let line = "sluice resource register sandbox/sb_4 --template python --name build";
    stage.operator.run(line)?.done(&["sb_4"])?;
    stage.sandbox("sb_4")?;
    says("Its very first requests:");
    stage.curl("sb_4", &unlisted(stage), "000")?;
    stage.curl("sb_4", &listed(stage), "200")
}

fn guard(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("The tenant's guardrail: a rule for everybody, which no allow can open");
    let line = "sluice deny 169.254.169.254 --tenant --note 'cloud metadata'";
    let made = stage.operator.run(line)?.done(&["169.254.169.254"])?;
    let id = made.split_whitespace().find(|text| text.starts_with("rule_"));
    let id = id.ok_or_else(|| Failed::new("the new rule has no id"))?.to_owned();
    let metadata = "http://169.254.169.254/latest/meta-data/";
    for sandbox in ["sb_1", "sb_4"] {
        let line = format!("curl -qsS {metadata}");
        let inside = stage.inside(sandbox);
        // All of them are in enforce, so what is asked for here reaches nobody before either.
        stage.happens("the tenant's rule in force", || {
            inside.quietly(&line).ok()?.done(&[&id]).ok()
        })?;
        inside.run(&line)?.done(&["EGRESS_HOST_NOT_ALLOWED", &id])?;
    }
    Ok(())
}

fn default(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("The tenant's default: a sandbox that nobody knows begins locked down too");
    stage
        .operator
        .run("sluice lockdown --tenant --yes --wait")?
        .done(&["enforce", "have the policy"])?;
    stage.sandbox("sb_5")?;
    stage.curl("sb_5", &unlisted(stage), "000")?;
    says("All of it in one table:");
    stage
        .operator
        .run("sluice status")?
        .done(&["tenant", "sandbox/sb_1", "sandbox/sb_5"])
        .map(drop)
}

fn listed(stage: &Stage) -> String {
    format!("https://{}/v1/models", stage.tls("api.openai.com"))
}

/// A host that was listed for a while: nothing of it has been copied that still rules.
fn unlisted(stage: &Stage) -> String {
    format!("https://{}/", stage.tls("brief.example.com"))
}
