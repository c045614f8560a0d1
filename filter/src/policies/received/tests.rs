//! What is read of a policy service's messages, and what is refused.

use sluice_policy::Mode;

use super::*;

fn message(content: &str, encoding: i32, version: Option<(u64, u64)>) -> Vec<u8> {
    let version = version.map(|(epoch, revision)| proto::Version { epoch, revision });
    proto::WatchResponse {
        message: Some(watch_response::Message::Policy(proto::EffectivePolicy {
            resource: Some(proto::Resource {
                r#type: "sandbox".into(),
                id: "sb_1".into(),
            }),
            version,
            digest: vec![0, 0xab],
            encoding,
            content: content.as_bytes().to_vec(),
        })),
    }
    .encode_to_vec()
}

fn refused(message: &[u8]) -> (Option<Version>, String) {
    match Envelope::open(message).and_then(Envelope::read) {
        Ok(received) => panic!("accepted: {received:?}"),
        Err(refused) => (refused.version, refused.why.to_string()),
    }
}

#[test]
fn a_policy_is_compiled() {
    let json = r#"{"tenant": {"mode": "enforce"}, "resource": {"rules": [{"id": "a", "effect": "allow", "host": "a.example.com"}]}}"#;
    let received = Envelope::open(&message(json, 1, Some((2, 7))))
        .and_then(Envelope::read)
        .unwrap();
    assert_eq!(
        (received.resource.kind.as_str(), received.resource.id.as_str()),
        ("sandbox", "sb_1")
    );
    match received.known {
        Known::Policy {
            policy,
            version,
            digest,
        } => {
            assert_eq!(version, Version { epoch: 2, revision: 7 });
            assert_eq!(
                (policy.mode(), policy.rules().len(), &*digest),
                (Mode::Enforce, 1, "00ab")
            );
        }
        Known::None { .. } => panic!("a policy"),
    }
}

#[test]
fn none_is_an_answer() {
    let none = |version| {
        proto::WatchResponse {
            message: Some(watch_response::Message::None(proto::NoPolicy {
                resource: Some(proto::Resource::default()),
                version,
            })),
        }
        .encode_to_vec()
    };
    for version in [None, Some(proto::Version { epoch: 1, revision: 2 })] {
        let received = Envelope::open(&none(version)).and_then(Envelope::read).unwrap();
        assert_eq!(received.known.version(), version.map(Version::from));
    }
}

#[test]
fn everything_else_is_refused_with_the_reason() {
    let version = Some((1, 1));
    for (message, expected) in [
        (b"\xff\xff\xff".to_vec(), "not a WatchResponse"),
        (Vec::new(), "not a WatchResponse"),
        (message("{}", 1, None), "version is missing"),
        (message("{}", 0, version), "encoding 0: expected 1"),
        (message("{}", 9, version), "encoding 9: expected 1"),
        (message("", 1, version), "tenant and resource"),
        (message("\u{0}", 1, version), "tenant and resource"),
        (message(r#"{"policy": {}}"#, 1, version), "unknown field `policy`"),
        (
            message(r#"{"resource": {"mode": "observe"}}"#, 1, version),
            "expected \"audit_only\" or \"enforce\"",
        ),
        (message(r#"{"resource": {"rulez": []}}"#, 1, version), "rulez"),
    ] {
        let (_, why) = refused(&message);
        assert!(why.contains(expected), "{why}");
    }
    let no_resource = proto::WatchResponse {
        message: Some(watch_response::Message::None(proto::NoPolicy::default())),
    };
    assert_eq!(refused(&no_resource.encode_to_vec()).1, "resource is missing");
}

#[test]
fn no_prefix_of_a_message_does_harm() {
    let json =
        r#"{"resource": {"mode": "enforce", "rules": [{"id": "a", "effect": "allow", "host": "a.example.com"}]}}"#;
    let whole = message(json, 1, Some((2, 7)));
    for end in 0..whole.len() {
        let prefix = whole.get(..end).unwrap();
        assert!(Envelope::open(prefix).and_then(Envelope::read).is_err(), "{end}");
    }
}

#[test]
fn a_long_reason_is_cut() {
    let rules: Vec<_> = (0..500)
        .map(|n| format!(r#"{{"id": "r{n}", "effect": "allow", "host": "a:1"}}"#))
        .collect();
    let json = format!(r#"{{"resource": {{"rules": [{}]}}}}"#, rules.join(","));
    let (version, why) = refused(&message(&json, 1, Some((1, 1))));
    assert_eq!(version, Some(Version { epoch: 1, revision: 1 }));
    assert!(why.len() <= LONGEST && why.len() > LONGEST - 8, "{}", why.len());
}
