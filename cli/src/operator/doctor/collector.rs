//! Whether the collector answers, is ready, knows us, and has the time we have.

use std::time::SystemTime;

use serde_json::Value;
use sluice_collector::moment::{Moment, SECOND};
use ureq::http::{Response, header};

use super::Findings;
use crate::client::{Call, Client, ClientError, Fields, is_loopback};
use crate::operator::session::Session;

/// How far clocks may be apart; the header has whole seconds.
const APART: i64 = 5 * SECOND;

/// Checks; answers the collector's time if there is any use in going on.
pub(super) fn check(session: &Session, findings: &mut Findings) -> Option<Moment> {
    let client = &session.client;
    let health = match client.probe("/healthz") {
        Ok(health) => health,
        Err(error) => {
            findings.wrong(
                "collector",
                first_line(&error),
                "is it running there, and is --url (SLUICE_URL) right?",
            );
            return None;
        }
    };
    if health.status().is_success() {
        findings.ok("collector", format_args!("answers at {}", client.url()));
    } else {
        let said = format!(
            "{}/healthz answers with status {}",
            client.url(),
            health.status().as_u16()
        );
        findings.wrong("collector", said, "is that a collector, or a proxy in front of it?");
        return None;
    }
    let now = clock(&health, findings);
    ready(client, findings);
    encrypted(client, findings);
    token(client, findings).then_some(now)
}

fn ready(client: &Client, findings: &mut Findings) {
    match client.probe("/readyz") {
        Ok(ready) if ready.status().is_success() => findings.ok("ready", "the collector takes events and calls"),
        Ok(mut ready) => {
            let body = ready
                .body_mut()
                .with_config()
                .limit(4_096)
                .lossy_utf8(true)
                .read_to_string();
            let body = body.unwrap_or_default();
            let said = format!(
                "the collector is not ready ({}): {}",
                ready.status().as_u16(),
                body.trim()
            );
            findings.wrong(
                "ready",
                said,
                "its log says why; most often the database is gone or full",
            );
        }
        Err(error) => findings.wrong("ready", first_line(&error), "its log says why"),
    }
}

/// Says how far the clocks are apart; answers the collector's time.
fn clock(health: &Response<ureq::Body>, findings: &mut Findings) -> Moment {
    let ours = Moment::now();
    let date = health.headers().get(header::DATE).and_then(|date| date.to_str().ok());
    let Some(theirs) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        findings.note(
            "clock",
            "the collector does not say what time it is",
            "a proxy in between may take its Date header away",
        );
        return ours;
    };
    let since = theirs.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let theirs = Moment(since.as_micros().try_into().unwrap_or(i64::MAX));
    let apart = ours.0.saturating_sub(theirs.0);
    if apart.saturating_abs() <= APART {
        findings.ok("clock", "the collector's clock and this machine's agree");
        return ours;
    }
    let seconds = (apart / SECOND).unsigned_abs();
    let which = if apart > 0 { "behind" } else { "ahead of" };
    findings.wrong(
        "clock",
        format_args!("the collector's clock is {seconds} s {which} this machine's"),
        "rules expire by the clock of whoever decides; set both by NTP",
    );
    theirs
}

fn encrypted(client: &Client, findings: &mut Findings) {
    if client.has_token() && client.url().scheme() == "http" && !is_loopback(client.url()) {
        findings.note(
            "tls",
            "the token travels unencrypted",
            "serve with --tls-cert and --tls-key, and use an https URL",
        );
    }
}

/// Whether there is any use in going on.
fn token(client: &Client, findings: &mut Findings) -> bool {
    if !client.has_token() {
        findings.wrong(
            "token",
            "no token is given",
            "set SLUICE_TOKEN, or token_file in the configuration file; the collector printed the first one when it first started",
        );
        return false;
    }
    match client.object(&Call::new("/tokens/self")) {
        Ok(token) => role(&token, findings),
        Err(ClientError::Api(error)) if error.status == 401 => {
            findings.wrong(
                "token",
                error.message,
                "an admin makes another with 'sluice token create'",
            );
            false
        }
        // An older collector does not say; whether it lets us look does.
        Err(ClientError::Api(error)) if matches!(error.status, 403..=405) => {
            match client.some(&Call::new("/egress/resources").with("limit", 1), 1) {
                Ok(_) => {
                    findings.ok("token", "it is accepted, and may look");
                    true
                }
                Err(error) => {
                    findings.wrong(
                        "token",
                        first_line(&error),
                        "an admin makes another with 'sluice token create'",
                    );
                    false
                }
            }
        }
        Err(error) => {
            findings.wrong("token", first_line(&error), "the collector's log says more");
            false
        }
    }
}

fn role(token: &Value, findings: &mut Findings) -> bool {
    let said = format!(
        "{}: {} of {}",
        token.text("name"),
        token.text("role"),
        token.text("scope")
    );
    match token.text("role") {
        "filter" | "relay" => {
            findings.wrong(
                "token",
                said,
                "that is a proxy's; operators need a token with the role viewer, operator or admin",
            );
            false
        }
        "viewer" => {
            findings.note("token", said, "it may look and not change anything");
            true
        }
        _ => {
            findings.ok("token", said);
            true
        }
    }
}

/// The advice comes from us, who know what was being checked.
fn first_line(error: &ClientError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
