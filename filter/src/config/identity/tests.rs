//! Which requests are whose, and which configurations are refused.

use super::*;

fn compiled(json: &serde_json::Value) -> Result<Identity, String> {
    let json = serde_json::json!({ "resource": json }).to_string();
    let mut members = Members::of(json.as_bytes()).unwrap();
    let resource = members.take("resource").unwrap();
    Identity::read(&resource).map_err(|error| error.to_string())
}

/// The id for a proxy whose properties are these.
fn id(from: serde_json::Value, properties: &[(&str, &str)]) -> Option<String> {
    let identity = compiled(&serde_json::json!({"type": "sandbox", "id_from": from})).unwrap();
    let read = |path: &str| {
        let found = properties.iter().find(|(name, _)| *name == path);
        found.map(|(_, value)| value.as_bytes().to_vec())
    };
    let resource = identity.resolve(read)?;
    assert_eq!(resource.kind, "sandbox");
    Some(resource.id.clone())
}

#[test]
fn the_proxy_tells_the_id() {
    let found = |from, properties: &[(&str, &str)]| id(from, properties);
    assert_eq!(
        found(serde_json::json!({"node_id": true}), &[("xds\0node\0id", "pod-7")]),
        Some("pod-7".into())
    );
    let labels = serde_json::json!({"node_metadata": ["LABELS", "sandbox"]});
    assert_eq!(
        found(labels, &[("xds\0node\0metadata\0LABELS\0sandbox", "sb_1")]),
        Some("sb_1".into())
    );
    let state = serde_json::json!({"filter_state": "sandbox.id"});
    assert_eq!(
        found(state.clone(), &[("filter_state\0sandbox.id", "sb.2")]),
        Some("sb.2".into())
    );
    for hostile in ["", "a/b", "a b", "\u{e9}", &"x".repeat(254)] {
        assert_eq!(
            found(state.clone(), &[("filter_state\0sandbox.id", hostile)]),
            None,
            "{hostile:?}"
        );
    }
    assert_eq!(found(state, &[]), None);
}

#[test]
fn a_certificate_tells_the_id_where_the_pattern_fits() {
    for (pattern, uri, expected) in [
        (
            "spiffe://example.org/ns/*/sa/{id}",
            "spiffe://example.org/ns/a/sa/b",
            Some("b"),
        ),
        (
            "spiffe://example.org/ns/{id}/sa/default",
            "spiffe://example.org/ns/a/sa/default",
            Some("a"),
        ),
        (
            "spiffe://example.org/ns/*/sa/{id}",
            "spiffe://example.org/ns/a/sa/b/c",
            None,
        ),
        (
            "spiffe://example.org/ns/*/sa/{id}",
            "spiffe://example.org/ns/a/sa",
            None,
        ),
        (
            "spiffe://example.org/ns/*/sa/{id}",
            "spiffe://example.com/ns/a/sa/b",
            None,
        ),
        (
            "spiffe://example.org/ns/*/sa/{id}",
            "spiffe://example.org/ns//sa/b",
            None,
        ),
        ("spiffe://example.org/ns/*/sa/{id}", "", None),
    ] {
        let found = id(
            serde_json::json!({"spiffe": pattern}),
            &[("connection\0uri_san_peer_certificate", uri)],
        );
        assert_eq!(found.as_deref(), expected, "{pattern} {uri}");
    }
}

#[test]
fn the_most_specific_block_tells_the_id() {
    let table = serde_json::json!({"source_address": {
        "192.0.2.0/24": "net", "192.0.2.7": "one", "192.0.2.0/25": "half", "2001:db8::/32": "six"}});
    for (client, expected) in [
        ("192.0.2.7:80", Some("one")),
        ("192.0.2.8:80", Some("half")),
        ("192.0.2.200:80", Some("net")),
        ("[2001:db8::1]:80", Some("six")),
        ("[::ffff:192.0.2.7]:80", Some("one")),
        ("198.51.100.1:80", None),
        ("envoy://internal_client_address/", None),
        ("", None),
    ] {
        let found = id(table.clone(), &[("source\0address", client)]);
        assert_eq!(found.as_deref(), expected, "{client}");
    }
}

#[test]
fn every_refusal_says_what_was_expected() {
    for (resource, expected) in [
        (serde_json::json!({"type": "tenant", "id": "x"}), "resource.type"),
        (serde_json::json!({"type": "", "id": "x"}), "resource.type"),
        (serde_json::json!({"type": "s", "id": "a/b"}), "resource.id"),
        (serde_json::json!({"type": "s"}), "one of id and id_from"),
        (
            serde_json::json!({"type": "s", "id": "x", "id_from": {"node_id": true}}),
            "one of id and id_from",
        ),
        (serde_json::json!({"type": "s", "id_from": {}}), "one of node_id"),
        (
            serde_json::json!({"type": "s", "id_from": {"node_id": false}}),
            "one of node_id",
        ),
        (
            serde_json::json!({"type": "s", "id_from": {"node_id": true, "filter_state": "x"}}),
            "one of node_id",
        ),
        (
            serde_json::json!({"type": "s", "id_from": {"node_metadata": []}}),
            "a path such as",
        ),
        (
            serde_json::json!({"type": "s", "id_from": {"spiffe": "spiffe://*/{id}"}}),
            "a pattern such as",
        ),
        (
            serde_json::json!({"type": "s", "id_from": {"spiffe": "spiffe://x/{id}/{id}"}}),
            "a pattern such as",
        ),
        (
            serde_json::json!({"type": "s", "id_from": {"source_address": {"192.0.2.0/40": "x"}}}),
            "an address or a block",
        ),
        (
            serde_json::json!({"type": "s", "id_from": {"source_address": {"192.0.2.0/24": "a b"}}}),
            "an id",
        ),
        (
            serde_json::json!({"type": "s", "id_from": {"label": "x"}}),
            "label: unknown field",
        ),
    ] {
        let error = compiled(&resource).unwrap_err();
        assert!(error.contains(expected), "{resource}: {error}");
    }
}
