//! Suggestions from recordings made up here: what becomes of each kind of destination.

mod aggregate;
mod catalogue;
mod grouping;
mod policy;
mod property;

use std::path::Path;

use sluice_policy::Timestamp;

use super::{Catalogue, Observed, Options, Suggestion, Suggestions};
use crate::recording::{Recorded, Traffic};

/// The built-in catalogue and the made-up one of the tests.
fn catalogue() -> Catalogue {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/catalogue.json");
    Catalogue::with_file(&file).unwrap()
}

fn recorded(traffic: Traffic) -> Recorded {
    Recorded {
        source: "made.har#0".to_owned(),
        at: None,
        count: 1,
        traffic,
        address: None,
    }
}

/// A request in clear.
fn http(method: &str, authority: &str, path: &str) -> Recorded {
    recorded(Traffic::Exchange {
        tls: false,
        authority: authority.into(),
        method: method.into(),
        path: Some(path.into()),
    })
}

/// A tunnel.
fn connect(authority: &str) -> Recorded {
    recorded(Traffic::Tunnel {
        authority: authority.into(),
    })
}

fn at(mut recorded: Recorded, time: &str) -> Recorded {
    recorded.at = Some(Timestamp::parse_rfc3339(time).unwrap());
    recorded
}

fn times(mut recorded: Recorded, count: u64) -> Recorded {
    recorded.count = count;
    recorded
}

fn suggest_with(options: Options, recorded: &[Recorded]) -> Suggestions {
    let catalogue = catalogue();
    let mut observed = Observed::new(&catalogue, options);
    recorded.iter().for_each(|recorded| observed.add(recorded));
    observed.suggestions()
}

fn suggest(recorded: &[Recorded]) -> Vec<Suggestion> {
    suggest_with(Options::default(), recorded).suggestions
}

/// One line for each suggestion, sorted by its subject.
fn lines(suggestions: &[Suggestion]) -> Vec<String> {
    let line = |suggestion: &Suggestion| {
        format!(
            "{} {:?} {} {} x{}",
            suggestion.subject(),
            suggestion.ports,
            if suggestion.methods.is_empty() {
                "any".to_owned()
            } else {
                suggestion.methods.join("+")
            },
            suggestion.path_glob.as_deref().unwrap_or("-"),
            suggestion.request_count,
        )
    };
    let mut lines: Vec<String> = suggestions.iter().map(line).collect();
    lines.sort();
    lines
}
