//! Why a policy decides one target as it does.

use serde::Deserialize;
use sluice_harness::explain::{Given, Question, Report};
use sluice_policy::{Policy, Surroundings};

use crate::error::Error;
use crate::moment::Moment;

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

/// Decides and explains; the document of `sluice explain --format json`.
///
/// # Errors
/// [`Error::Validation`] if what is asked makes no sense.
pub fn of<'p>(policy: &'p Policy, target: &Target, at: Moment) -> Result<Report<'p>, Error> {
    let question = Question::of(Given {
        target: target.target.as_deref().map(str::as_bytes),
        method: target.method.as_deref().map(str::as_bytes),
        path: target.path.as_deref().map(str::as_bytes),
        sni: target.sni.as_deref().map(str::as_bytes),
    })
    .map_err(|invalid| Error::invalid(invalid.to_string()))?;
    let around = Surroundings::new(question.default_port);
    let explanation = policy.explain(&question.sighting.seen(), &around, at.timestamp());
    Ok(Report::new(explanation, &question.sighting))
}
