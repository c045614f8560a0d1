//! No input panics: random bytes, every prefix of what is valid, and every
//! single byte of it replaced.
//!
//! What comes back is checked only as far as it must hold for any input.

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use sluice_policy::{
    Host, HostPattern, MAX_RAW, Path, PathGlob, Policy, PolicyDocument, Seen, Surroundings, Timestamp,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const POLICY: &str = r#"{"mode":"enforce","default_effect":"deny","rules":[
{"id":"gh","effect":"allow","host":"api.github.com","methods":["GET"],"path_glob":"/repos/**","ports":[443]},
{"id":"new","effect":"allow","host":"*.example.com","warn_only":true,"expires_at":"2027-01-01T00:00:00Z"},
{"id":"db","effect":"allow","host":"10.0.0.0/8","ports":[5432],"resolves_to":["10.2.0.0/16"],"note":"x\u00e9"},
{"id":"no","effect":"deny","host":"2001:db8::/32","path_glob":"/*/a?","terminated_only":true}]}"#;

const AUTHORITIES: [&str; 14] = [
    "api.github.com",
    "API.GitHub.com.:443",
    "a_b.example.com:65535",
    "192.0.2.1:80",
    "192.0.2.1.",
    "[2001:db8::1]:443",
    "[::ffff:169.254.169.254]",
    "[fe80::1%25eth0]:1",
    "user@example.com:80",
    "a,b.example.com",
    "0x7f.1",
    "2130706433",
    "xn--bcher-kva.example:8443",
    ".:",
];

const PATHS: [&str; 6] = [
    "/repos/a/b?c=d",
    "/a/./b/../c%20d",
    "/%2e%2e/%2F;%25\\",
    "//",
    "/caf\u{e9}%C3%A9",
    "*",
];

const GLOBS: [&str; 5] = ["/repos/**", "/a/**/z", "/**/**/*?", "**.js", "/é*"];

const TIMES: [&str; 4] = [
    "2027-01-01T00:00:00Z",
    "2027-01-01T02:00:00.123456+02:00",
    "9999-12-31T23:59:60-23:59",
    "0000-01-01t00:00:00z",
];

/// Every prefix of a text, and the text with each byte replaced: by all bytes
/// natively, by telling ones where each try is slower.
fn damaged(text: &str, try_each: impl Fn(&[u8])) {
    let telling = b"\0 \"#%*+-./0:;?@A[\\]_a{}\x7f\x80\xc3\xff";
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let replacements: &[u8] = if cfg!(target_arch = "wasm32") || text.len() > 100 {
        telling
    } else {
        &all
    };
    for end in 0..=text.len() {
        try_each(&text.as_bytes()[..end]);
    }
    let mut bytes = text.as_bytes().to_vec();
    for at in 0..bytes.len() {
        let original = bytes[at];
        for &replacement in replacements {
            bytes[at] = replacement;
            try_each(&bytes);
        }
        bytes[at] = original;
    }
}

fn policy() -> Policy {
    Policy::from_json(POLICY.as_bytes()).unwrap()
}

/// Decides, explains and writes down whatever was seen.
fn decide(policy: &Policy, authority: &[u8], method: &[u8], path: Option<&[u8]>) {
    let now = Timestamp::from_micros(0);
    for seen in [
        Seen::Request {
            authority,
            method,
            path,
        },
        Seen::Request {
            authority,
            method: b"CONNECT",
            path: None,
        },
        Seen::Connection {
            server_name: authority,
            port: 443,
        },
    ] {
        let decision = policy.decide(&seen, &Surroundings::new(80), now);
        let record = decision.record();
        assert_eq!(record.host.is_some(), record.port.is_some());
        assert_ne!(record.host.is_some(), record.raw.is_some());
        assert!(
            record
                .raw
                .as_ref()
                .is_none_or(|raw| raw.len() <= MAX_RAW && raw.is_ascii())
        );
        assert_eq!(record.would_reject, record.rejected_by.is_some());
        let json = serde_json::to_string(&policy.explain(&seen, &Surroundings::new(80), now)).unwrap();
        assert!(json.starts_with('{'));
    }
}

