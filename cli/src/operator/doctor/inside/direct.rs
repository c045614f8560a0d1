//! Check `direct` beside an explicit proxy: no connection gets out without it.

use futures_util::future::join_all;

use super::dial::{self, Stopped};
use super::names::{Spot, Target};
use super::{Findings, Plan, UNTRIED};

pub(super) const CHECK: &str = "direct";

/// Tries to connect to each address of each target.
pub(super) async fn check(plan: &Plan, targets: &[Target]) -> Findings {
    let mut findings = Findings::default();
    for target in targets {
        if let Err(stopped) = &target.addresses {
            findings.note(
                CHECK,
                unresolved(target, stopped),
                "fine behind an explicit proxy, which resolves names itself; --reach ADDRESS:PORT tries an address",
            );
        }
    }
    let spots = targets.iter().flat_map(Target::spots);
    let attempts = spots.map(|spot| async {
        let tried = dial::tcp(spot.address, plan.patience).await.map(drop);
        (spot, tried)
    });
    for (spot, tried) in join_all(attempts).await {
        judge(&spot, tried, &mut findings);
    }
    findings
}

/// Why a name could not be tried.
pub(super) fn unresolved(target: &Target, stopped: &Stopped) -> String {
    format!(
        "{} does not resolve ({stopped}), so no address of it was tried",
        target.place
    )
}

fn judge(spot: &Spot, tried: Result<(), Stopped>, findings: &mut Findings) {
    match tried {
        Err(stopped) => closed(spot, &stopped, findings),
        Ok(()) => findings.wrong(
            CHECK,
            format_args!("{spot} takes a connection past the proxy"),
            "the firewall must leave the way to the proxy and no other, as the lines of envoy/transparent/README.md do; \
             where connections are redirected to Sluice as well, try --transparent",
        ),
    }
}

/// No connection. A refusal does not say whose it is.
pub(super) fn closed(spot: &Spot, stopped: &Stopped, findings: &mut Findings) {
    match stopped {
        Stopped::Other(_) => findings.note(CHECK, format_args!("{spot} could not be tried: {stopped}"), UNTRIED),
        Stopped::Refused => findings.ok(
            CHECK,
            format_args!(
                "no connection to {spot}: refused, by a firewall, or by the host itself if nothing listens there"
            ),
        ),
        _ => findings.ok(CHECK, format_args!("no connection to {spot}: {stopped}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::Place;
    use super::*;

    #[test]
    fn a_connection_is_wrong_and_none_is_said_why() {
        let spot = Spot {
            place: Place::parse("example.com:443").unwrap(),
            address: "192.0.2.1:443".parse().unwrap(),
        };
        for (tried, status, said) in [
            (Ok(()), "wrong", "example.com:443 (192.0.2.1) takes a connection"),
            (Err(Stopped::Silence), "ok", "(192.0.2.1): no answer in time"),
            (Err(Stopped::Unreachable), "ok", "(192.0.2.1): unreachable"),
            (Err(Stopped::Forbidden), "ok", "EPERM"),
            (
                Err(Stopped::Other("no room".to_owned())),
                "note",
                "could not be tried: no room",
            ),
            (
                Err(Stopped::Refused),
                "ok",
                "refused, by a firewall, or by the host itself",
            ),
        ] {
            let mut findings = Findings::default();
            judge(&spot, tried, &mut findings);
            let finding = findings.only();
            assert_eq!(finding.status, status);
            assert!(finding.said.contains(said), "{}", finding.said);
        }
    }

    /// Where DNS is closed, an explicit proxy still resolves; that is not known here.
    #[tokio::test]
    async fn what_does_not_resolve_is_a_note() {
        let target = Target {
            place: Place::parse("example.com:443").unwrap(),
            addresses: Err(Stopped::Other("no such name".to_owned())),
        };
        let findings = check(&Plan::default(), &[target]).await;
        let finding = findings.only();
        assert_eq!(finding.status, "note");
        assert!(
            finding.said.contains("does not resolve (no such name)"),
            "{}",
            finding.said
        );
    }
}
