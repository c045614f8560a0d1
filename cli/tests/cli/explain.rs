//! Every row of the documented tables, explained.

use serde_json::{Value, json};

use crate::run::{AT, Scratch, sluice};
use crate::schema;

const CANONICAL: &str = include_str!("../../../policy/tables/canonical.md");

/// The cells of the table below a heading, without their backticks.
fn rows(heading: &str) -> Vec<[String; 4]> {
    let lines = CANONICAL
        .lines()
        .skip_while(|line| line.strip_prefix("## ") != Some(heading))
        .skip(1);
    let table = lines
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with('|'));
    let unquote = |cell: &str| {
        let inside = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
        inside.unwrap_or(cell).to_owned()
    };
    let cells = |line: &str| {
        let cells: Vec<String> = line
            .trim_matches('|')
            .split('|')
            .map(|cell| unquote(cell.trim()))
            .collect();
        <[String; 4]>::try_from(cells).unwrap_or_else(|cells| panic!("four cells: {cells:?}"))
    };
    table.skip(2).map(cells).collect()
}

/// Explains under a policy that allows every name.
fn explain(arguments: &[&str]) -> Value {
    let fixed = ["explain", "--policy", "allow.json", "--format", "json", "--at", AT];
    let json = sluice(&[&fixed, arguments].concat()).ended(0).json();
    schema::check_complete("explain", &json);
    json
}

#[track_caller]
fn check(explained: &Value, [typed, host, port, reason]: &[String; 4], error: &str) {
    let canonical = &explained["canonical"];
    if reason.is_empty() {
        let port: u16 = port.parse().unwrap();
        let kind = match host.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(_)) => "ipv4",
            Ok(std::net::IpAddr::V6(_)) => "ipv6",
            Err(_) => "name",
        };
        assert_eq!(
            *canonical,
            json!({"host": host, "port": port, "kind": kind}),
            "{typed:?}"
        );
        assert_eq!(
            (&explained["host"], &explained["port"]),
            (&json!(host), &json!(port)),
            "{typed:?}"
        );
        assert_eq!(explained["raw"], Value::Null);
    } else {
        assert_eq!(canonical["error"], error, "{typed:?}");
        let said = canonical["reason"].as_str().unwrap();
        assert!(
            said.contains(reason.as_str()),
            "{typed:?}: {reason:?} is not in {said:?}"
        );
        assert_eq!(explained["rejected_by"], error);
        assert_eq!(explained["raw"], typed.as_str(), "bytes are escaped as they were typed");
    }
}

