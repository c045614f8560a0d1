//! Plain HTTP on its port: the authority that is decided is the one that chooses the cluster.

use serde_json::Value;
use sluice_tests::raw::h1;

use super::{SOMEWHERE, Scene};

#[test]
fn requests_go_where_their_authority_is_registered() {
    let scene = Scene::locked();
    let curl = scene.curl(&format!("{SOMEWHERE}:80"));
    let header = |host: &str| format!("host: {host}");
    for (number, (host, status, record)) in [
        (
            "unlisted.example.com",
            403,
            "reject default_deny unlisted.example.com:80 > nowhere",
        ),
        // Listed and not registered.
        ("new.example.com", 502, "allow late new.example.com:80 > nowhere"),
        ("169.254.169.254", 502, "allow meta 169.254.169.254:80 > nowhere"),
        ("192.0.2.66", 403, "reject bad 192.0.2.66:80 > nowhere"),
        // Another port than the one that is dialled, and the one that a rule names.
        ("api.github.com:8080", 502, "allow gh api.github.com:8080 > nowhere"),
        (
            "api.openai.com:443",
            403,
            "reject default_deny api.openai.com:443 > nowhere",
        ),
        ("api.github.com:0x50", 403, "reject invalid_authority  > nowhere"),
        ("localhost", 403, "reject self localhost:80 > nowhere"),
        // Written otherwise than it is registered: allowed, and no virtual host's.
        ("api.github.com.", 502, "allow gh api.github.com:80 > nowhere"),
    ]
    .into_iter()
    .enumerate()
    {
        let outcome = curl.run(&["--header", &header(host)], "http://api.github.com/");
        assert_eq!(outcome.http_code, status, "{host}");
        assert_eq!(scene.record(number + 1), record);
    }
    assert_eq!((scene.dialled(), scene.world.plain.accepted()), (0, 0));
    for (number, (host, record)) in [
        (
            "api.github.com",
            "allow gh api.github.com:80 > outbound|80||api.github.com",
        ),
        (
            "API.GitHub.com:80",
            "allow gh api.github.com:80 > outbound|80||api.github.com",
        ),
        (
            "api.openai.com",
            "allow ai api.openai.com:80 > outbound|80||api.openai.com",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let outcome = curl.run(&["--header", &header(host)], "http://api.github.com/");
        assert_eq!(outcome.http_code, 200, "{host}");
        assert_eq!(scene.record(number + 10), record);
    }
    assert_eq!(scene.world.plain.requests().len(), 3);
}

#[test]
fn who_is_rejected_is_told_why() {
    let scene = Scene::locked();
    let outcome = scene
        .curl(&format!("{SOMEWHERE}:80"))
        .get("http://unlisted.example.com/");
    assert_eq!(outcome.header("x-sluice-rejected-by"), Some("default_deny"));
    assert_eq!(outcome.header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_str(&outcome.body).expect("the body is JSON");
    assert_eq!(body["error"]["code"], "EGRESS_HOST_NOT_ALLOWED");
    assert_eq!(body["error"]["details"]["host"], "unlisted.example.com");
    assert_eq!(body["error"]["details"]["port"], 80);
}

#[test]
fn every_request_of_a_connection_is_decided() {
    let scene = Scene::locked();
    let mut connection = h1::Connection::open(scene.to("192.0.2.1:80"));
    let statuses = [
        "api.github.com",
        "unlisted.example.com",
        "new.example.com",
        "api.openai.com",
    ]
    .map(|host| {
        let lie = format!("127.0.0.1:{}", scene.world.tls.port());
        let headers: [(&[u8], &[u8]); 2] = [
            (b"host", host.as_bytes()),
            (b"x-envoy-original-dst-host", lie.as_bytes()),
        ];
        connection.send(&h1::request(b"GET", b"/", &headers)).status()
    });
    assert_eq!(statuses, [Some(200), Some(403), Some(502), Some(200)]);
    let requests = scene.world.plain.requests();
    assert_eq!((requests.len(), scene.world.tls.accepted()), (2, 0));
    assert!(!requests.concat().contains("original-dst"), "{requests:?}");
}
