//! The only resolver the tests' Envoy knows: chosen names answer with loopback addresses, all others do not exist.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType, rdata::A};
use tokio::net::UdpSocket;
use tokio::task::AbortHandle;

use crate::RUNTIME;

/// A DNS server on loopback UDP. It stops when dropped.
#[derive(Debug)]
pub struct Dns {
    address: SocketAddr,
    state: Arc<State>,
    task: AbortHandle,
}

#[derive(Debug)]
struct State {
    zone: Mutex<HashMap<String, Vec<Ipv4Addr>>>,
    queries: Mutex<Vec<String>>,
}

impl Dns {
    /// Answers the A records given, by lower-case name without trailing dot.
    ///
    /// # Panics
    /// If an address is not in 127.0.0.0/8: tests send nothing beyond this machine.
    pub fn start<'a>(zone: impl IntoIterator<Item = (&'a str, Vec<Ipv4Addr>)>) -> Self {
        let zone: HashMap<_, _> = zone
            .into_iter()
            .map(|(name, addresses)| (name.to_owned(), addresses))
            .collect();
        for (name, addresses) in &zone {
            keep_on_loopback(name, addresses);
        }
        let state = Arc::new(State {
            zone: Mutex::new(zone),
            queries: Mutex::default(),
        });
        let socket = RUNTIME
            .block_on(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)))
            .expect("loopback has a free UDP port");
        let address = socket.local_addr().expect("a bound socket has an address");
        let task = RUNTIME.spawn(serve(socket, Arc::clone(&state))).abort_handle();
        Self { address, state, task }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on a name leads to these addresses, in this order.
    ///
    /// # Panics
    /// As [`Dns::start`].
    pub fn lead(&self, name: &str, addresses: &[Ipv4Addr]) {
        keep_on_loopback(name, addresses);
        let mut zone = self.state.zone.lock().expect("no holder of this lock panics");
        zone.insert(name.to_owned(), addresses.to_vec());
    }

    /// How often a name was asked for, whatever the record type.
    #[must_use]
    pub fn queries(&self, name: &str) -> usize {
        let queries = self.state.queries.lock().expect("no holder of this lock panics");
        queries.iter().filter(|asked| *asked == name).count()
    }
}

fn keep_on_loopback(name: &str, addresses: &[Ipv4Addr]) {
    assert!(
        addresses.iter().all(Ipv4Addr::is_loopback),
        "{name} must stay on loopback"
    );
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(socket: UdpSocket, state: Arc<State>) {
    let mut datagram = [0; 4096];
    while let Ok((length, client)) = socket.recv_from(&mut datagram).await {
        let Some(answer) = datagram.get(..length).and_then(|query| state.answer(query)) else {
            continue;
        };
        // The client may be gone; then there is nobody to tell.
        let _ = socket.send_to(&answer, client).await;
    }
}

impl State {
    fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let query = Message::from_vec(query).ok()?;
        let asked = query.queries.first()?.clone();
        let name = asked.name.to_ascii().to_ascii_lowercase();
        let name = name.strip_suffix('.').unwrap_or(&name);
        self.queries
            .lock()
            .expect("no holder of this lock panics")
            .push(name.to_owned());

        let mut answer = Message::response(query.metadata.id, query.metadata.op_code);
        answer.metadata.recursion_desired = query.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        let zone = self.zone.lock().expect("no holder of this lock panics");
        match zone.get(name) {
            None => answer.metadata.response_code = ResponseCode::NXDomain,
            Some(addresses) if asked.query_type == RecordType::A => {
                for address in addresses {
                    let record = Record::from_rdata(asked.name.clone(), 60, RData::A(A(*address)));
                    answer.add_answer(record);
                }
            }
            Some(_) => {} // the name exists and has no such record
        }
        drop(zone);
        answer.add_query(asked);
        answer.to_vec().ok()
    }
}
