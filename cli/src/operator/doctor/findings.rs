//! What was found, and how it is shown.

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::operator::session::{Format, print_object};
use crate::output;

/// What was looked at, in order.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) status: &'static str,
    pub(super) said: String,
    pub(super) advice: Option<&'static str>,
}

impl Findings {
    pub(super) fn ok(&mut self, check: &'static str, said: impl ToString) {
        self.add(check, "ok", said, None);
    }

    /// Worth knowing, and not wrong.
    pub(super) fn note(&mut self, check: &'static str, said: impl ToString, advice: &'static str) {
        self.add(check, "note", said, Some(advice));
    }

    pub(super) fn wrong(&mut self, check: &'static str, said: impl ToString, advice: &'static str) {
        self.add(check, "wrong", said, Some(advice));
    }

    fn add(&mut self, check: &'static str, status: &'static str, said: impl ToString, advice: Option<&'static str>) {
        self.0.push(Finding {
            check,
            status,
            said: said.to_string(),
            advice,
        });
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Puts what was found meanwhile behind these.
    pub(super) fn extend(&mut self, later: Self) {
        self.0.extend(later.0);
    }

    pub(super) fn are_bad(&self) -> bool {
        self.0.iter().any(|finding| finding.status == "wrong")
    }

    pub(super) fn print(&self, format: Format) -> Result<(), Failure> {
        match format {
            Format::Json => {
                let checks = self.0.iter().map(|finding| {
                    json!({
                        "check": finding.check,
                        "status": finding.status,
                        "message": finding.said,
                        "advice": finding.advice,
                    })
                });
                print_object(&json!({"checks": checks.collect::<Vec<Value>>()}))
            }
            Format::Table => output::result(|out| {
                for finding in &self.0 {
                    writeln!(
                        out,
                        "{:<6} {:<10} {}",
                        finding.status,
                        finding.check,
                        output::cell(&finding.said)
                    )?;
                    if let Some(advice) = finding.advice {
                        writeln!(out, "{:18}{advice}", "")?;
                    }
                }
                Ok(())
            }),
        }
    }
}

#[cfg(test)]
impl Findings {
    /// The only finding.
    #[track_caller]
    pub(super) fn only(&self) -> &Finding {
        let [finding] = self.0.as_slice() else {
            panic!("{self:?}")
        };
        finding
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Finding] {
        &self.0
    }
}
