//! Check `direct` where connections are redirected: Sluice decides what connects, and what is not redirected does not
//! connect.

mod came;

use futures_util::future::join_all;

use super::dial::Stopped;
use super::direct::{CHECK, closed, unresolved};
use super::http::Said;
use super::names::{Spot, Target};
use super::{Findings, NOWHERE, Plan};
use came::Came;

const LINES: &str = "the firewall lines of the topology's README redirect what Sluice decides and reject the rest; \
                     behind original-dst in audit_only this is Sluice itself, which lets it go where it was dialled";

/// What was found on the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    /// Nothing connects.
    Closed,
    /// Something connects, perhaps to Sluice.
    Unsure,
    /// Sluice decides at least one connection, and none is seen to get past it.
    Redirected,
    /// Something connects that Sluice does not decide, as far as can be seen.
    Open,
}

/// Tries each address of each target, and at another port too.
pub(super) async fn check(plan: &Plan, targets: &[Target]) -> (Findings, Found) {
    let mut findings = Findings::default();
    for target in targets {
        if let Err(stopped) = &target.addresses {
            findings.note(
                CHECK,
                unresolved(target, stopped),
                "clients that are redirected resolve names first: the firewall lines leave them one resolver",
            );
        }
    }
    let spots: Vec<Spot> = targets.iter().flat_map(Target::spots).collect();
    let others = others(&spots, plan.other_port);
    let attempts = spots.iter().map(|spot| came::decided(spot.address, plan));
    let further = others.iter().map(|spot| came::upon_hello(spot.address, plan.patience));
    let (attempts, further) = tokio::join!(join_all(attempts), join_all(further));
    let found = spots
        .iter()
        .zip(attempts)
        .map(|(spot, came)| judge(spot, came, &mut findings));
    let mut found = found.max().unwrap_or(Found::Closed);
    for (spot, came) in others.iter().zip(further) {
        found = found.max(judge_other(spot, came, &mut findings));
    }
    (findings, found)
}

/// The same hosts at the port that is not redirected.
fn others(spots: &[Spot], port: u16) -> Vec<Spot> {
    let mut others: Vec<Spot> = Vec::new();
    for other in spots.iter().map(|spot| spot.at(port)) {
        if !spots.contains(&other) && !others.contains(&other) {
            others.push(other);
        }
    }
    others
}

fn judge(spot: &Spot, came: Result<Came, Stopped>, findings: &mut Findings) -> Found {
    let (said, advice) = match came {
        Err(stopped) => {
            closed(spot, &stopped, findings);
            return Found::Closed;
        }
        Ok(Came::Closed) => {
            let said = format!("{spot} closes a connection for {NOWHERE} without a byte, as Sluice does");
            findings.ok(CHECK, said);
            return Found::Redirected;
        }
        Ok(Came::Ended {
            trusted: Some(true),
            issuer,
        }) => {
            findings.ok(
                CHECK,
                format_args!("{spot} leads to where TLS ends: a certificate by {issuer}"),
            );
            return Found::Redirected;
        }
        Ok(Came::Http(Said::Response {
            rejected_by: Some(by), ..
        })) => {
            findings.ok(
                CHECK,
                format_args!("{spot} leads to Sluice, which rejects {NOWHERE} ({by})"),
            );
            return Found::Redirected;
        }
        Ok(Came::Http(Said::Response {
            status: status @ 502..=504,
            ..
        })) => {
            findings.note(
                CHECK,
                format_args!("{spot} answers {status} for {NOWHERE}"),
                "Sluice does so in audit_only, or where the policy allows any name; a server out there may do so too",
            );
            return Found::Unsure;
        }
        Ok(Came::Ended { trusted: None, issuer }) => {
            findings.note(
                CHECK,
                format_args!("{spot} answers in TLS, with a certificate by {issuer}"),
                "is that the local authority of the proxy? --ca FILE tells",
            );
            return Found::Unsure;
        }
        Ok(Came::Ended {
            trusted: Some(false),
            issuer,
        }) => (
            format!("{spot} answers in TLS, with a certificate by {issuer} and not by the authority of --ca"),
            LINES,
        ),
        Ok(Came::Tls) => (
            format!("{spot} answers a ClientHello for {NOWHERE}, which Sluice would have closed"),
            "nothing redirects it: the firewall lines of the topology's README do; where TLS ends at Sluice, say \
             --terminating or --ca FILE; behind original-dst in audit_only this is how it must be",
        ),
        Ok(Came::Http(_)) => (format!("{spot} answers in HTTP, and not as Sluice does"), LINES),
        Ok(Came::Bytes) => (format!("{spot} answers, and not as Sluice does"), LINES),
        Ok(Came::Open) => (
            format!("{spot} takes a connection for {NOWHERE}, and keeps it"),
            "Sluice closes it at once in enforce; in audit_only its resolver may be slow, which a longer --timeout tells",
        ),
    };
    findings.wrong(CHECK, said, advice);
    Found::Open
}

