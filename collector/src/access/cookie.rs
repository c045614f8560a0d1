//! The cookie that a browser shows instead of a token.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// How the cookie is called, and which browsers may send it where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionCookie {
    /// Without TLS: whoever can read along has it anyway.
    #[default]
    Plain,
    /// With TLS. By its name a browser takes it only from this very host, for all of it, over TLS.
    Secure,
}

impl SessionCookie {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "sluice_session",
            Self::Secure => "__Host-sluice_session",
        }
    }

    /// The secret in it, if it is there.
    pub(super) fn read(self, headers: &HeaderMap) -> Option<String> {
        let lines = headers
            .get_all(COOKIE)
            .into_iter()
            .filter_map(|line| line.to_str().ok());
        lines
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .find(|cookie| cookie.name() == self.name())
            .map(|cookie| cookie.value().to_owned())
    }

    /// What makes a browser keep a secret for so many seconds.
    #[must_use]
    pub fn set(self, secret: &str, seconds: i64) -> HeaderValue {
        let cookie = Cookie::build((self.name(), secret))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(self == Self::Secure)
            .max_age(Duration::seconds(seconds));
        // Names and secrets are of letters, digits and underscores.
        HeaderValue::try_from(cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// What makes a browser forget it.
    #[must_use]
    pub fn expired(self) -> HeaderValue {
        self.set("", 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_for_this_host_and_for_no_script() {
        for (cookie, expected) in [
            (
                SessionCookie::Plain,
                "sluice_session=abc; HttpOnly; SameSite=Strict; Path=/; Max-Age=60",
            ),
            (
                SessionCookie::Secure,
                "__Host-sluice_session=abc; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60",
            ),
        ] {
            assert_eq!(cookie.set("abc", 60), expected);
            let expired = cookie.expired();
            let expired = expired.to_str().unwrap();
            assert!(
                expired.starts_with(&format!("{}=;", cookie.name())) && expired.ends_with("Max-Age=0"),
                "{expired}"
            );
        }
    }

    #[test]
    fn it_is_found_among_others() {
        let found = |lines: &[&str], cookie: SessionCookie| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(COOKIE, line.parse().unwrap());
            }
            cookie.read(&headers)
        };
        let (plain, secure) = (SessionCookie::Plain, SessionCookie::Secure);
        assert_eq!(found(&["a=b; sluice_session=abc"], plain).as_deref(), Some("abc"));
        // Over HTTP/2 each cookie may come in a line of its own.
        assert_eq!(found(&["a=b", "sluice_session=abc"], plain).as_deref(), Some("abc"));
        assert_eq!(found(&["__Host-sluice_session=abc"], secure).as_deref(), Some("abc"));
        assert_eq!(found(&["sluice_session=abc"], secure), None);
        assert_eq!(found(&["__Host-sluice_session=abc"], plain), None);
        assert_eq!(found(&["a=sluice_session=abc", ";;=", ""], plain), None);
    }
}
