//! Addresses of people, and of those who mean harm.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Values that must come back as they are, whatever they look like.
const HOSTILE: [&str; 12] = [
    "a&action=allow&b",
    "a=b#c?d",
    "%41%00%zz%",
    "+1 + 1",
    "\"><script>alert(1)</script>",
    "javascript:alert(1)",
    "../../etc/passwd",
    "\u{202e}moc.elpmaxe",
    "a\0b\r\nset-cookie: x",
    "bücher.example.com \u{1f600}",
    "*.example.com",
    "a;b,c|d\\e",
];

#[test]
fn an_address_comes_back_as_it_was_whatever_it_says() {
    for member in Member::ALL {
        for value in HOSTILE {
            let filter = Filter::default().with(member, value);
            let query = filter.query();
            assert!(
                query
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"=&%+-._*".contains(&byte)),
                "{query}"
            );
            assert_eq!(Filter::of_query(&query), filter, "{member:?} {value:?}");
            assert_eq!(Filter::of_query(&format!("?{query}")), filter);
            // A value makes no parameter of its own.
            assert_eq!(filter.iter().collect::<Vec<_>>(), [(member, value)]);
            assert_eq!(
                parse(query.as_bytes()).filter(|(name, _)| name == "action").count(),
                usize::from(member == Member::Action)
            );
        }
    }
}

#[test]
fn all_members_together_come_back() {
    let query = "since=24h&until=2026-11-01T00%3A00%3A00Z&resource_type=sandbox&resource_id=sb_1&host=*.example.com\
         &action=denied&would_reject=true&rule_id=gh&rejected_by=default_deny&mode=enforce&method=GET";
    let filter = Filter::of_query(query);
    assert_eq!(filter.iter().count(), Member::ALL.len());
    assert_eq!(filter.query(), query);
    assert_eq!(filter.place(), format!("/audit?{query}"));
    assert_eq!(filter.get(Member::Resource), "sandbox/sb_1");
    for member in Member::ALL {
        let without = filter.without(member);
        assert_eq!(without.get(member), "");
        assert_eq!(without.iter().count(), Member::ALL.len() - 1);
        assert!(without.iter().all(|(other, value)| filter.get(other) == value));
    }
}

#[test]
fn what_is_empty_unknown_or_endless_is_left_out() {
    assert_eq!(Filter::of_query(""), Filter::default());
    assert_eq!(Filter::default().place(), "/audit");
    assert!(Filter::of_query("?host=&action=+&limit=5&cursor=before.1&format=csv&&=&=x&offset").is_empty());
    // The last of two, as in the API.
    assert_eq!(Filter::of_query("host=a&host=b").get(Member::Host), "b");
    let endless = Filter::of_query(&format!("host={}", "\u{e4}".repeat(100_000)));
    assert_eq!(endless.get(Member::Host).chars().count(), LONGEST);
    // Bytes that are no text.
    assert_eq!(Filter::of_query("host=%ff%fe").get(Member::Host), "\u{fffd}\u{fffd}");
}

#[test]
fn a_type_without_an_id_is_all_of_the_type() {
    assert_eq!(
        Filter::of_query("resource_type=sandbox").get(Member::Resource),
        "sandbox"
    );
    let filter = Filter::default().with(Member::Resource, "sandbox");
    assert_eq!(filter.query(), "resource_type=sandbox");
    // An id without a type is the API's to refuse, at its field.
    let lost = Filter::of_query("resource_id=sb_1");
    assert_eq!(lost.get(Member::Resource), "/sb_1");
    assert_eq!(lost.query(), "resource_type=&resource_id=sb_1");
    assert_eq!(Filter::of_query(&lost.query()), lost);
}

#[test]
fn the_time_has_a_word() {
    let time = |query: &str| Filter::of_query(query).time().to_owned();
    assert_eq!(time(""), "");
    for span in SPANS {
        assert_eq!(time(&format!("since={span}")), span);
    }
    assert_eq!(time("since=3d"), "between");
    assert_eq!(time("since=1h&until=15m"), "between");
    assert_eq!(time("until=2026-11-01T00:00:00Z"), "between");
}

#[test]
fn the_newest_rows_are_asked_for_first_whatever_the_time() {
    let page = |query: &str, cursor| Filter::of_query(query).page(50, cursor, 10_000_000_000);
    assert_eq!(page("", None), "limit=50");
    assert_eq!(
        page("host=a.example.com", Some("before.7")),
        "host=a.example.com&limit=50&cursor=before.7"
    );
    assert_eq!(
        page("since=1h", None),
        "since=1h&limit=50&cursor=before.9223372036854775807"
    );
    // Inclusive.
    assert_eq!(
        page("since=1970-01-01T00:00:00Z&until=1970-01-01T00:00:01.000002Z", None),
        "since=1970-01-01T00%3A00%3A00Z&until=1970-01-01T00%3A00%3A01.000002Z&limit=50&cursor=before.1000003"
    );
    assert_eq!(
        page("since=2h&until=1h", None),
        "since=2h&until=1h&limit=50&cursor=before.6400000001"
    );
    assert_eq!(
        page("since=2h&until=1h", Some("before.9")),
        "since=2h&until=1h&limit=50&cursor=before.9"
    );
    // Without since the API begins at the end by itself; what is no time is the API's to refuse.
    assert_eq!(page("until=1h", None), "until=1h&limit=50");
    for wrong in [
        "yesterday",
        "h",
        "-1h",
        "99999999999999999999d",
        "9223372036854775807d",
        "\u{e4}",
    ] {
        assert_eq!(
            Filter::of_query("since=2h").with(Member::Until, wrong).end(0),
            None,
            "{wrong}"
        );
    }
}

#[test]
fn a_stream_goes_on_where_the_view_is() {
    let filter = Filter::of_query("since=24h&until=1h&host=a.example.com&action=denied");
    assert_eq!(
        filter.stream("2026-11-01T00:00:00.000001Z"),
        "host=a.example.com&action=denied&since=2026-11-01T00%3A00%3A00.000001Z"
    );
    assert_eq!(
        filter.export("csv"),
        "since=24h&until=1h&host=a.example.com&action=denied&format=csv"
    );
}

#[test]
fn just_after_is_a_microsecond_later() {
    for (moment, next) in [
        ("2026-11-01T00:00:00.000000Z", "2026-11-01T00:00:00.000001Z"),
        ("2026-12-31T23:59:59.999999Z", "2027-01-01T00:00:00Z"),
        ("2026-11-01T02:00:00.000009+02:00", "2026-11-01T00:00:00.00001Z"),
    ] {
        assert_eq!(just_after(moment).as_deref(), Some(next));
        assert_eq!(micros(next), micros(moment).map(|micros| micros + 1));
    }
    assert_eq!(just_after("9999-12-31T23:59:59.999999Z"), None);
    assert_eq!(just_after("now"), None);
}

#[test]
fn errors_find_their_field() {
    for member in Member::ALL {
        assert_eq!(Member::of_field(member.name()), Some(member));
    }
    assert_eq!(Member::of_field("resource_type"), Some(Member::Resource));
    assert_eq!(Member::of_field("limit"), None);
}
