//! Methods that differ from a registered one in case only: methods compare
//! case-sensitively (RFC 9110 §9.1), so `get` never matches a `GET`.

use super::survey::Survey;
use super::{Kind, Report};

/// The methods of RFC 9110 §9.3 and RFC 5789.
const REGISTERED: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];

pub(super) fn check(survey: &Survey<'_>, report: &mut Report<'_>) {
    for subject in survey.live() {
        for method in subject.rule.methods() {
            let upper = method.to_ascii_uppercase();
            if upper == method || !REGISTERED.contains(&upper.as_str()) {
                continue;
            }
            let right = match upper.as_str() {
                "CONNECT" => "a tunnel is matched by host and port, so leave it out".to_owned(),
                _ => format!("write \"{upper}\""),
            };
            report.warning(
                subject.number,
                Kind::MethodCase,
                None,
                format!("methods: \"{method}\" does not match {upper}, because methods are case-sensitive; {right}"),
            );
        }
    }
}
