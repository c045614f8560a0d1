//! Wildcards over a public suffix: below it, names belong to different owners.

use super::survey::Survey;
use super::{Kind, Report};
use crate::domain;
use crate::pattern::HostPattern;
use crate::words::Effect;

/// An allow is an error. A deny may mean a whole suffix, and errs to the safe
/// side: a warning.
pub(super) fn check(survey: &Survey<'_>, report: &mut Report<'_>) {
    for subject in survey.live() {
        let HostPattern::Below(name) = subject.pattern else {
            continue;
        };
        if !domain::is_public_suffix(name.as_str()) {
            continue;
        }
        let problem = format!("host *.{name}: {name} is a public suffix, below which anyone can register a name");
        match subject.rule.effect() {
            Effect::Allow => report.error(
                subject.number,
                Kind::PublicSuffix,
                None,
                format!("{problem}; list the domains that are meant, such as *.example.{name}"),
            ),
            Effect::Deny => report.warning(
                subject.number,
                Kind::PublicSuffix,
                None,
                format!("{problem}; the rule denies the names of all of them"),
            ),
        }
    }
}
