//! Check `udp443`: QUIC, which no proxy here sees, does not get out.

use std::time::Duration;

use futures_util::future::join_all;

use super::dial::{self, Stopped};
use super::names::{Spot, Target};
use super::{Findings, Plan, UNTRIED};

const CHECK: &str = "udp443";
/// A datagram may be lost without a firewall.
const TRIES: usize = 2;
/// Reserved (RFC 9000, section 15), so that nobody has it, and servers answer with those they have (section 6).
const VERSION: u32 = 0x1a2a_3a4a;
/// Smaller ones are not answered.
const LENGTH: usize = 1200;

/// Sends each target what a QUIC server has to answer.
pub(super) async fn check(plan: &Plan, targets: &[Target]) -> Findings {
    let mut findings = Findings::default();
    let spots: Vec<Spot> = targets.iter().flat_map(Target::spots).collect();
    if spots.is_empty() {
        findings.note(
            CHECK,
            "nothing resolves, so there was no address to try",
            "--reach ADDRESS:443 tries an address",
        );
    }
    let attempts = spots.into_iter().map(|spot| async {
        let answer = ask(&spot, plan.patience).await;
        (spot, answer)
    });
    for (spot, answer) in join_all(attempts).await {
        judge(&spot, answer, &mut findings);
    }
    findings
}

async fn ask(spot: &Spot, patience: Duration) -> Result<Vec<u8>, Stopped> {
    let packet = packet();
    let mut answer = Err(Stopped::Silence);
    for _ in 0..TRIES {
        answer = dial::udp(spot.address, &packet, patience).await;
        if answer != Err(Stopped::Silence) {
            break;
        }
    }
    answer
}

/// A long header as all versions have it (RFC 8999, section 5.1), and nothing.
fn packet() -> Vec<u8> {
    const ID: &[u8; 8] = b"sluicedr";
    let mut packet = vec![0xc0];
    packet.extend(VERSION.to_be_bytes());
    for id in [ID, ID] {
        packet.push(8);
        packet.extend(id);
    }
    packet.resize(LENGTH, 0);
    packet
}

/// Whether it is a list of versions (RFC 8999, section 6).
fn is_negotiation(answer: &[u8]) -> bool {
    matches!(answer, [first, 0, 0, 0, 0, ..] if first & 0x80 != 0)
}

fn judge(spot: &Spot, answer: Result<Vec<u8>, Stopped>, findings: &mut Findings) {
    match answer {
        Ok(answer) => {
            let what = if is_negotiation(&answer) {
                "in QUIC"
            } else {
                "though not in QUIC"
            };
            findings.wrong(
                CHECK,
                format_args!("{spot} answers over UDP, {what}"),
                "UDP goes past Envoy: the firewall lines of the topology's README reject all but one resolver",
            );
        }
        Err(Stopped::Silence) => findings.ok(
            CHECK,
            format_args!("{spot} does not answer over UDP: a firewall looks so, and so does a host without QUIC"),
        ),
        Err(stopped @ Stopped::Other(_)) => {
            findings.note(
                CHECK,
                format_args!("{spot} could not be tried over UDP: {stopped}"),
                UNTRIED,
            );
        }
        Err(Stopped::Refused) => findings.ok(
            CHECK,
            format_args!("UDP to {spot}: refused, by a firewall, or by the host itself if it has no QUIC"),
        ),
        Err(stopped) => findings.ok(CHECK, format_args!("UDP to {spot}: {stopped}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::Place;
    use super::*;

    #[test]
    fn the_packet_makes_servers_list_their_versions() {
        let packet = packet();
        assert_eq!(packet.len(), 1200);
        assert_eq!(packet[0] & 0xc0, 0xc0);
        // 0x?a?a?a?a
        assert!(packet[1..5].iter().all(|byte| byte & 0x0f == 0x0a));
        assert_eq!((packet[5], packet[14]), (8, 8));
        assert!(!is_negotiation(&packet));
        assert!(is_negotiation(&[0x80, 0, 0, 0, 0, 8]));
        assert!(!is_negotiation(&[0x40, 0, 0, 0, 0, 8]) && !is_negotiation(b""));
    }

    #[test]
    fn any_answer_is_wrong_and_none_is_said_for_what_it_is() {
        let place = Place::parse("192.0.2.1:443").unwrap();
        let address = place.address().unwrap();
        let spot = Spot { place, address };
        for (answer, status, said) in [
            (Ok(vec![0xff, 0, 0, 0, 0, 0]), "wrong", "in QUIC"),
            (Ok(vec![1]), "wrong", "not in QUIC"),
            (Err(Stopped::Silence), "ok", "so does a host without QUIC"),
            (Err(Stopped::Refused), "ok", "refused, by a firewall, or by the host"),
            (Err(Stopped::Forbidden), "ok", "EPERM"),
            (Err(Stopped::Unreachable), "ok", "unreachable"),
            (Err(Stopped::Other("no room".to_owned())), "note", "no room"),
        ] {
            let mut findings = Findings::default();
            judge(&spot, answer, &mut findings);
            let finding = findings.only();
            assert_eq!(finding.status, status);
            assert!(finding.said.contains(said), "{}", finding.said);
        }
    }
}
