//! A kill and a restart, as clients see them.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::json;
use sluice_tests::collector::{Answer, Collector};
use sluice_tests::otlp::{Client, batch};
use sluice_tests::wait;
use tonic::Code;

#[test]
fn keeps_what_it_knows_and_its_port() {
    let collector = Collector::start();
    let port = collector.port();
    let client = Client::of(port);
    let record = |seq: i64| batch(&json!({}), [json!({"sluice.seq": seq})]);
    client.export(&record(1)).expect("it accepts");
    collector.answer(Answer::Status(Code::Aborted));
    for _ in 0..3 {
        collector.stop();
        let refused = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.kind());
        assert_eq!(refused.err(), Some(std::io::ErrorKind::ConnectionRefused));
        let failed = client.export(&record(2)).expect_err("it is dead");
        assert_ne!(failed.code(), Code::Aborted, "nobody answers: {failed:?}");
        collector.restart();
        let failed = client.export(&record(2)).expect_err("it lives");
        assert_eq!(failed.code(), Code::Aborted, "and answers as it did before");
    }
    collector.stop();
    collector.stop();
    collector.restart();
    collector.answer(Answer::Accept);
    client.export(&record(3)).expect("it accepts again");
    let seqs: Vec<_> = collector.events().iter().map(|event| event.int("sluice.seq")).collect();
    assert_eq!(seqs, [Some(1), Some(3)]);
    assert_eq!(collector.port(), port);
}

#[test]
fn a_kill_breaks_the_calls_that_wait() {
    let collector = Collector::start();
    for answer in [Answer::Stall, Answer::Late(Duration::from_secs(20))] {
        collector.clear();
        collector.answer(answer.clone());
        let client = Client::of(collector.port());
        let call = thread::spawn(move || client.export(&batch(&json!({}), [json!({"sluice.seq": 1})])));
        wait::until("the call to arrive", || (collector.exports() == 1).then_some(()));
        collector.stop();
        let broken = call.join().expect("the client does not panic");
        let broken = broken.expect_err("nobody can answer");
        assert_ne!(broken.code(), Code::DeadlineExceeded, "{answer:?}: {broken:?}");
        collector.restart();
    }
}

#[test]
fn a_kill_resets_idle_connections() {
    use std::io::Read;
    let collector = Collector::start();
    let mut idle = TcpStream::connect(collector.address()).expect("it listens");
    idle.set_read_timeout(Some(Duration::from_secs(20)))
        .expect("20 s is a timeout");
    // The server speaks first: its settings.
    idle.read_exact(&mut [0; 9]).expect("it is HTTP/2");
    collector.stop();
    let end = loop {
        match idle.read(&mut [0; 1024]) {
            Ok(0) => break Ok(()),
            Ok(_) => {}
            Err(error) => break Err(error.kind()),
        }
    };
    assert_eq!(end, Err(std::io::ErrorKind::ConnectionReset));
}

#[test]
fn many_collectors_restart_side_by_side() {
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let collector = Collector::start();
                let client = Client::of(collector.port());
                for seq in 0..10_i64 {
                    collector.restart();
                    let record = batch(&json!({}), [json!({"sluice.seq": seq})]);
                    wait::until("an export to be accepted", || client.export(&record).ok());
                }
                assert_eq!(collector.events().len(), 10);
            });
        }
    });
}
