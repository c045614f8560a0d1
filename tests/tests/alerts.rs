//! The shipped alert rules: they ask for metrics that exist, each is shown to fire, and promtool agrees where there is one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use yaml_serde::Value;

fn collector(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../collector").join(file)
}

fn text(file: &str) -> String {
    let path = collector(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rules() -> Vec<Value> {
    let file: Value = yaml_serde::from_str(&text("alerts/sluice.rules.yml")).unwrap();
    let groups = file["groups"].as_sequence().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_sequence().unwrap());
    rules.cloned().collect()
}

/// All words of a text that are names of ours.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let ours = words.filter(|word| word.starts_with("sluice_collector_"));
    ours.map(str::to_owned).collect()
}

/// Name and kind of each row of the README's table.
fn documented() -> Vec<(String, String)> {
    let readme = text("README.md");
    let rows = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `sluice_collector_"));
    let row = |row: &str| {
        let mut cells = row.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        Some((format!("sluice_collector_{name}"), cells.next()?.to_owned()))
    };
    rows.map(|line| row(line).unwrap_or_else(|| panic!("the row of {line} begins with name and kind")))
        .collect()
}

/// As they are scraped: a histogram is three.
fn exported() -> BTreeSet<String> {
    let names = documented().into_iter().flat_map(|(name, kind)| match kind.as_str() {
        "histogram" => ["_bucket", "_count", "_sum"].map(|end| format!("{name}{end}")).to_vec(),
        "counter" | "gauge" => vec![name],
        other => panic!("{name} is no {other}"),
    });
    names.collect()
}

#[test]
fn rules_and_their_test_ask_for_metrics_that_the_readme_describes() {
    let exported = exported();
    assert!(exported.len() > 10, "{exported:?}");
    for rule in rules() {
        let asked = metrics(rule["expr"].as_str().unwrap());
        assert!(!asked.is_empty(), "{rule:?} asks for nothing of ours");
        let unknown: Vec<_> = asked.difference(&exported).collect();
        assert!(unknown.is_empty(), "{:?} asks for {unknown:?}", rule["alert"]);
    }
    let test = metrics(&text("alerts/sluice.test.yml"));
    let unknown: Vec<_> = test.difference(&exported).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn each_alert_says_how_bad_it_is_and_what_to_do_and_is_shown_to_fire() {
    let test = text("alerts/sluice.test.yml");
    let mut names = BTreeSet::new();
    for rule in rules() {
        let name = rule["alert"].as_str().unwrap();
        assert!(names.insert(name.to_owned()), "{name} is there twice");
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(
            ["info", "warning", "critical"].contains(&severity),
            "{name}: {severity}"
        );
        for field in ["summary", "description"] {
            let said = rule["annotations"][field].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "{name} has no {field}");
        }
        assert!(
            test.contains(&format!("alertname=\"{name}\"")),
            "nothing shows when {name} fires"
        );
    }
}

/// promtool is part of Debian's `prometheus`, a hundred megabytes that are too much to ask of everybody.
#[test]
fn promtool_accepts_the_rules_and_their_test() {
    for arguments in [
        ["check", "rules", "sluice.rules.yml"],
        ["test", "rules", "sluice.test.yml"],
    ] {
        let output = match Command::new("promtool")
            .args(arguments)
            .current_dir(collector("alerts"))
            .output()
        {
            Ok(output) => output,
            Err(error) => {
                eprintln!("skipped: promtool cannot be run ({error}); it comes with Debian's prometheus");
                return;
            }
        };
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }
}
