//! Verdicts on calendars made up here.

use super::super::coverage::{self, Coverage, Verdict};
use super::*;

async fn of(sights: &[Sight<'_>]) -> Coverage {
    let fixture = Fixture::with(sights).await;
    let since = Moment(NOW.0 - 14 * DAY);
    coverage::of(&fixture.store, &Selection::everything(), since, NOW)
        .await
        .unwrap()
}

fn on_days(days: impl Iterator<Item = i64>) -> Vec<Sight<'static>> {
    days.map(|ago| Sight::of("a.example.com").on(TODAY - ago)).collect()
}

#[tokio::test]
async fn a_week_without_news_is_complete() {
    let found = of(&on_days((1..=8).rev())).await;
    assert_eq!((found.verdict, found.full_week), (Verdict::Complete, true));
    assert_eq!((found.days, found.requests, found.destinations), (8, 80, 1));
    assert_eq!(found.days_since_new_destination, Some(8));
    assert_eq!(found.first_event, Some(Moment((TODAY - 8) * DAY + DAY / 3)));
    assert!(found.reason.contains("2024-09-26"), "{}", found.reason);
}

#[tokio::test]
async fn a_destination_known_before_the_window_is_no_news() {
    let found = of(&on_days((0..=20).rev())).await;
    assert_eq!((found.verdict, found.last_new_destination), (Verdict::Complete, None));
    assert_eq!(found.growth.first().unwrap().total, 1);
    assert!(found.growth.iter().all(|day| day.new == 0));
}

#[tokio::test]
async fn a_new_destination_of_the_last_day_is_growth() {
    let mut sights = on_days((0..=8).rev());
    sights.push(Sight::of("b.example.com").on(TODAY - 3));
    sights.push(Sight::of("c.example.com"));
    let found = of(&sights).await;
    assert_eq!(
        (found.verdict, found.days_since_new_destination),
        (Verdict::Growing, Some(0))
    );
    let curve: Vec<_> = found
        .growth
        .iter()
        .map(|day| (day.day.day() - TODAY, day.new, day.total))
        .collect();
    assert_eq!(
        curve,
        [
            (-8, 1, 1),
            (-7, 0, 1),
            (-6, 0, 1),
            (-5, 0, 1),
            (-4, 0, 1),
            (-3, 1, 2),
            (-2, 0, 2),
            (-1, 0, 2),
            (0, 1, 3)
        ]
    );
    assert_eq!(found.growth.last().unwrap().total, found.destinations);
}

#[tokio::test]
async fn names_that_are_not_kept_apart_are_growth_for_as_long_as_they_come() {
    let mut sights = on_days((0..=8).rev());
    sights.extend([6, 0].map(|ago| {
        Sight::of("*.flood.example")
            .on(TODAY - ago)
            .overflow(&["x.flood.example"])
    }));
    assert_eq!(of(&sights).await.verdict, Verdict::Growing);
}

#[tokio::test]
async fn less_than_a_week_or_a_weekday_short_is_too_short() {
    let short = of(&on_days((0..=5).rev())).await;
    assert_eq!((short.verdict, short.full_week), (Verdict::TooShort, false));
    assert!(short.reason.contains("6 of the 7 days"), "{}", short.reason);
    assert!(!short.weekdays.saturday && short.weekdays.sunday && short.weekdays.friday);

    // Twelve days, but no weekend: today is a Friday.
    let working = (0..=11).rev().filter(|ago| !matches!(ago, 5 | 6));
    let working = of(&on_days(working)).await;
    assert_eq!((working.verdict, working.full_week), (Verdict::TooShort, true));
    assert!(working.reason.contains("any Saturday, Sunday:"), "{}", working.reason);
    let json = serde_json::to_value(working.weekdays).unwrap();
    assert_eq!((&json["friday"], &json["saturday"]), (&true.into(), &false.into()));

    let nothing = of(&[]).await;
    assert_eq!(
        (nothing.verdict, nothing.days, nothing.first_event),
        (Verdict::TooShort, 0, None)
    );
    assert!(nothing.growth.is_empty());
}

#[tokio::test]
async fn what_one_resource_knows_is_no_news_of_another() {
    let mut sights: Vec<Sight<'_>> = on_days((0..=8).rev());
    sights.push(Sight::of("a.example.com").by("sb_2"));
    let fixture = Fixture::with(&sights).await;
    let since = Moment(NOW.0 - 7 * DAY);
    let both = Selection::Resources(vec![sandbox("sb_1"), sandbox("sb_2")]);
    let found = coverage::of(&fixture.store, &both, since, NOW).await.unwrap();
    assert_eq!((found.verdict, found.destinations), (Verdict::Complete, 1));
    let alone = coverage::of(&fixture.store, &Selection::one(sandbox("sb_2")), since, NOW)
        .await
        .unwrap();
    assert_eq!(
        (alone.verdict, alone.days_since_new_destination),
        (Verdict::TooShort, Some(0))
    );
}
