//! Ingest killed in the middle of batches, and started again.

use sluice_tests::sending::{Manner, Senders};
use sluice_tests::serve::Serve;

use crate::support::{Place, assert_whole, postgresql, select, sqlite, token};
use sqlx::Row;

const KILLS: usize = 4;
/// So many batches between two kills: enough that every sender has been at it again.
const BETWEEN: usize = 12;

/// Each sender always has a batch under way, so whenever it is killed it is in the middle of some.
fn killed_again_and_again(place: &Place) {
    let mut serve = Serve::start(&place.url);
    let filter = token(&serve.api(), "filter", "sandbox/sb_1");
    let faithful = Senders::start("faithful", 3, Manner::Faithful, &[serve.grpc()], &filter);
    let fickle = Senders::start("fickle", 2, Manner::Fickle, &[serve.grpc()], &filter);
    for _ in 0..KILLS {
        faithful.wait_for(BETWEEN);
        serve.kill();
        serve.restart();
    }
    faithful.wait_for(BETWEEN);
    let faithful = faithful.finish();
    assert!(faithful.iter().all(|batch| batch.acknowledged));
    let fickle = fickle.finish();
    assert!(fickle.iter().any(|batch| !batch.acknowledged), "no kill hit a batch");
    let last = faithful.iter().filter(|batch| batch.uids[0].starts_with("faithful-0/"));
    let last: usize = last.map(|batch| batch.uids.len()).sum();
    assert_whole(&serve.api(), &place.url, &[faithful, fickle].concat());
    // The watermark is part of the same transactions: nothing is missing below it.
    let row = &select(
        &place.url,
        "SELECT watermark, missing FROM instances WHERE instance = 'faithful-0/1'",
    )[0];
    assert_eq!(row.get::<i64, _>("watermark"), i64::try_from(last).unwrap());
    assert_eq!(row.get::<i64, _>("missing"), 0);
}

#[test]
fn killed_in_the_middle_of_batches_on_sqlite() {
    killed_again_and_again(&sqlite());
}

#[test]
fn killed_in_the_middle_of_batches_on_postgresql() {
    killed_again_and_again(&postgresql());
}
