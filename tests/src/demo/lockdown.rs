//! Lock down: the list rules, and what is not on it gets no connection.

use super::Failed;
use super::stage::{Stage, says};

/// Applies the reviewed list and locks down.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failed> {
    stage.act("Lock down: the list is applied, and what is not on it does not pass");
    let line = "sluice policy apply policy.json --resource sandbox/sb_1 --note reviewed";
    stage.operator.run(line)?.done(&["changed"])?;
    says("--wait returns when every proxy has it; --yes says that the one rejection is meant.");
    let line = "sluice lockdown --resource sandbox/sb_1 --yes --wait";
    stage.operator.run(line)?.done(&["enforce", "have the policy"])?;
    says("What is listed passes. What is not gets 000 from curl: there is no connection.");
    stage.curl(
        "sb_1",
        &format!("https://{}/v1/models", stage.tls("api.openai.com")),
        "200",
    )?;
    stage.curl(
        "sb_1",
        &format!("http://{}/repos/a/b", stage.plain("api.github.com")),
        "200",
    )?;
    stage.curl(
        "sb_1",
        &format!("https://{}/", stage.tls("unlisted.example.com")),
        "000",
    )
}
