//! Text of others.

use leptos::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::parts::Outside;
use crate::stage::{Stage, bounds};

#[test]
fn markup_is_text() {
    for hostile in [
        "<script>window.taken = true</script>",
        "<img src=x onerror='window.taken = true'>",
        "</bdi><h1>Signed out</h1>",
        "\"><svg/onload=window.taken=true>",
        "<!--",
        "&lt;b&gt; &amp;",
        "{{7*7}} ${7*7}",
        "javascript:alert(1)",
    ] {
        let stage = Stage::of(move || view! { <Outside text=hostile /> });
        let place = stage.one(".outside");
        assert_eq!(place.tag_name(), "BDI");
        assert_eq!(stage.texts(".outside"), [hostile]);
        assert_eq!(place.child_element_count(), 0, "{hostile}");
        assert!(
            place
                .parent_element()
                .is_some_and(|parent| parent.child_element_count() == 1)
        );
    }
    assert!(js_sys::Reflect::get(&window(), &"taken".into()).is_ok_and(|taken| taken.is_undefined()));
}

#[test]
fn what_is_not_seen_as_itself_is_written_out() {
    for (hostile, shown) in [
        ("moc.elpmaxe\u{202e}.example.com", "moc.elpmaxe\\u{202e}.example.com"),
        ("\u{2066}a\u{2069}\u{200b}\n", "\\u{2066}a\\u{2069}\\u{200b}\\u{a}"),
        ("\0", "\\u{0}"),
    ] {
        let stage = Stage::of(move || view! { <Outside text=hostile /> });
        assert_eq!(stage.texts(".outside"), [shown]);
    }
}

#[test]
fn text_that_runs_from_right_to_left_stays_in_its_place() {
    let stage = Stage::of(|| {
        view! {
            <p>
                <Outside text="\u{5d0}\u{5d1}" />
                <span class="after">" 7"</span>
            </p>
        }
    });
    let left = |selector: &str| bounds(&stage.one(selector)).left();
    assert!(left(".outside") < left(".after"));
}
