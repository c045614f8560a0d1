//! Resolvers that are not the system's: the authorities of a name, asked of the system's.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use hickory_proto::op::Message;
use hickory_proto::rr::{RData, RecordType};
use resolv_conf::{Config, ScopedIp};
use tokio::net::lookup_host;

use super::super::dial;
use super::query::{NAME, Query};

const PORT: u16 = 53;
/// One does not stand for all, and more say the same.
const MOST: usize = 2;

/// The resolvers that this machine uses.
pub(super) fn of_system() -> Vec<SocketAddr> {
    let text = fs::read("/etc/resolv.conf").unwrap_or_default();
    // What one line says wrong, the others do not.
    let (config, _) = Config::parse_with_errors(&text);
    let addresses = config
        .get_nameservers_or_local()
        .into_iter()
        .filter_map(|address| match address {
            ScopedIp::V4(address) => Some(address.into()),
            ScopedIp::V6(address, None) => Some(IpAddr::from(address)),
            ScopedIp::V6(_, Some(_)) => None,
        });
    addresses.map(|address| SocketAddr::new(address, PORT)).collect()
}

/// The addresses of the authorities of [`NAME`], or why there are none.
pub(super) async fn authorities(system: &[SocketAddr], patience: Duration) -> Result<Vec<SocketAddr>, String> {
    let asked = system.iter().map(|resolver| async move {
        let query = Query::new(NAME, RecordType::NS);
        let answer = dial::udp(*resolver, &query.bytes, patience).await.ok()?;
        query.answer(&answer)
    });
    let answers = join_all(asked).await;
    let Some(answer) = answers.into_iter().flatten().next() else {
        return Err("the system's resolver does not answer".to_owned());
    };
    let names = names(&answer);
    let looked_up = names.iter().take(MOST).map(|name| async move {
        let found = dial::within(patience, lookup_host((name.as_str(), PORT))).await;
        found.ok()?.next()
    });
    let found: Vec<SocketAddr> = join_all(looked_up).await.into_iter().flatten().collect();
    if found.is_empty() {
        return Err(format!(
            "the system's resolver names no authority of {NAME} that resolves"
        ));
    }
    Ok(found)
}

fn names(answer: &Message) -> Vec<String> {
    let names = answer.answers.iter().filter_map(|record| match &record.data {
        // Without the dot at the end, with which files of hosts do not know a name.
        RData::NS(name) => Some(name.0.to_ascii().trim_end_matches('.').to_owned()),
        _ => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_proto::rr::rdata::NS;
    use hickory_proto::rr::{Name, Record};
    use tokio::net::UdpSocket;

    use super::*;

    /// A resolver that answers one question with these name servers.
    async fn resolver(names: &'static [&'static str]) -> SocketAddr {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut bytes = [0; 512];
            let (length, client) = socket.recv_from(&mut bytes).await.unwrap();
            let query = Message::from_vec(&bytes[..length]).unwrap();
            let mut answer = Message::response(query.metadata.id, query.metadata.op_code);
            for name in names {
                let data = RData::NS(NS(Name::from_ascii(name).unwrap()));
                answer.add_answer(Record::from_rdata(query.queries[0].name.clone(), 60, data));
            }
            socket.send_to(&answer.to_vec().unwrap(), client).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn the_systems_resolver_names_others() {
        let patience = Duration::from_secs(30);
        // Of this machine's own name no resolver needs to be asked.
        let system = [resolver(&["localhost", "localhost", "localhost"]).await];
        let found = authorities(&system, patience).await.unwrap();
        assert_eq!(found.len(), MOST);
        assert!(
            found
                .iter()
                .all(|address| address.ip().is_loopback() && address.port() == PORT)
        );
        let empty = [resolver(&[]).await];
        let why = authorities(&empty, patience).await.unwrap_err();
        assert!(why.contains("names no authority"), "{why}");
        let why = authorities(&[], patience).await.unwrap_err();
        assert!(why.contains("does not answer"), "{why}");
    }
}
