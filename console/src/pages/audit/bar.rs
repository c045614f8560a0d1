//! The fields of the filters, each with what the API says is wrong with it.

use leptos::prelude::*;

use super::feed::Feed;
use super::view::View;
use crate::audit_filter::{Filter, Member, SPANS, span};
use crate::clock;
use crate::parts::{Choice, Field};

/// From this width on, in pixels, the fields are there from the beginning.
const WIDE: f64 = 768.0;

/// The fields. On a narrow screen they are folded away.
#[component]
pub(super) fn Bar(feed: Feed) -> impl IntoView {
    let view: View = expect_context();
    let width = window().inner_width().ok().and_then(|width| width.as_f64());
    let is_wide = width.is_none_or(|width| width >= WIDE);
    let count = move || match view.filter.with(|filter| filter.iter().count()) {
        0 => "Filters".to_owned(),
        count => format!("Filters ({count})"),
    };
    let text = move |member: Member| view.bound(member, same, same, true);
    let word = move |member: Member| view.bound(member, same, same, false);
    view! {
        <details class="panel audit-filters" open=is_wide>
            <summary>{count}</summary>
            <div class="audit-fields">
                <Time view=view feed=feed />
                <Field
                    label="Resource"
                    value=text(Member::Resource)
                    hint="sandbox/sb_1, or sandbox"
                    error=feed.wrong(Member::Resource)
                />
                <Field
                    label="Host"
                    value=text(Member::Host)
                    hint="a.example.com, *.example.com"
                    error=feed.wrong(Member::Host)
                />
                <Choice
                    label="Action"
                    value=word(Member::Action)
                    options=words(&["allow", "warn", "reject", "allowed", "denied"])
                    error=feed.wrong(Member::Action)
                />
                <Choice
                    label="Would reject"
                    value=word(Member::WouldReject)
                    options=vec![option("", "any"), option("true", "yes"), option("false", "no")]
                    error=feed.wrong(Member::WouldReject)
                />
                <Field label="Rule" value=text(Member::Rule) hint="Its id" error=feed.wrong(Member::Rule) />
                <Field
                    label="Rejected by"
                    value=text(Member::RejectedBy)
                    hint="default_deny, or a rule's id"
                    error=feed.wrong(Member::RejectedBy)
                />
                <Choice
                    label="Mode"
                    value=word(Member::Mode)
                    options=words(&["audit_only", "enforce", "none"])
                    error=feed.wrong(Member::Mode)
                />
                <Choice
                    label="Method"
                    value=word(Member::Method)
                    options=words(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT"])
                    error=feed.wrong(Member::Method)
                />
            </div>
        </details>
    }
}

/// The time, in a word or between two moments of the viewer's zone.
#[component]
fn Time(view: View, feed: Feed) -> impl IntoView {
    let told = Memo::new(move |_| view.filter.with(|filter| filter.time().to_owned()));
    let value = RwSignal::new(told.get_untracked());
    Effect::new(move |_| {
        let told = told.get();
        // Dates that are being written are empty now and then; their fields must not go away for that.
        if !(told.is_empty() && value.get_untracked() == "between") {
            value.set(told);
        }
    });
    Effect::new(move |before: Option<()>| {
        let word = value.get();
        if before.is_none() || word == told.get_untracked() {
            return;
        }
        let filter = view.filter.get_untracked();
        view.show(&chosen(&filter, &word));
    });
    let date = move |member| view.bound(member, clock::to_input, to_moment, true);
    let (from, to) = (date(Member::Since), date(Member::Until));
    let wrong = feed.wrong(Member::Since);
    let options = vec![
        option("", "all"),
        option("15m", "the last 15 minutes"),
        option("1h", "the last hour"),
        option("24h", "the last 24 hours"),
        option("7d", "the last 7 days"),
        option("between", "from … to …"),
    ];
    view! {
        <Choice label="Time" value=value options=options error=wrong />
        {move || {
            (value.get() == "between")
                .then(|| {
                    view! {
                        <Field label="From" value=from kind="datetime-local" error=wrong />
                        <Field label="To" value=to kind="datetime-local" error=feed.wrong(Member::Until) />
                    }
                })
        }}
    }
}

/// The filters with another time. Who wants dates begins with those of the word that was there.
fn chosen(filter: &Filter, word: &str) -> Filter {
    let since = filter.get(Member::Since);
    match (word, span(since)) {
        ("between", Some(span)) => filter.with(Member::Since, &clock::from_now(-(span as f64) / 1e6)),
        ("between", None) => filter.clone(),
        (word, _) => {
            let word = if SPANS.contains(&word) { word } else { "" };
            filter.with(Member::Since, word).without(Member::Until)
        }
    }
}

fn to_moment(text: &str) -> String {
    clock::of_input(text).unwrap_or_default()
}

fn same(text: &str) -> String {
    text.to_owned()
}

fn option(word: &str, shown: &str) -> (String, String) {
    (word.to_owned(), shown.to_owned())
}

fn words(words: &[&str]) -> Vec<(String, String)> {
    let words = words.iter().map(|word| option(word, word));
    std::iter::once(option("", "any")).chain(words).collect()
}
