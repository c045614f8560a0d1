//! Check `proxy`: the explicit proxy answers, and it is Sluice.

use std::time::Duration;

use super::dial;
use super::http::{self, Said};
use super::names;
use super::place::{InvalidProxy, Place};
use super::{Findings, NOWHERE, Options};

const CHECK: &str = "proxy";

/// Where clients look for their proxy, in the order of what they do with HTTPS.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// How traffic gets to Sluice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// Clients ask a proxy.
    Proxy { at: Place, said_by: &'static str },
    /// Clients are told of something that is no proxy of ours.
    Unusable { said_by: &'static str },
    /// Clients are told nothing; connections are redirected.
    Redirected,
}

impl Way {
    /// What the arguments say, else the environment.
    pub(super) fn find(options: &Options, variable: impl Fn(&str) -> Option<String>) -> Self {
        if options.transparent {
            return Self::Redirected;
        }
        if let Some(at) = options.proxy.clone() {
            return Self::Proxy { at, said_by: "--proxy" };
        }
        let set = VARIABLES.into_iter().find_map(|said_by| {
            let text = variable(said_by).filter(|text| !text.is_empty())?;
            Some((said_by, text))
        });
        match set {
            None => Self::Redirected,
            Some((said_by, text)) => match Place::parse_proxy(&text) {
                Ok(at) => Self::Proxy { at, said_by },
                Err(_) => Self::Unusable { said_by },
            },
        }
    }

    pub(super) fn is_redirected(&self) -> bool {
        *self == Self::Redirected
    }
}

/// The request for a tunnel.
pub(super) fn connect(to: &str) -> String {
    format!("CONNECT {to} HTTP/1.1\r\nhost: {to}\r\n\r\n")
}

/// Asks it for a name that cannot exist.
pub(super) async fn check(at: &Place, said_by: &str, patience: Duration) -> Findings {
    let mut findings = Findings::default();
    let at_text = format!("{at} ({said_by})");
    let dialled = match names::addresses(at, patience).await {
        Ok(addresses) => dial::first(&addresses, patience).await,
        Err(stopped) => Err(stopped),
    };
    match dialled {
        Ok(mut stream) => {
            let said = http::ask(&mut stream, &connect(&format!("{NOWHERE}:443")), patience).await;
            judge(&at_text, &said, &mut findings);
        }
        Err(stopped) => findings.wrong(
            CHECK,
            format_args!("{at_text} does not answer: {stopped}"),
            "is Envoy running there, and does the firewall leave the way to it open?",
        ),
    }
    findings
}

/// What is configured is no proxy of ours.
pub(super) fn unusable(said_by: &str) -> Findings {
    let mut findings = Findings::default();
    findings.wrong(
        CHECK,
        format_args!("{said_by} names no proxy as Sluice's is: {InvalidProxy}"),
        "clients go elsewhere, or nowhere; --proxy HOST:PORT checks another",
    );
    findings
}

fn judge(at: &str, said: &Said, findings: &mut Findings) {
    const OTHER: &str = "is that the port of Sluice's Envoy, and not another proxy's or server's?";
    match said {
        Said::Response {
            rejected_by: Some(by), ..
        } => findings.ok(
            CHECK,
            format_args!("{at} is Sluice, and rejects a name that nobody lists ({by})"),
        ),
        // What comes of a name that does not exist where nothing rejects it: no upstream, or a tunnel that waits.
        Said::Response {
            status: status @ (200 | 502..=504),
            ..
        } => findings.note(
            CHECK,
            format_args!("{at} rejects no name: {status} for one that does not exist"),
            "Sluice does so in audit_only, or where the policy allows any name; another proxy does so too",
        ),
        Said::Response { status: 500, .. } => findings.wrong(
            CHECK,
            format_args!("{at} answers 500"),
            "Envoy answers so when its filter could not start; its log says why, and nothing passes",
        ),
        Said::Response { status, .. } => findings.wrong(
            CHECK,
            format_args!("{at} answers {status} to CONNECT, and not as Sluice does"),
            OTHER,
        ),
        Said::Noise => findings.wrong(CHECK, format_args!("{at} does not speak HTTP"), OTHER),
        Said::Closed => findings.wrong(CHECK, format_args!("{at} closes without an answer"), OTHER),
        Said::Silence => findings.wrong(
            CHECK,
            format_args!("{at} takes connections, and gives no answer in time"),
            "is it waiting for its policy or its resolver? A longer --timeout tells",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::options;
    use super::*;

    #[test]
    fn the_proxy_is_what_the_arguments_say_else_the_environment() {
        let place = |text| Place::parse(text).unwrap();
        let nothing = |_: &str| None;
        assert_eq!(Way::find(&options(""), nothing), Way::Redirected);
        let environment = |name: &str| match name {
            "HTTPS_PROXY" => Some(String::new()),
            "https_proxy" => Some("http://127.0.0.1:3128".to_owned()),
            "HTTP_PROXY" => Some("http://127.0.0.1:3129".to_owned()),
            _ => None,
        };
        let expected = Way::Proxy {
            at: place("127.0.0.1:3128"),
            said_by: "https_proxy",
        };
        assert_eq!(Way::find(&options(""), environment), expected);
        let expected = Way::Proxy {
            at: place("127.0.0.1:1"),
            said_by: "--proxy",
        };
        assert_eq!(Way::find(&options("--proxy 127.0.0.1:1"), environment), expected);
        assert_eq!(Way::find(&options("--transparent"), environment), Way::Redirected);
        let socks = |name: &str| (name == "http_proxy").then(|| "socks5://127.0.0.1:1080".to_owned());
        assert_eq!(Way::find(&options(""), socks), Way::Unusable { said_by: "http_proxy" });
    }

    #[test]
    fn what_it_answers_says_what_it_is() {
        let response = |status, by: Option<&str>| Said::Response {
            status,
            rejected_by: by.map(str::to_owned),
        };
        for (said, status, part) in [
            (response(403, Some("default_deny")), "ok", "default_deny"),
            (response(403, Some("no_policy")), "ok", "no_policy"),
            (response(503, None), "note", "503"),
            (response(200, None), "note", "200"),
            (response(500, None), "wrong", "500"),
            (response(403, None), "wrong", "not as Sluice"),
            (response(407, None), "wrong", "407"),
            (response(501, None), "wrong", "501"),
            (Said::Noise, "wrong", "HTTP"),
            (Said::Closed, "wrong", "closes"),
            (Said::Silence, "wrong", "in time"),
        ] {
            let mut findings = Findings::default();
            judge("127.0.0.1:3128", &said, &mut findings);
            let finding = findings.only();
            assert_eq!(finding.status, status, "{said:?}");
            assert!(finding.said.contains(part), "{said:?}: {}", finding.said);
        }
    }
}
