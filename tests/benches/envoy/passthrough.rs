//! TLS connections that Envoy does not decrypt: each says whom it wants, gets an answer, and ends.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sluice_tests::raw;
use sluice_tests::raw::hello::{Shape, pieces};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::load::Asked;

/// Connections at a time.
const CLIENTS: usize = 4;

/// Answers each connection that says something with one byte, until the process ends.
pub(crate) async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut hello = [0; 1024];
                // Whoever is gone needs no answer.
                if stream.read(&mut hello).await.is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(b"!").await;
                    let _ = stream.read(&mut hello).await;
                }
            });
        }
    });
    address
}

/// Connects for each host in turn.
pub(crate) fn connect(address: SocketAddr, hosts: &[String], time: Duration) -> Asked {
    let hellos: Vec<Vec<u8>> = hosts
        .iter()
        .map(|host| pieces(host.as_bytes(), &Shape::default()).concat())
        .collect();
    let (connections, began) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (hellos, connections) = (&hellos, &connections);
            scope.spawn(move || {
                for hello in hellos.iter().cycle().skip(client) {
                    if began.elapsed() >= time {
                        return;
                    }
                    let mut stream = raw::connect(address);
                    stream.write_all(hello).expect("Envoy reads what a client says first");
                    let mut answer = [0; 1];
                    stream.read_exact(&mut answer).expect("it is allowed, and answered");
                    connections.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    let requests = connections.into_inner();
    Asked {
        requests,
        per_second: requests as f64 / began.elapsed().as_secs_f64(),
    }
}
