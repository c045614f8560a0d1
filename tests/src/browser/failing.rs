//! What is told of a page when a test fails.

use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use super::page::Page;

/// Of a text, what is shown.
const SHOWN: usize = 4000;
/// Of what the browser heard, what is shown.
const LINES: usize = 20;

/// Where it is, what it shows, what it complains of, and where its picture is. A page that does not answer says so.
pub(super) fn report(page: &Page<'_>) -> String {
    let session = page.session();
    let script = "return [location.href, document.title, document.body?.innerText ?? '',
        document.activeElement?.computedRole, document.activeElement?.computedName]";
    let mut report = match session.run(script, &json!([])) {
        Ok(told) => {
            let told = |index: usize| told[index].as_str().unwrap_or_default().to_owned();
            let shown: String = told(2).chars().take(SHOWN).collect();
            let focus = format!("{} {:?}", told(3), told(4));
            format!(
                "page:    {} ({})\nfocus:   {focus}\nshows:\n{}",
                told(0),
                told(1),
                indented(&shown)
            )
        }
        Err(problem) => format!("the page does not answer: {problem}\n"),
    };
    match session.heard() {
        Ok(heard) => {
            let lines = heard
                .console
                .iter()
                .map(|message| format!("{} {}", message.level, message.text));
            report.push_str(&list("console", lines.collect()));
            report.push_str(&list("requests", heard.requests.clone()));
        }
        Err(problem) => drop(writeln!(report, "no logs: {problem}")),
    }
    match page.try_screenshot(&format!("failed/{}", name())) {
        Ok(path) => drop(writeln!(report, "picture: {}", path.display())),
        Err(problem) => drop(writeln!(report, "no picture: {problem}")),
    }
    report
}

/// Where builds and tests leave what they make.
pub(super) fn target() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let set = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    set.unwrap_or_else(|| own.parent().unwrap_or(own).join("target"))
}

/// As the test is called, and once more than that: several browsers may fail in one.
fn name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let test = thread::current().name().unwrap_or("test").replace("::", "-");
    format!("{test}-{}-{count}", process::id())
}

fn list(what: &str, lines: Vec<String>) -> String {
    let left_out = lines.len().saturating_sub(LINES);
    let lines = lines[left_out..].join("\n");
    let what = match left_out {
        0 => format!("{what}:"),
        _ => format!("{what}, without the first {left_out}:"),
    };
    format!("{what}\n{}", indented(&lines))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
