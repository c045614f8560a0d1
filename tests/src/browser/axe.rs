//! axe-core, which looks for what keeps people out of a page.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use super::page::Page;

/// What `find-axe` found, once per test process.
static AXE: LazyLock<Result<String, String>> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("find-axe");
    let output = Command::new(&script)
        .output()
        .map_err(|error| format!("cannot run {}: {error}", script.display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let path = String::from_utf8_lossy(&output.stdout);
    fs::read_to_string(path.trim()).map_err(|error| format!("{}: {error}", path.trim()))
});

/// How much a violation keeps people out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Impact {
    /// A nuisance.
    Minor,
    /// Some have difficulties.
    Moderate,
    /// Some have great difficulties.
    Serious,
    /// Some cannot use it at all.
    Critical,
}

/// A rule of accessibility that a page does not keep.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// Of the rule, as axe-core calls it.
    pub id: String,
    /// How bad it is, if axe-core says.
    pub impact: Option<Impact>,
    /// What is wanted.
    pub help: String,
    /// Where that is explained.
    pub help_url: String,
    /// Where it is not kept.
    pub nodes: Vec<Node>,
}

/// An element that does not keep a rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its markup.
    pub html: String,
    /// Selectors that lead to it, through frames.
    pub target: Vec<Value>,
    /// What would mend it.
    #[serde(default)]
    pub failure_summary: String,
}

impl Page<'_> {
    /// What axe-core finds on the page as it is now.
    ///
    /// # Panics
    /// If axe-core is not there, or does not run.
    #[must_use]
    pub fn axe(&self) -> Vec<Violation> {
        let axe = AXE
            .as_ref()
            .unwrap_or_else(|problem| panic!("these tests need axe-core: {problem}"));
        if self.run("return typeof window.axe") == "undefined" {
            self.run(axe);
        }
        // Of frames we have none, and they would have to load it too.
        let run = "const done = arguments[arguments.length - 1];
            window.axe.run(document, { resultTypes: ['violations'], iframes: false })
                .then((results) => done(results.violations), (error) => done(String(error)));";
        let ran = self
            .session()
            .post("execute/async", &json!({"script": run, "args": []}));
        let violations = self.ok("run axe-core", ran);
        serde_json::from_value(violations.clone())
            .unwrap_or_else(|error| self.fail(&format!("axe-core says {violations}: {error}")))
    }

    /// Nothing on it keeps people out, or gives them great difficulties.
    ///
    /// # Panics
    /// If something does, with all that does.
    pub fn assert_accessible(&self) {
        let mut violations = self.axe();
        violations.retain(|violation| violation.impact >= Some(Impact::Serious));
        if !violations.is_empty() {
            self.fail(&format!("the page keeps people out:\n{}", listed(&violations)));
        }
    }
}

fn listed(violations: &[Violation]) -> String {
    let mut list = String::new();
    for violation in violations {
        let Violation { id, help, help_url, .. } = violation;
        let impact = violation
            .impact
            .map_or("?".to_owned(), |impact| format!("{impact:?}").to_lowercase());
        let _ = writeln!(list, "{impact} {id}: {help} ({help_url})");
        for node in &violation.nodes {
            let target: Vec<_> = node
                .target
                .iter()
                .map(|part| part.as_str().map_or(part.to_string(), str::to_owned))
                .collect();
            let _ = writeln!(list, "    {}\n        {}", target.join(" "), node.html);
            for line in node.failure_summary.lines() {
                let _ = writeln!(list, "        {}", line.trim());
            }
        }
    }
    list
}
