//! Check `dns`: no other resolver than the system's answers.

mod query;
mod servers;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use hickory_proto::rr::RecordType;

use super::dial::{self, Stopped};
use super::{Findings, Plan, UNTRIED};
use query::{NAME, Query};

const CHECK: &str = "dns";

/// What came of asking over one transport.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Came {
    /// An answer, by an authority of the name or not.
    Answer { authoritative: bool },
    /// Something that is no answer.
    Strange,
    /// A connection without an answer.
    Connection,
    /// Nothing.
    Stopped(Stopped),
}

/// Asks each resolver over UDP and over TCP.
pub(super) async fn check(plan: &Plan) -> Findings {
    let mut findings = Findings::default();
    let mut resolvers = plan.resolvers.clone();
    if resolvers.is_empty() {
        resolvers = match servers::authorities(&servers::of_system(), plan.patience).await {
            Ok(found) => found,
            Err(why) => {
                findings.note(
                    CHECK,
                    format_args!("no other resolver to try: {why}"),
                    "fine if DNS is meant to be closed; --resolver ADDRESS tries one",
                );
                return findings;
            }
        };
    }
    let attempts = resolvers.into_iter().map(|resolver| async move {
        let (udp, tcp) = tokio::join!(over_udp(resolver, plan.patience), over_tcp(resolver, plan.patience));
        (resolver, udp, tcp)
    });
    for (resolver, udp, tcp) in join_all(attempts).await {
        judge(resolver, "UDP", &udp, plan.way.is_redirected(), &mut findings);
        judge(resolver, "TCP", &tcp, plan.way.is_redirected(), &mut findings);
    }
    findings
}

async fn over_udp(resolver: SocketAddr, patience: Duration) -> Came {
    let query = Query::new(NAME, RecordType::A);
    match dial::udp(resolver, &query.bytes, patience).await {
        Ok(answer) => read(&query, &answer),
        Err(stopped) => Came::Stopped(stopped),
    }
}

async fn over_tcp(resolver: SocketAddr, patience: Duration) -> Came {
    let query = Query::new(NAME, RecordType::A);
    let mut stream = match dial::tcp(resolver, patience).await {
        Ok(stream) => stream,
        Err(stopped) => return Came::Stopped(stopped),
    };
    match dial::within(patience, query::exchange(&mut stream, &query)).await {
        Ok(answer) => read(&query, &answer),
        Err(_) => Came::Connection,
    }
}

fn read(query: &Query, answer: &[u8]) -> Came {
    match query.answer(answer) {
        Some(answer) => Came::Answer {
            authoritative: answer.metadata.authoritative,
        },
        None => Came::Strange,
    }
}

fn judge(resolver: SocketAddr, over: &str, came: &Came, redirected: bool, findings: &mut Findings) {
    const ADVICE: &str = "DNS is a way out: names carry data. The firewall lines of the topology's README leave one resolver, \
                          whose queries can be logged";
    match came {
        Came::Answer { authoritative: true } => findings.wrong(
            CHECK,
            format_args!("{resolver} answers over {over}, as an authority of {NAME}"),
            ADVICE,
        ),
        Came::Answer { authoritative: false } => findings.wrong(
            CHECK,
            format_args!("{resolver} answers over {over}, or a resolver that queries are redirected to"),
            ADVICE,
        ),
        Came::Strange => findings.wrong(
            CHECK,
            format_args!("{resolver} answers over {over}, though not with DNS"),
            ADVICE,
        ),
        Came::Connection if redirected => findings.note(
            CHECK,
            format_args!("{resolver} takes a connection, and does not answer in DNS"),
            "Sluice does so where every port is redirected, as in original-dst; elsewhere it is a way out",
        ),
        Came::Connection => findings.wrong(
            CHECK,
            format_args!("{resolver} takes a connection past the proxy, though it does not answer in DNS"),
            "the firewall must leave the way to the proxy and no other",
        ),
        Came::Stopped(stopped @ Stopped::Other(_)) => findings.note(
            CHECK,
            format_args!("{resolver} could not be asked over {over}: {stopped}"),
            UNTRIED,
        ),
        Came::Stopped(stopped) => findings.ok(CHECK, format_args!("{resolver} is out of reach over {over}: {stopped}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_wrong_and_a_connection_where_nothing_redirects_it() {
        let answer = |authoritative| Came::Answer { authoritative };
        for (came, redirected, status, said) in [
            (answer(true), false, "wrong", "as an authority"),
            (
                answer(false),
                true,
                "wrong",
                "or a resolver that queries are redirected to",
            ),
            (Came::Strange, true, "wrong", "not with DNS"),
            (Came::Connection, false, "wrong", "past the proxy"),
            (Came::Connection, true, "note", "does not answer"),
            (
                Came::Stopped(Stopped::Silence),
                false,
                "ok",
                "over UDP: no answer in time",
            ),
            (Came::Stopped(Stopped::Forbidden), true, "ok", "EPERM"),
            (
                Came::Stopped(Stopped::Other("no room".to_owned())),
                false,
                "note",
                "no room",
            ),
        ] {
            let mut findings = Findings::default();
            judge(
                "192.0.2.53:53".parse().unwrap(),
                "UDP",
                &came,
                redirected,
                &mut findings,
            );
            let finding = findings.only();
            assert_eq!(finding.status, status, "{came:?}");
            assert!(finding.said.contains(said), "{}", finding.said);
        }
    }
}
