//! Why a policy decides one target as it does.

use serde::Deserialize;
use sluice_harness::explain::{Given, Question, Report};
use sluice_policy::{Blocks, Canonical, Effect, Explanation, Policy, Surroundings};
use sqlx::Row;

use crate::addresses::Addresses;
use crate::error::Error;
use crate::moment::Moment;
use crate::resource::Resource;
use crate::store::Store;

/// What is asked, as `sluice explain` takes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Target {
    /// An authority or a URL, judged byte for byte as the filter would.
    #[serde(default)]
    pub target: Option<String>,
    /// The method of a request that is visible.
    #[serde(default)]
    pub method: Option<String>,
    /// Its path, with the query.
    #[serde(default)]
    pub path: Option<String>,
    /// The server name of a TLS connection, which is then what is decided on.
    #[serde(default)]
    pub sni: Option<String>,
}

/// What an explanation depends on besides the policy and the target.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// Where it is known where the target led, and for whom.
    pub seen_by: Option<(&'a Store, &'a Resource)>,
    /// Private blocks that any name may lead to, by the configuration of the proxies.
    pub resolves_to: &'a Blocks,
    /// For rules that expire.
    pub at: Moment,
}

/// Decides and explains; the document of `sluice explain --format json`. Where
/// the target led for the resource is decided on too.
///
/// # Errors
/// [`Error::Validation`] if what is asked makes no sense; what the database says.
pub async fn of<'p>(policy: &'p Policy, target: &Target, around: &Circumstances<'_>) -> Result<Report<'p>, Error> {
    let question = Question::of(Given {
        target: target.target.as_deref().map(str::as_bytes),
        method: target.method.as_deref().map(str::as_bytes),
        path: target.path.as_deref().map(str::as_bytes),
        sni: target.sni.as_deref().map(str::as_bytes),
    })
    .map_err(|invalid| Error::invalid(invalid.to_string()))?;
    let surroundings = Surroundings {
        resolves_to: around.resolves_to.clone(),
        ..Surroundings::new(question.default_port)
    };
    let (seen, at) = (question.sighting.seen(), around.at.timestamp());
    let mut explanation = policy.explain(&seen, &surroundings, at);
    let led_to = led_to(around.seen_by, &explanation.canonical).await?;
    let decision = policy.decide_resolved(&seen, &surroundings, led_to.first(), at);
    if decision.would_reject() && !explanation.decision.would_reject {
        explanation.decision = decision.record();
        not_there(&mut explanation, &led_to);
    }
    Ok(Report::new(explanation, &question.sighting))
}

/// Where a target led for a resource.
async fn led_to(seen_by: Option<(&Store, &Resource)>, target: &Canonical) -> Result<Addresses, Error> {
    const LED_TO: &str = "SELECT addresses FROM destinations WHERE resource_type = $1 AND resource_id = $2 \
         AND host = $3 AND port = $4";
    let (Some((store, resource)), Canonical::Target { host, port, .. }) = (seen_by, target) else {
        return Ok(Addresses::default());
    };
    let query = sqlx::query(LED_TO).bind(&resource.kind).bind(&resource.id);
    let query = query.bind(host).bind(i64::from(*port));
    match query.fetch_optional(store.read()).await? {
        Some(row) => Addresses::read(row.try_get(0)?),
        None => Ok(Addresses::default()),
    }
}

/// What let the name pass does not let it lead there.
fn not_there(explanation: &mut Explanation<'_>, led_to: &Addresses) {
    let addresses: Vec<String> = led_to.first().iter().map(ToString::to_string).collect();
    for rule in &mut explanation.matches {
        if rule.won && rule.effect == Effect::Allow {
            rule.won = false;
            rule.why = format!("would win, but the name led to {}", addresses.join(", "));
        }
    }
}