fn judge_other(spot: &Spot, came: Result<Came, Stopped>, findings: &mut Findings) -> Found {
    match came {
        Err(stopped) => {
            closed(spot, &stopped, findings);
            Found::Closed
        }
        Ok(Came::Closed) => {
            findings.note(
                CHECK,
                format_args!("{spot} takes a connection, and closes it without a byte"),
                "Sluice does so where every port is redirected, as in original-dst; elsewhere it is a way out",
            );
            Found::Unsure
        }
        Ok(_) => {
            findings.wrong(
                CHECK,
                format_args!("{spot} takes a connection, and Sluice does not close it"),
                LINES,
            );
            Found::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::Place;
    use super::*;

    fn spot(text: &str) -> Spot {
        let place = Place::parse(text).unwrap();
        let address = place.address().unwrap();
        Spot { place, address }
    }

    #[test]
    fn what_comes_says_whether_it_is_redirected() {
        let http = |status, by: Option<&str>| {
            Ok(Came::Http(Said::Response {
                status,
                rejected_by: by.map(str::to_owned),
            }))
        };
        let ended = |trusted| {
            Ok(Came::Ended {
                trusted,
                issuer: "CN=x".to_owned(),
            })
        };
        for (came, status, expected) in [
            (Err(Stopped::Silence), "ok", Found::Closed),
            (Ok(Came::Closed), "ok", Found::Redirected),
            (ended(Some(true)), "ok", Found::Redirected),
            (http(403, Some("default_deny")), "ok", Found::Redirected),
            (http(503, None), "note", Found::Unsure),
            (ended(None), "note", Found::Unsure),
            (ended(Some(false)), "wrong", Found::Open),
            (http(403, None), "wrong", Found::Open),
            (http(200, None), "wrong", Found::Open),
            (Ok(Came::Http(Said::Silence)), "wrong", Found::Open),
            (Ok(Came::Tls), "wrong", Found::Open),
            (Ok(Came::Bytes), "wrong", Found::Open),
            (Ok(Came::Open), "wrong", Found::Open),
        ] {
            let mut findings = Findings::default();
            let found = judge(&spot("192.0.2.1:443"), came.clone(), &mut findings);
            assert_eq!((findings.only().status, found), (status, expected), "{came:?}");
        }
    }

    #[test]
    fn another_port_is_closed_or_everything_is_redirected() {
        for (came, status, expected) in [
            (Err(Stopped::Refused), "ok", Found::Closed),
            (Ok(Came::Closed), "note", Found::Unsure),
            (Ok(Came::Bytes), "wrong", Found::Open),
            (Ok(Came::Open), "wrong", Found::Open),
        ] {
            let mut findings = Findings::default();
            let found = judge_other(&spot("192.0.2.1:22"), came.clone(), &mut findings);
            assert_eq!((findings.only().status, found), (status, expected), "{came:?}");
        }
    }

    #[test]
    fn each_host_is_tried_once_at_the_other_port() {
        let spots = ["192.0.2.1:443", "192.0.2.1:80", "192.0.2.2:22"].map(spot);
        assert_eq!(others(&spots, 22), [spot("192.0.2.1:22")]);
    }
}
