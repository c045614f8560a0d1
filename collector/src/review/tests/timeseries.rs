//! Points over time.

use super::super::timeseries::{self, Point};
use super::*;
use crate::moment::SECOND;

fn at(seconds: i64) -> Moment {
    Moment(seconds * SECOND)
}

async fn of(fixture: &Fixture, since: i64, until: i64, step: i64) -> Vec<(i64, [u64; 4])> {
    let all = Selection::everything();
    let points = timeseries::of(&fixture.store, &all, at(since), at(until), step)
        .await
        .unwrap();
    let point = |point: Point| {
        let Point {
            at,
            allowed,
            warned,
            rejected,
            would_reject,
        } = point;
        (at.0 / SECOND, [allowed, warned, rejected, would_reject])
    };
    points.into_iter().map(point).collect()
}

#[tokio::test]
async fn steps_are_summed_and_filled_with_zeros() {
    let fixture = Fixture::new().await;
    for (resource, at, counts) in [
        ("sb_1", 86_100, [100, 100, 100, 100]),
        ("sb_1", 86_400, [1, 2, 3, 4]),
        ("sb_2", 86_400, [10, 20, 30, 40]),
        ("sb_1", 86_700, [5, 0, 0, 5]),
        ("sb_1", 87_600, [0, 0, 7, 7]),
        ("sb_1", 88_200, [9, 9, 9, 9]),
    ] {
        fixture.traffic(resource, at, counts).await;
    }
    let none = [0; 4];
    assert_eq!(
        of(&fixture, 86_400, 88_200, 600).await,
        [(86_400, [16, 22, 33, 49]), (87_000, none), (87_600, [0, 0, 7, 7])]
    );
    // The step that the window begins in is whole.
    assert_eq!(
        of(&fixture, 86_650, 87_000, 300).await,
        [(86_400, [11, 22, 33, 44]), (86_700, [5, 0, 0, 5])]
    );
    assert_eq!(of(&fixture, 0, 0, 300).await, []);
    let one = Selection::one(sandbox("sb_2"));
    let points = timeseries::of(&fixture.store, &one, at(86_400), at(86_700), 300)
        .await
        .unwrap();
    assert_eq!((points.len(), points[0].allowed), (1, 10));
}

#[tokio::test]
async fn a_step_that_does_not_fit_says_which_would() {
    let fixture = Fixture::new().await;
    let of =
        async |since, until, step| timeseries::of(&fixture.store, &Selection::everything(), since, until, step).await;
    for (step, fits) in [(0, 300), (-5, 300), (60, 300), (301, 600), (3_599, 3_600)] {
        let error = of(at(0), at(600), step).await.unwrap_err().to_string();
        assert!(error.ends_with(&format!("such as {fits}")), "{error}");
    }
    assert!(of(at(0), at(600), i64::MAX).await.is_err());
    assert!(
        of(at(600), at(0), 300)
            .await
            .unwrap_err()
            .to_string()
            .contains("after since")
    );
    assert!(of(Moment(i64::MIN), Moment(i64::MAX), 300).await.is_err());
    for days in [8, 30, 365, 5_000] {
        for offset in [0, 1, 299] {
            let (since, until) = (at(offset), at(offset + days * 86_400));
            let error = of(since, until, 300).await.unwrap_err().to_string();
            let fits = error.split("window: ").nth(1).and_then(|rest| rest.split(' ').next());
            let fits: i64 = fits.unwrap_or_else(|| panic!("{error}")).parse().unwrap();
            assert!(of(since, until, fits).await.unwrap().len() <= 2_000, "{error}");
        }
    }
}
