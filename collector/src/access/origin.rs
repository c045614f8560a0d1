//! From which page a browser sends a call: only from those of this very collector.
//!
//! A browser says it itself, in `Origin` and in `Sec-Fetch-Site`, and lets no page
//! say anything else. What is no browser says nothing.

use http::header::{HOST, ORIGIN};
use http::request::Parts;
use url::Url;

use crate::error::Error;

/// Refuses what a page of somewhere else sends.
pub(crate) fn same_origin(parts: &Parts) -> Result<(), Error> {
    let site = site(parts);
    if matches!(site, Some(b"cross-site" | b"same-site")) {
        return Err(elsewhere("sec-fetch-site"));
    }
    match parts.headers.get(ORIGIN) {
        None => Ok(()),
        Some(origin) => {
            let origin = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok());
            match origin {
                Some(origin) if is_this(&origin, parts) => Ok(()),
                _ => Err(elsewhere("origin")),
            }
        }
    }
}

/// Refuses what a page of another site reads, or leads to.
pub(super) fn not_cross_site(parts: &Parts) -> Result<(), Error> {
    match site(parts) {
        Some(b"cross-site") => Err(elsewhere("sec-fetch-site")),
        _ => Ok(()),
    }
}

fn site(parts: &Parts) -> Option<&[u8]> {
    parts.headers.get("sec-fetch-site").map(|site| site.as_bytes())
}

/// The scheme is the page's: what ends TLS in front of the collector is no other place.
fn is_this(origin: &Url, parts: &Parts) -> bool {
    // HTTP/2 has the host in the address.
    let host = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = host.or_else(|| parts.headers.get(HOST)?.to_str().ok());
    let here = host.and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    matches!(origin.scheme(), "http" | "https") && here.is_some_and(|here| here.origin() == origin.origin())
}

fn elsewhere(header: &str) -> Error {
    Error::Forbidden(format!(
        "{header} says that a page of another place sent this; only the console of this collector may"
    ))
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn an_origin_is_this_host_or_another_place() {
        for (origin, host, is_same) in [
            ("http://sluice.example.com", "sluice.example.com", true),
            ("https://sluice.example.com", "sluice.example.com", true),
            ("https://sluice.example.com", "sluice.example.com:443", true),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("http://SLUICE.example.com", "sluice.example.com", true),
            ("http://sluice.example.com:8080", "sluice.example.com", false),
            ("http://127.0.0.1:8081", "127.0.0.1:8080", false),
            ("http://other.example.com", "sluice.example.com", false),
            ("http://sluice.example.com.example.org", "sluice.example.com", false),
            ("null", "sluice.example.com", false),
            ("file://sluice.example.com", "sluice.example.com", false),
            ("", "sluice.example.com", false),
            ("sluice.example.com", "sluice.example.com", false),
        ] {
            let plain = parts("/api/v1/sessions", &[("origin", origin), ("host", host)]);
            assert_eq!(same_origin(&plain).is_ok(), is_same, "{origin} {host}");
            let over_h2 = parts(&format!("https://{host}/api/v1/sessions"), &[("origin", origin)]);
            assert_eq!(same_origin(&over_h2).is_ok(), is_same, "{origin} {host}, HTTP/2");
        }
        assert!(same_origin(&parts("/", &[("origin", "http://a.example.com")])).is_err());
        assert!(same_origin(&parts("/", &[("host", "a.example.com")])).is_ok());
    }

    #[test]
    fn a_browser_says_from_which_site() {
        for (site, writes, reads) in [
            ("same-origin", true, true),
            ("none", true, true),
            ("same-site", false, true),
            ("cross-site", false, false),
        ] {
            let parts = parts("/", &[("sec-fetch-site", site)]);
            assert_eq!(same_origin(&parts).is_ok(), writes, "{site}");
            assert_eq!(not_cross_site(&parts).is_ok(), reads, "{site}");
        }
    }
}
