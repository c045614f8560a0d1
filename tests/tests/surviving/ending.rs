//! Told to end while events come in.

use sluice_tests::sending::{Manner, Senders};
use sluice_tests::serve::Serve;

use crate::support::{Place, assert_whole, postgresql, sqlite, token};

fn told_to_end(place: &Place) {
    let mut serve = Serve::start(&place.url);
    let filter = token(&serve.api(), "filter", "sandbox/sb_1");
    let fickle = Senders::start("fickle", 4, Manner::Fickle, &[serve.grpc()], &filter);
    for _ in 0..2 {
        fickle.wait_for(12);
        let status = serve.end();
        assert_eq!(status.code(), Some(0), "{}", serve.log());
        serve.restart();
    }
    fickle.wait_for(12);
    let fickle = fickle.finish();
    assert_whole(&serve.api(), &place.url, &fickle);
    // What was taken in was also answered: nothing is there that nobody was told of.
    let there = crate::support::audit(&serve.api()).len();
    let told: usize = fickle
        .iter()
        .filter(|batch| batch.acknowledged)
        .map(|batch| batch.uids.len())
        .sum();
    assert_eq!(there, told);
}

#[test]
fn told_to_end_under_load_on_sqlite() {
    told_to_end(&sqlite());
}

#[test]
fn told_to_end_under_load_on_postgresql() {
    told_to_end(&postgresql());
}
