//! Every dialect of every recording format is read, and what cannot be read is named.

use std::fs;
use std::path::{Path, PathBuf};

use sluice_harness::recording::{Format, ReadError, Reading, Recorded, Resemblance, SkipReason, Traffic, read};
use sluice_policy::Timestamp;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn reading(name: &str) -> Reading {
    read(&data(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// One entry as a line: place, time, count if it is not 1, traffic.
fn line(recorded: &Recorded) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let at = recorded.at.map_or("-".to_owned(), |at| at.to_string());
    let count = if recorded.count == 1 {
        String::new()
    } else {
        format!(" x{}", recorded.count)
    };
    let traffic = match &recorded.traffic {
        Traffic::Exchange {
            tls,
            authority,
            method,
            path,
        } => format!(
            "{} {} {} {}",
            if *tls { "https" } else { "http" },
            text(method),
            text(authority),
            path.as_deref().map_or("-".to_owned(), text),
        ),
        Traffic::Tunnel { authority } => format!("tunnel {}", text(authority)),
        Traffic::Connection { server_name, port } => format!("sni {} {port}", text(server_name)),
    };
    format!("{} {at}{count} {traffic}", recorded.source)
}

fn check(name: &str, format: Format, recorded: &[&str], skipped: &[&str]) {
    let reading = reading(name);
    assert_eq!(reading.format, format, "{name}");
    assert_eq!(
        reading.recorded.iter().map(line).collect::<Vec<_>>(),
        recorded,
        "{name}"
    );
    let reasons: Vec<String> = reading.skipped.iter().map(ToString::to_string).collect();
    assert_eq!(reasons, skipped, "{name}");
}

#[test]
fn chrome() {
    check(
        "chrome.har",
        Format::Har,
        &[
            "chrome.har#0 2026-03-02T08:00:00.123000Z https GET www.example.com:443 /start?lang=en",
            "chrome.har#2 2026-03-02T08:00:00.400000Z https GET live.example.com:443 /socket",
            "chrome.har#5 2026-03-02T08:00:00.500000Z http POST api.example.com.:8080 /v1/items?q=1",
        ],
        &[
            "chrome.har#1: no traffic for a proxy: the URL's scheme is data, expected http, https, ws or wss",
            "chrome.har#3: no traffic for a proxy: the URL's scheme is chrome-extension, expected http, https, ws or wss",
            "chrome.har#4: no traffic for a proxy: the URL's scheme is blob, expected http, https, ws or wss",
        ],
    );
}

#[test]
fn firefox() {
    check(
        "firefox.har",
        Format::Har,
        &[
            "firefox.har#0 2026-03-02T07:00:00.100000Z https GET www.example.com:8443 /",
            "firefox.har#2 2026-03-02T07:00:00.400000Z http OPTIONS xn--bcher-kva.example.com:80 /katalog",
        ],
        &["firefox.har#1: no traffic for a proxy: the URL's scheme is about, expected http, https, ws or wss"],
    );
}

#[test]
fn safari_leaves_times_and_methods_empty() {
    check(
        "safari.har",
        Format::Har,
        &[
            "safari.har#0 - https GET www.example.com:443 /",
            "safari.har#2 - http HEAD live.example.com:80 /",
        ],
        &["safari.har#1: no traffic for a proxy: the URL's scheme is data, expected http, https, ws or wss"],
    );
}

#[test]
fn charles_writes_a_byte_order_mark_and_tunnels() {
    assert!(fs::read(data("charles.har")).unwrap().starts_with(b"\xef\xbb\xbf"));
    check(
        "charles.har",
        Format::Har,
        &[
            "charles.har#0 2026-03-02T09:00:00.000000Z tunnel db.example.com:5432",
            "charles.har#1 2026-03-02T09:00:01.000000Z tunnel www.example.com:443",
            "charles.har#2 2026-03-02T09:00:02.000000Z tunnel mail.example.com:465",
            "charles.har#3 2026-03-02T09:00:02.500000Z tunnel [2001:db8::2]:465",
            "charles.har#4 2026-03-02T09:00:03.000000Z http GET [2001:db8::1]:80 /status",
        ],
        &[],
    );
}

#[test]
fn insomnia() {
    check(
        "insomnia.har",
        Format::Har,
        &["insomnia.har#0 2026-03-02T11:00:00.000000Z https PATCH api.example.com:443 /v2/items/7"],
        &["insomnia.har#1: request.url \"{{ base_url }}/v2/items\" is not a URL: relative URL without a base"],
    );
}

#[test]
fn a_broken_entry_is_named_and_costs_no_other() {
    check(
        "broken-entries.har",
        Format::Har,
        &[
            "broken-entries.har#0 2026-03-02T08:00:00.000000Z https GET first.example.com:443 /",
            "broken-entries.har#10 - https GET second.example.com:443 /",
        ],
        &[
            "broken-entries.har#1: request.url is missing, expected a URL",
            "broken-entries.har#2: request.url is missing, expected a URL",
            "broken-entries.har#3: request.url is missing, expected a URL",
            "broken-entries.har#4: request.url is missing, expected a URL",
            "broken-entries.har#5: request.url is missing, expected a URL",
            "broken-entries.har#6: request.url is null, expected a URL",
            "broken-entries.har#7: request.method is missing, expected an HTTP method",
            "broken-entries.har#8: request.method is 5, expected an HTTP method",
            "broken-entries.har#9: request.url \"https://exa mple.com/\" is not a URL: \
             invalid international domain name",
            "broken-entries.har#11: no traffic for a proxy: the URL's scheme is file, expected http, https, ws or wss",
        ],
    );
}

#[test]
fn the_forward_proxys_own_log() {
    check(
        "forward-proxy.jsonl",
        Format::EnvoyAccessLog,
        &[
            "forward-proxy.jsonl:1 2026-03-02T08:00:00.000000Z tunnel api.example.com:443",
            "forward-proxy.jsonl:3 2026-03-02T08:00:01.000000Z http GET www.example.com /start?lang=en",
            "forward-proxy.jsonl:5 2026-03-02T08:00:02.000000Z https GET Inside.Example.com:443 /v1/items",
        ],
        &[
            "forward-proxy.jsonl:2: an interim line (DownstreamTunnelSuccessfullyEstablished); \
             the end of the same stream is logged as well",
            "forward-proxy.jsonl:6: neither an authority nor a server name was recorded",
            "forward-proxy.jsonl:7: not a readable JSON line: invalid type: integer `443`, \
             expected a string at line 1 column 59",
        ],
    );
}

#[test]
fn the_tls_passthrough_log() {
    check(
        "transparent.jsonl",
        Format::EnvoyAccessLog,
        &[
            "transparent.jsonl:1 2026-03-02T08:00:00.000000Z sni api.example.com 8443",
            "transparent.jsonl:2 2026-03-02T08:00:01.000000Z sni blocked.example.com. 9443",
            "transparent.jsonl:3 2026-03-02T08:00:02.000000Z sni  443",
        ],
        &["transparent.jsonl:4: neither an authority nor a server name was recorded"],
    );
}

#[test]
fn istios_default_keys_in_what_a_sidecar_prints() {
    check(
        "istio.jsonl",
        Format::EnvoyAccessLog,
        &[
            "istio.jsonl:2 2026-03-02T08:00:00.123000Z http GET www.example.com /start?lang=en",
            "istio.jsonl:3 2026-03-02T08:00:01.000000Z sni api.example.com 8443",
            "istio.jsonl:4 2026-03-02T08:00:02.000000Z sni db.example.com 5432",
        ],
        &[
            "istio.jsonl:1: not a readable JSON line: invalid type: integer `2026`, \
             expected an object at line 1 column 4",
            "istio.jsonl:5: inbound traffic of a sidecar, not egress",
            "istio.jsonl:6: neither an authority nor a server name was recorded",
            "istio.jsonl:7: not a readable JSON line: EOF while parsing a string at line 1 column 49",
        ],
    );
}

#[test]
fn audit_rows() {
    check(
        "audit.jsonl",
        Format::SluiceAudit,
        &[
            "audit.jsonl:1 2026-03-02T08:00:00.123456Z http GET www.example.com:80 /start",
            "audit.jsonl:2 2026-03-02T08:00:01.000000Z tunnel api.example.com:443",
            "audit.jsonl:3 2026-03-02T08:00:02.000000Z sni tls.example.com. 8443",
            "audit.jsonl:4 2026-03-02T08:00:03.000000Z https POST inside.example.com:443 /v1/items",
            "audit.jsonl:5 2026-03-02T08:00:04.000000Z tunnel [2001:db8::1]:443",
            r"audit.jsonl:6 2026-03-02T08:00:05.000000Z http GET a,b\xff /",
            "audit.jsonl:7 2026-03-02T08:00:06.000000Z sni  443",
            "audit.jsonl:8 2026-03-02T08:00:07.000000Z x250 tunnel bulk.example.com:443",
        ],
        &[
            "audit.jsonl:9: port is missing, expected a port from 1 to 65535",
            "audit.jsonl:10: count is 0, expected 1 or more",
            "audit.jsonl:11: neither an authority nor a server name was recorded",
        ],
    );
}

/// Where the recording says that a filter decided on the address too.
#[test]
fn the_address_that_was_decided_on_is_kept() {
    let log = r#"{"authority":"a.example.com:443","method":"CONNECT","resolved_address":"10.2.3.4:443","upstream_host":null,"verdict":"{}"}
{"authority":"a.example.com","method":"GET","resolved_address":"[fd00::1]:80","upstream_host":"[fd00::1]:80"}
{"authority":"a.example.com","method":"GET","resolved_address":null,"upstream_host":"10.2.3.4:80","verdict":"{}"}
{"authority":"a.example.com","method":"GET","resolved_address":"envoy://inner/x"}
{"requested_server_name":"b.example.com","method":null,"upstream_host":"10.2.3.4:443","verdict":"{\"port\":443}"}
{"requested_server_name":"b.example.com","upstream_host":"10.2.3.4:443"}
{"requested_server_name":"b.example.com","upstream_host":"10.2.3.4:443","upstream_cluster":"outbound|443||b.example.com","verdict":"{}"}
"#;
    let audit = r#"{"timestamp":"2026-03-02T08:00:00.123456Z","host":"a.example.com","port":80,"method":"GET","action":"allow","would_reject":true,"rejected_by":"private_address","metadata":{"peer":"10.2.3.4"}}
{"timestamp":"2026-03-02T08:00:00.123456Z","host":"a.example.com","port":80,"method":"GET","action":"allow","would_reject":false,"metadata":{"peer":7}}
{"timestamp":"2026-03-02T08:00:00.123456Z","host":"a.example.com","port":80,"method":"GET","action":"allow","would_reject":false,"metadata":null}
"#;
    let addresses = |text: &str| -> Vec<String> {
        let reading = read_bytes(text.as_bytes()).unwrap();
        assert!(reading.skipped.is_empty(), "{:?}", reading.skipped);
        let text = |recorded: &Recorded| recorded.address.map_or("-".to_owned(), |ip| ip.to_string());
        reading.recorded.iter().map(text).collect()
    };
    assert_eq!(addresses(log), ["10.2.3.4", "fd00::1", "-", "-", "10.2.3.4", "-", "-"]);
    assert_eq!(addresses(audit), ["10.2.3.4", "-", "-"]);
}

#[test]
fn content_and_not_the_name_decides() {
    let folder = tempfile::tempdir().unwrap();
    for (name, as_if, format) in [
        ("chrome.har", "log.jsonl", Format::Har),
        ("istio.jsonl", "page.har", Format::EnvoyAccessLog),
        ("audit.jsonl", "noextension", Format::SluiceAudit),
    ] {
        let copy = folder.path().join(as_if);
        fs::copy(data(name), &copy).unwrap();
        let copied = read(&copy).unwrap();
        assert_eq!(copied.format, format, "{name} as {as_if}");
        assert_eq!(copied.recorded.len(), reading(name).recorded.len());
        assert!(
            copied.recorded[0].source.starts_with(as_if),
            "{}",
            copied.recorded[0].source
        );
    }
}

/// Writes `content` to a file and reads it.
fn read_bytes(content: &[u8]) -> Result<Reading, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("given");
    fs::write(&path, content).unwrap();
    read(&path)
}

#[test]
fn what_is_no_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let missing = read(&folder.path().join("missing.har")).unwrap_err();
    assert!(matches!(&missing, ReadError::Io { error, .. } if error.kind() == std::io::ErrorKind::NotFound));
    assert!(missing.to_string().contains("missing.har: "), "{missing}");
    assert!(matches!(read(folder.path()), Err(ReadError::Directory { .. })));
}