#[test]
fn damaged_authorities() {
    let policy = policy();
    for authority in AUTHORITIES {
        damaged(authority, |bytes| decide(&policy, bytes, b"GET", Some(b"/")));
    }
}

#[test]
fn damaged_paths_and_globs() {
    let globs: Vec<PathGlob> = GLOBS.iter().map(|glob| PathGlob::parse(glob).unwrap()).collect();
    let policy = policy();
    for path in PATHS {
        damaged(path, |bytes| {
            if let Path::Clean(clean) = Path::parse(Some(bytes)) {
                assert_eq!(clean.first(), Some(&b'/'));
                assert!(std::str::from_utf8(&clean).is_ok());
                for glob in &globs {
                    let _ = glob.matches(&clean);
                }
            }
            decide(&policy, b"api.github.com:443", b"GET", Some(bytes));
        });
    }
    for glob in GLOBS {
        damaged(glob, |bytes| {
            if let Ok(glob) = PathGlob::parse(&String::from_utf8_lossy(bytes)) {
                let _ = glob.matches(b"/repos/a/b/z.js");
                let _ = glob.matches(bytes);
            }
        });
    }
}

#[test]
fn damaged_policies() {
    // The second pass puts every mistake into words.
    damaged(POLICY, |bytes| match PolicyDocument::from_json(bytes) {
        Ok(document) => assert!(Policy::compile(&document).is_ok()),
        Err(problems) => {
            assert!(!problems.as_slice().is_empty());
            assert!(!problems.to_string().is_empty());
        }
    });
}

#[test]
fn damaged_times_and_patterns() {
    for time in TIMES {
        damaged(time, |bytes| {
            if let Ok(time) = Timestamp::parse_rfc3339(&String::from_utf8_lossy(bytes)) {
                let printed = time.to_string();
                // Years that RFC 3339 cannot write are reached by a zone only.
                if let Ok(read) = Timestamp::parse_rfc3339(&printed) {
                    assert_eq!(read, time, "{printed}");
                }
            }
        });
    }
    for pattern in [
        "*.example.com",
        "10.0.0.0/8",
        "[2001:db8::1]",
        "::ffff:10.0.0.0/104",
        "bücher.example",
        "*",
    ] {
        damaged(pattern, |bytes| {
            if let Ok(pattern) = HostPattern::parse(&String::from_utf8_lossy(bytes)) {
                assert_eq!(HostPattern::parse(&pattern.to_string()), Ok(pattern));
            }
        });
    }
}

#[test]
fn random_bytes_everywhere() {
    let policy = policy();
    let config = ProptestConfig {
        cases: if cfg!(target_arch = "wasm32") { 128 } else { 4_096 },
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let bytes = || prop::collection::vec(any::<u8>(), 0..300);
    // Mostly what names and JSON are made of, so that more than the first byte is read.
    let likely = || prop::collection::vec(prop::sample::select(b"a1.:-_[]/%*?{}\",0xX".to_vec()), 0..300);
    let some = || prop_oneof![bytes(), likely()];
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&(some(), some(), some()), |(one, two, three)| {
        decide(&policy, &one, &two, Some(&three));
        let text = String::from_utf8_lossy(&one);
        let _ = PolicyDocument::from_json(&one);
        let _ = HostPattern::parse(&text);
        let _ = Timestamp::parse_rfc3339(&text);
        let _ = Host::parse_ipv6(&one);
        let _ = Path::parse(Some(&two));
        if let Ok(glob) = PathGlob::parse(&format!("/{}", String::from_utf8_lossy(&two))) {
            let _ = glob.matches(&three);
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// Deep nesting must not exhaust the stack of a wasm VM.
#[test]
fn nested_json_is_refused() {
    for open in ["[", "{\"rules\":[", "{\"rules\":[{\"host\":[", "{\"a\":"] {
        let json = open.repeat(20_000);
        assert!(PolicyDocument::from_json(json.as_bytes()).is_err());
    }
}
