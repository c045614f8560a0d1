use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use super::*;
use crate::testing::Fresh;

/// A server that answers with these statuses in turn, and passes on the bodies.
fn server(statuses: &'static [u16]) -> (SocketAddr, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (bodies, received) = channel();
    thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            bodies.send(serde_json::from_slice(&body).unwrap()).unwrap();
            write!(
                stream,
                "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            .unwrap();
        }
    });
    (address, received)
}

async fn rejected(fresh: &Fresh, host: &str) {
    let insert = "INSERT INTO pending (id, resource_type, resource_id, host, overflow, ports, methods, attempts, first_seen, \
                  last_seen, example, rejected_by, state) VALUES ($1, 'sandbox', 'sb_1', $1, 0, '[443]', '[]', 1, 1, 1, '{}', \
                  'default_deny', 'pending')";
    let mut tx = fresh.store.begin().await.unwrap();
    sqlx::query(insert).bind(host).execute(&mut *tx).await.unwrap();
    fresh.store.commit(tx, &[]).await.unwrap();
}

#[tokio::test]
async fn a_host_is_told_of_until_it_was_heard_and_then_never_again() {
    let fresh = Fresh::new().await;
    rejected(&fresh, "a.example.com").await;
    let (address, received) = server(&[500, 200, 200]);
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let url = format!("http://{address}/hook");
    let told = async || tell_all(&fresh.store, &agent, &url).await;
    assert!(matches!(told().await, Err(Untold::Http(_))));
    told().await.unwrap();
    told().await.unwrap();
    rejected(&fresh, "b.example.com").await;
    told().await.unwrap();
    let hosts: Vec<Value> = received.try_iter().map(|body| body["data"]["host"].clone()).collect();
    assert_eq!(hosts, ["a.example.com", "a.example.com", "b.example.com"]);
}

#[tokio::test]
async fn one_of_several_replicas_tells_and_another_one_if_it_dies() {
    let fresh = Fresh::new().await;
    rejected(&fresh, "a.example.com").await;
    let now = Moment::now();
    assert!(claimed(&fresh.store, "a.example.com", now).await.unwrap());
    assert!(!claimed(&fresh.store, "a.example.com", now).await.unwrap());
    let later = Moment(now.0 + LEASE + 1);
    assert!(claimed(&fresh.store, "a.example.com", later).await.unwrap());
    note(&fresh.store, "a.example.com", TOLD).await.unwrap();
    assert!(
        !claimed(&fresh.store, "a.example.com", Moment(later.0 + 2 * LEASE))
            .await
            .unwrap()
    );
}
