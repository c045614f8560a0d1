//! Reads policy files.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use sluice_policy::{HostPattern, PolicyDocument};

use crate::failure::Failure;

/// Reads and checks a policy; `-` is stdin.
pub(crate) fn load(path: &Path) -> Result<PolicyDocument, Failure> {
    let json = bytes(path)?;
    let document = PolicyDocument::from_json(&json).map_err(|problems| Failure::Policy {
        path: path.to_owned(),
        problems,
    })?;
    Ok(for_the_filter(document))
}

/// The bytes of a file; `-` is stdin.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let read = if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    read.map_err(|error| Failure::Unreadable {
        path: path.to_owned(),
        error,
    })
}

/// Gives internationalised names their ASCII form, because the filter has no
/// tables to do it with.
fn for_the_filter(mut document: PolicyDocument) -> PolicyDocument {
    for rule in &mut document.rules {
        if rule.host.is_ascii() {
            continue;
        }
        if let Ok(pattern) = HostPattern::parse(&rule.host) {
            rule.host = pattern.to_string();
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_gets_ascii_only() {
        let document = PolicyDocument::from_json(
            r#"{"rules": [{"id": "a", "effect": "allow", "host": "*.Bücher.example"},
                          {"id": "b", "effect": "allow", "host": "API.example.com"}]}"#
                .as_bytes(),
        )
        .unwrap();
        let hosts: Vec<String> = for_the_filter(document)
            .rules
            .into_iter()
            .map(|rule| rule.host)
            .collect();
        assert_eq!(hosts, ["*.xn--bcher-kva.example", "API.example.com"]);
    }
}
