//! The schemas that describe the JSON of each command.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::{Registry, ValidationError, Validator};
use serde_json::Value;

const DECISION: &str = include_str!("../../schemas/decision.schema.json");
const ROWS: &str = include_str!("../../schemas/rows.schema.json");

/// The schemas by the name of what they describe.
const SCHEMAS: [(&str, &str); 31] = [
    ("replay", include_str!("../../schemas/replay.schema.json")),
    ("explain", include_str!("../../schemas/explain.schema.json")),
    ("suggest", include_str!("../../schemas/suggest.schema.json")),
    ("policy", include_str!("../../schemas/policy.schema.json")),
    ("diff", include_str!("../../schemas/diff.schema.json")),
    ("lint", include_str!("../../schemas/lint.schema.json")),
    ("suggestions", include_str!("../../schemas/suggestions.schema.json")),
    ("resources", include_str!("../../schemas/resources.schema.json")),
    ("resource", include_str!("../../schemas/resource.schema.json")),
    ("policies", include_str!("../../schemas/policies.schema.json")),
    ("history", include_str!("../../schemas/history.schema.json")),
    ("rules", include_str!("../../schemas/rules.schema.json")),
    ("pending", include_str!("../../schemas/pending.schema.json")),
    ("audit", include_str!("../../schemas/audit.schema.json")),
    ("proxies", include_str!("../../schemas/proxies.schema.json")),
    ("tokens", include_str!("../../schemas/tokens.schema.json")),
    ("token", include_str!("../../schemas/token.schema.json")),
    ("users", include_str!("../../schemas/users.schema.json")),
    ("user", include_str!("../../schemas/user.schema.json")),
    ("removed-users", include_str!("../../schemas/removed-users.schema.json")),
    ("revoked", include_str!("../../schemas/revoked.schema.json")),
    ("operator-log", include_str!("../../schemas/operator-log.schema.json")),
    ("targets", include_str!("../../schemas/targets.schema.json")),
    ("added", include_str!("../../schemas/added.schema.json")),
    ("removed", include_str!("../../schemas/removed.schema.json")),
    ("decided", include_str!("../../schemas/decided.schema.json")),
    ("status", include_str!("../../schemas/status.schema.json")),
    ("doctor", include_str!("../../schemas/doctor.schema.json")),
    ("simulate", include_str!("../../schemas/simulate.schema.json")),
    ("coverage", include_str!("../../schemas/coverage.schema.json")),
    ("policy-diff", include_str!("../../schemas/policy-diff.schema.json")),
];

static VALIDATORS: LazyLock<BTreeMap<&str, Validator>> = LazyLock::new(|| {
    // Schemas refer to each other by the names of their files.
    let registry = Registry::new()
        .add("file:///schemas/decision.schema.json", json(DECISION))
        .unwrap()
        .add("file:///schemas/rows.schema.json", json(ROWS))
        .unwrap()
        .prepare()
        .unwrap();
    let validator = |(name, schema)| {
        let options = jsonschema::options()
            .with_registry(&registry)
            .with_base_uri(format!("file:///schemas/{name}.schema.json"))
            .should_validate_formats(true);
        (name, options.build(&json(schema)).unwrap())
    };
    SCHEMAS.into_iter().map(validator).collect()
});

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// What the schema says against a document.
fn complaints(name: &str, document: &Value) -> Vec<String> {
    let complaint = |error: ValidationError<'_>| format!("{}: {error}", error.instance_path());
    VALIDATORS[name].iter_errors(document).map(complaint).collect()
}

/// Checks that a document is of its schema, and that the schema is strict: it
/// takes no member away and no member more, at any depth.
#[track_caller]
pub(crate) fn check(name: &str, document: &Value) {
    assert_eq!(complaints(name, document), Vec::<String>::new(), "{document:#}");
    for pointer in objects(document, String::new()) {
        let mut more = document.clone();
        more.pointer_mut(&pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .insert("more".to_owned(), Value::Null);
        assert_ne!(
            complaints(name, &more),
            Vec::<String>::new(),
            "{name}: a member more in {pointer:?}"
        );
    }
}

/// Checks that a document is of its schema.
#[track_caller]
pub(crate) fn valid(name: &str, document: &Value) {
    assert_eq!(complaints(name, document), Vec::<String>::new(), "{document:#}");
}

/// Checks that a document of the API's rows is of its schema, and that the
/// schema takes none of the rows' members away that it names.
#[track_caller]
pub(crate) fn check_rows(name: &str, document: &Value, needed: &str) {
    assert_eq!(complaints(name, document), Vec::<String>::new(), "{document:#}");
    let mut less = document.clone();
    let row = match &mut less["data"] {
        Value::Array(rows) => &mut rows[0],
        row => row,
    };
    row.as_object_mut().unwrap().remove(needed).unwrap();
    assert_ne!(
        complaints(name, &less),
        Vec::<String>::new(),
        "{name}: {needed} is missing"
    );
}

/// As [`check`], for a document of which no member is optional.
#[track_caller]
pub(crate) fn check_complete(name: &str, document: &Value) {
    check(name, document);
    for pointer in objects(document, String::new()) {
        let members: Vec<String> = document
            .pointer(&pointer)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        for member in members {
            let mut less = document.clone();
            less.pointer_mut(&pointer)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(&member);
            assert_ne!(
                complaints(name, &less),
                Vec::<String>::new(),
                "{name}: {member} is missing in {pointer:?}"
            );
        }
    }
}

/// Where the objects of a document are; of a list, its first element stands for all.
fn objects(value: &Value, at: String) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let inside = members
                .iter()
                .flat_map(|(name, value)| objects(value, format!("{at}/{name}")));
            let inside: Vec<String> = inside.collect();
            [vec![at], inside].concat()
        }
        Value::Array(elements) => elements
            .first()
            .map(|first| objects(first, format!("{at}/0")))
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

#[test]
fn schemas_are_schemas() {
    for (name, text) in SCHEMAS.into_iter().chain([("decision", DECISION), ("rows", ROWS)]) {
        let schema = json(text);
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        assert_eq!(
            schema["$schema"], "https://json-schema.org/draft/2020-12/schema",
            "{name}"
        );
    }
}