#[test]
fn every_authority_of_a_request() {
    let rows = rows("`:authority` of a request with a path");
    assert!(rows.len() > 50, "{}", rows.len());
    for row in &rows {
        let explained = explain(&["--", &format!("http://{}/", row[0])]);
        check(&explained, row, "invalid_authority");
        assert_eq!((&explained["method"], &explained["path"]), (&json!("GET"), &json!("/")));

        // As it is typed, it is an opaque connection, where no port means 443.
        let mut opaque = row.clone();
        if opaque[2] == "80" && !opaque[0].ends_with(":80") {
            opaque[2] = "443".to_owned();
        }
        let explained = explain(&["--", &row[0]]);
        check(&explained, &opaque, "invalid_authority");
        assert_eq!((&explained["method"], &explained["path"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn every_authority_of_a_connect() {
    let rows = rows("`:authority` of a `CONNECT`");
    assert!(rows.len() > 4, "{}", rows.len());
    for row in &rows {
        check(
            &explain(&["--method", "CONNECT", "--", &row[0]]),
            row,
            "invalid_authority",
        );
    }
}

#[test]
fn every_server_name() {
    let rows = rows("Server name of a TLS connection");
    assert!(rows.len() > 5, "{}", rows.len());
    for row in &rows {
        let error = if row[0].is_empty() {
            "sni_missing"
        } else {
            "invalid_authority"
        };
        let explained = explain(&["192.0.2.1:80", "--sni", &row[0]]);
        check(&explained, row, error);
        assert_eq!(explained["sni"], row[0].as_str());
    }
}

#[test]
fn nothing_but_reasons_distinguishes_the_ways_to_type_a_target() {
    for (arguments, host, port, method, path) in [
        (&["api.example.com"][..], "api.example.com", 443, None, None),
        (
            &["https://API.example.com/v1?key=secret"],
            "api.example.com",
            443,
            None,
            None,
        ),
        (
            &["https://api.example.com/v1?key=secret", "--method", "POST"],
            "api.example.com",
            443,
            Some("POST"),
            Some("/v1"),
        ),
        (
            &["api.example.com:8443", "--path", "/a/../b"],
            "api.example.com",
            8443,
            Some("GET"),
            Some("/a/../b"),
        ),
        (
            &["http://api.example.com"],
            "api.example.com",
            80,
            Some("GET"),
            Some("/"),
        ),
        (&["--sni", "api.example.com"], "api.example.com", 443, None, None),
        (&[r"\x61pi.example.com"], "api.example.com", 443, None, None),
    ] {
        let explained = explain(arguments);
        assert_eq!(
            (
                &explained["host"],
                &explained["port"],
                &explained["method"],
                &explained["path"]
            ),
            (&json!(host), &json!(port), &json!(method), &json!(path)),
            "{arguments:?}"
        );
    }
}

#[test]
fn every_rule_that_matches_is_ranked_with_its_reason() {
    let scratch = Scratch::new();
    let policy = scratch.file(
        "policy.json",
        r#"{"mode": "enforce", "rules": [
            {"id": "any",   "effect": "allow", "host": "*"},
            {"id": "trial", "effect": "allow", "host": "*.example.com", "warn_only": true},
            {"id": "wild",  "effect": "allow", "host": "*.example.com"},
            {"id": "deny",  "effect": "deny",  "host": "bad.example.com"},
            {"id": "other", "effect": "allow", "host": "api.example.org"}]}"#,
    );
    let matches = |target: &str| -> Vec<(String, bool, String)> {
        let explained = sluice(&["explain", target, "--policy", &policy, "--format", "json"])
            .ended(0)
            .json();
        schema::check_complete("explain", &explained);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let list = explained["matches"].as_array().unwrap();
        list.iter()
            .map(|rule| (text(&rule["rule_id"]), rule["won"] == true, text(&rule["why"])))
            .collect()
    };
    let expected = |list: &[(&str, bool, &str)]| -> Vec<(String, bool, String)> {
        list.iter()
            .map(|(rule, won, why)| ((*rule).to_owned(), *won, (*why).to_owned()))
            .collect()
    };
    assert_eq!(
        matches("a.example.com"),
        expected(&[
            ("wild", true, "most specific match (*.example.com)"),
            ("trial", false, "wild is not warn_only"),
            ("any", false, "wild is more specific"),
        ])
    );
    let bad = matches("bad.example.com");
    assert_eq!(bad[0], ("deny".to_owned(), true, "deny beats allow".to_owned()));
    assert_eq!(
        bad[1..]
            .iter()
            .filter(|(_, won, why)| !won && why.contains("deny"))
            .count(),
        3
    );
    assert_eq!(matches("192.0.2.1"), []);
}

#[test]
fn the_text_says_the_same_to_people() {
    let text = |arguments: &[&str]| {
        let fixed = ["explain", "--policy", "enforce.json", "--at", AT];
        sluice(&[&fixed, arguments].concat()).ended(0)
    };
    for (arguments, lines) in [
        (
            &["cdn.example.net"][..],
            &[
                "reject: cdn.example.net:443 by default_deny (enforce)",
                "seen       an opaque connection (CONNECT); method and path are not visible",
                "canonical  name cdn.example.net, port 443",
                "nearest    rule app, which names the host, but looks at method or path, which are not visible here",
                "matches    no rule",
            ][..],
        ),
        (
            &["http://Docs.example.com./start?q"],
            &[
                "allow: docs.example.com:80 by docs (enforce)",
                "seen       a request in clear: GET /start",
                "matches    1 rule",
                "won  docs  allow   docs.example.com  most specific match (docs.example.com)",
            ],
        ),
        (
            &[r"caf\xc3\xa9.example"],
            &[
                r#"reject: "caf\xc3\xa9.example" by invalid_authority (enforce)"#,
                "canonical  none: byte 0xc3 at 3: a host has ASCII letters, digits, '-', '_' and '.' only",
            ],
        ),
        (
            &["--sni", "a.example.org", "[2001:db8::1]:8443"],
            &[
                "warn: a.example.org:8443 by trial (enforce)",
                "seen       a TLS connection by its server name; method and path are not visible",
            ],
        ),
        (
            &["169.254.169.254"],
            &[
                "reject: 169.254.169.254:443 by meta (enforce)",
                "canonical  IPv4 address 169.254.169.254, port 443",
            ],
        ),
    ] {
        let ran = text(arguments);
        for line in lines {
            assert!(
                ran.stdout.lines().any(|one| one == *line),
                "{line:?} is not in:\n{}",
                ran.stdout
            );
        }
    }
    text(&["api.example.com/v1"]).complains_of(&["begin it with https://"]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (arguments, parts) in [
        (&["ftp://a.example"][..], &["\"ftp\"", "https"][..]),
        (&["http://a.example/x", "--path", "/y"], &["has a path", "one of them"]),
        (
            &["a.example:443", "--method", "CONNECT", "--path", "/y"],
            &["CONNECT has no path"],
        ),
        (
            &["http://a.example", "--sni", "a.example"],
            &["an sni", "plain request"],
        ),
        (&["a.example:x", "--sni", "a.example"], &["an sni", "not a number"]),
        (&[r"a\xzz"], &[r"\x", "at byte 1", "hexadecimal"]),
    ] {
        let ran = sluice(&[&["explain", "--policy", "enforce.json"], arguments].concat()).ended(2);
        assert_eq!(ran.stdout, "");
        ran.complains_of(parts);
    }
}
