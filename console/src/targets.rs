//! Resources as people write them, for changes that go to many.

use serde_json::{Value, json};

/// The targets of a text: `sandbox/sb_1`, `tenant`, or globs such as `sandbox/ci-*`, one a line or separated by commas or
/// spaces.
///
/// # Errors
/// A sentence that names the words that are none.
pub fn targets(text: &str) -> Result<Vec<Value>, String> {
    let mut targets = Vec::new();
    let mut wrong = Vec::new();
    let words = text.split(|character: char| character == ',' || character == ';' || character.is_whitespace());
    for word in words.filter(|word| !word.is_empty()) {
        match target(word) {
            Some(target) if targets.contains(&target) => {}
            Some(target) => targets.push(target),
            None => wrong.push(word),
        }
    }
    match (wrong.is_empty(), targets.is_empty()) {
        (false, _) => Err(format!(
            "{}: expected TYPE/ID, tenant or a glob such as sandbox/ci-*",
            wrong.join(", ")
        )),
        (true, true) => Err("Name at least one target".to_owned()),
        (true, false) => Ok(targets),
    }
}

fn target(word: &str) -> Option<Value> {
    if word.contains(['*', '?']) {
        return (word.contains('/') || word.contains("**")).then(|| json!({"glob": word}));
    }
    if word == "tenant" {
        return Some(json!({"resource_type": "tenant"}));
    }
    let (kind, id) = word.split_once('/')?;
    if kind == "tenant" && id == "-" {
        return Some(json!({"resource_type": "tenant"}));
    }
    let fits = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !part.is_empty() && part.bytes().all(allowed)
    };
    (fits(kind) && fits(id)).then(|| json!({"resource_type": kind, "resource_id": id}))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn resources_globs_and_the_tenant_are_told_apart() {
        let found = targets(" sandbox/sb_1,sandbox/ci-*\n tenant; computer/c.2 sandbox/sb_1 ").unwrap();
        assert_eq!(
            found,
            [
                json!({"resource_type": "sandbox", "resource_id": "sb_1"}),
                json!({"glob": "sandbox/ci-*"}),
                json!({"resource_type": "tenant"}),
                json!({"resource_type": "computer", "resource_id": "c.2"}),
            ]
        );
    }

    #[test]
    fn what_is_no_target_is_named() {
        for text in ["", " , ", "sandbox", "sandbox/", "/sb", "a/b/c", "sandbox/ü", "*"] {
            let error = targets(text).unwrap_err();
            assert!(
                text.trim().is_empty() || text == " , " || error.contains(text),
                "{text}: {error}"
            );
        }
        assert!(
            targets("sandbox/ok nonsense other")
                .unwrap_err()
                .starts_with("nonsense, other: ")
        );
    }
}