#[test]
fn an_empty_file_says_so() {
    for content in ["", "\n\n  \n", "\u{feff}", "\u{feff}\n"] {
        assert!(
            matches!(read_bytes(content.as_bytes()), Err(ReadError::Empty { .. })),
            "{content:?}"
        );
    }
}

#[test]
fn a_cut_off_archive_says_where_at_every_length() {
    let whole = fs::read(data("charles.har")).unwrap();
    let begins = whole.iter().position(|byte| *byte == b'[').unwrap();
    let ends = whole.iter().rposition(|byte| *byte == b'}').unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.har");
    fs::write(&path, &whole[..ends]).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    for length in (begins..ends).rev() {
        file.set_len(length as u64).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, ReadError::Truncated { .. }), "{length}: {error}");
        assert!(error.to_string().contains("cut off (EOF while parsing"), "{error}");
    }
    assert!(read_bytes(&whole[..=ends]).is_ok());
}

#[test]
fn a_broken_archive_says_where() {
    for (content, expected) in [
        (r#"{"log": {}}"#, "missing field `entries` at line 1 column 10"),
        (
            r#"{"log": {"entries": {}}}"#,
            "expected a list of entries at line 1 column 20",
        ),
        (
            "{\"log\": {\"entries\": [\n{\"request\": ]}}",
            "expected value at line 2 column 13",
        ),
        (
            r#"{"log": {"entries": []}} {}"#,
            "trailing characters at line 1 column 26",
        ),
    ] {
        let error = read_bytes(content.as_bytes()).unwrap_err();
        assert!(matches!(error, ReadError::Har { .. }), "{content}: {error}");
        assert!(error.to_string().contains(expected), "{content}: {error}");
    }
}

#[test]
fn what_is_not_utf8_says_from_where() {
    for (content, expected) in [
        (&b"{\"log\": {\"entries\": [], \"comment\": \"caf\xe9\"}}"[..], 39),
        (b"\xef\xbb\xbf{\"log\": {\"comment\": \"\xe9\"}}", 24),
        (b"caf\xe9 au lait", 3),
        (b"\xef\xbb\xbfcaf\xe9 au lait", 6),
    ] {
        match read_bytes(content) {
            Err(ReadError::NotUtf8 { offset, .. }) => assert_eq!(offset, expected),
            other => panic!("{other:?}"),
        }
    }
    let log = b"{\"authority\":\"a.example.com\",\"method\":\"GET\"}\n{\"authority\":\"\xff\"}\n";
    let read = read_bytes(log).unwrap();
    assert_eq!(read.recorded.len(), 1);
    assert_eq!(read.skipped[0].reason, SkipReason::NotUtf8 { offset: 14 });
}

#[test]
fn an_unknown_format_lists_the_known_ones() {
    let error = read_bytes(br#"{"level": "info", "message": "hello"}"#).unwrap_err();
    assert!(matches!(error, ReadError::Unknown { resembles: None, .. }));
    for format in Format::ALL {
        assert!(error.to_string().contains(format.describe()), "{error}");
    }
    let spread = read_bytes(b"{\n  \"authority\": \"example.com\"\n}\n").unwrap_err();
    assert!(matches!(
        spread,
        ReadError::Unknown {
            resembles: Some(Resemblance::SpreadJson),
            ..
        }
    ));
    assert!(spread.to_string().contains("jq -c"), "{spread}");
}

#[test]
fn json_lines_are_not_held_beyond_a_line() {
    use sluice_harness::recording::{Item, open};
    use std::io::Write as _;

    // Far more than is looked at to tell the format, so that most of it is read
    // while iterating: entries come out before the file is complete.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.jsonl");
    let mut file = fs::File::create(&path).unwrap();
    let row = |n: u32| format!("{{\"authority\":\"n{n}.example.com\",\"method\":\"GET\",\"path\":\"/\"}}\n");
    for n in 0..10_000 {
        file.write_all(row(n).as_bytes()).unwrap();
    }
    let mut records = open(&path).unwrap();
    assert!(matches!(records.next(), Some(Ok(Item::Recorded(first))) if first.source == "long.jsonl:1"));
    file.write_all(row(10_000).as_bytes()).unwrap();
    let last = records.last().unwrap().unwrap();
    assert!(matches!(last, Item::Recorded(last) if last.source == "long.jsonl:10001"));
}

#[test]
fn a_damaged_byte_costs_no_more_than_its_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged");
    for name in ["charles.har", "forward-proxy.jsonl", "audit.jsonl"] {
        let whole = fs::read(data(name)).unwrap();
        let before = reading(name);
        let entries = before.recorded.len() + before.skipped.len();
        for at in 0..whole.len() {
            // A quote ends or begins a string, and in the place of a line's end joins two.
            let mut damaged = whole.clone();
            damaged[at] = b'"';
            fs::write(&path, &damaged).unwrap();
            match (before.format, read(&path)) {
                // A defect between entries leaves no way to find the next one.
                (Format::Har, Err(_)) => {}
                (Format::Har, Ok(after)) => {
                    assert!(after.recorded.len() + after.skipped.len() <= entries, "{name} {at}");
                }
                (_, Ok(after)) => {
                    let kept = after.recorded.len();
                    assert!(kept + 2 >= before.recorded.len(), "{name} {at}: {kept}");
                    assert!(kept + after.skipped.len() <= entries, "{name} {at}");
                }
                (_, Err(error)) => panic!("{name} {at}: {error}"),
            }
        }
    }
}

#[test]
fn times_are_read_with_their_zone() {
    let expected = Timestamp::parse_rfc3339("2026-03-02T07:00:00.100Z").unwrap();
    assert_eq!(reading("firefox.har").recorded[0].at, Some(expected));
}
