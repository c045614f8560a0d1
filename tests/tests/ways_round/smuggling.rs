//! A request inside another, for a server that reads lengths differently: what has two lengths goes nowhere.

use sluice_tests::raw::h1;

use crate::site::{LISTED, Site, UNLISTED};

#[test]
fn a_request_with_two_lengths_goes_nowhere() {
    let site = Site::start("enforce");
    let listed = site.at(LISTED);
    let url = format!("http://{listed}/");
    let hidden = String::from_utf8_lossy(&h1::get(&site.at(UNLISTED))).into_owned();
    let length = hidden.len();
    for (headers, body) in [
        (
            format!("content-length: {}\r\ntransfer-encoding: chunked", length + 5),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "transfer-encoding: chunked\r\ncontent-length: 4".to_owned(),
            format!("{length:x}\r\n{hidden}\r\n0\r\n\r\n"),
        ),
        (format!("content-length: 0\r\ncontent-length: {length}"), hidden.clone()),
        (format!("content-length: 0, {length}"), hidden.clone()),
        (
            format!("content-length: {length}\r\ncontent-length : 0"),
            hidden.clone(),
        ),
        ("transfer-encoding: xchunked".to_owned(), format!("0\r\n\r\n{hidden}")),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: identity".to_owned(),
            format!("0\r\n\r\n{hidden}"),
        ),
        (
            "transfer-encoding: chunked".to_owned(),
            // A length that is no hexadecimal number.
            format!("0x0\r\n\r\n{hidden}"),
        ),
    ] {
        let request = format!("POST {url} HTTP/1.1\r\nhost: {listed}\r\n{headers}\r\n\r\n{body}");
        let mut connection = site.connect();
        let status = connection.send(request.as_bytes()).status();
        assert!(matches!(status, Some(400 | 501)), "{status:?} to {headers}");
        connection.closed();
    }
    assert_eq!(site.connect().send(&h1::get(&listed)).status(), Some(200));
    assert_eq!(site.forwarded().len(), 1, "only the last one: {:?}", site.forwarded());
    site.nothing_went_to_the_unlisted_host();
}

#[test]
fn a_body_that_looks_like_a_request_is_a_body() {
    let site = Site::start("enforce");
    let (listed, unlisted) = (site.at(LISTED), site.at(UNLISTED));
    let hidden = h1::get(&unlisted);
    let head = format!(
        "POST http://{listed}/ HTTP/1.1\r\nhost: {listed}\r\ncontent-length: {}\r\n\r\n",
        hidden.len()
    );
    let mut connection = site.connect();
    let client = connection.local();
    assert_eq!(
        connection.send(&[head.as_bytes(), &hidden].concat()).status(),
        Some(200)
    );
    // The next answer is the one to the next request.
    let last = h1::request(
        b"HEAD",
        format!("http://{unlisted}/").as_bytes(),
        &[(b"host", unlisted.as_bytes())],
    );
    assert_eq!(connection.send(&last).status(), Some(403));
    site.envoy.logged("the last one", |entry| {
        entry.is_from(client) && entry.method.as_deref() == Some("HEAD")
    });
    let log = site.envoy.access_log();
    let methods = log.iter().filter(|entry| entry.is_from(client));
    let methods: Vec<_> = methods.filter_map(|entry| entry.method.as_deref()).collect();
    assert_eq!(methods, ["POST", "HEAD"]);
    assert_eq!(site.world.dns.queries(UNLISTED), 0);
}
