//! The bar: which part of the traffic is looked at. Its fields and the address say the same.

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::looking::Looking;
use crate::narrow::{CLASSES, Narrow, RECOMMENDATIONS, SORTS, WINDOWS};
use crate::parts::{Choice, Field};

/// How long a search waits for the next letter, in milliseconds.
const PAUSE: u32 = 250;

/// The fields.
#[derive(Clone, Copy)]
struct Fields {
    since: RwSignal<String>,
    q: RwSignal<String>,
    recommendation: RwSignal<String>,
    class: RwSignal<String>,
    listed: RwSignal<String>,
    sort: RwSignal<String>,
}

impl Fields {
    fn of(narrow: &Narrow) -> Self {
        let field = |text: &str| RwSignal::new(text.to_owned());
        Self {
            since: field(&narrow.since),
            q: field(&narrow.q),
            recommendation: field(&narrow.recommendation),
            class: field(&narrow.class),
            listed: field(&narrow.listed),
            sort: field(&narrow.sort),
        }
    }

    fn narrow(self) -> Narrow {
        Narrow {
            since: self.since.get(),
            q: self.q.get(),
            recommendation: self.recommendation.get(),
            class: self.class.get(),
            listed: self.listed.get(),
            sort: self.sort.get(),
        }
    }

    fn set(self, narrow: Narrow) {
        let members = [
            (self.since, narrow.since),
            (self.q, narrow.q),
            (self.recommendation, narrow.recommendation),
            (self.class, narrow.class),
            (self.listed, narrow.listed),
            (self.sort, narrow.sort),
        ];
        for (field, value) in members {
            if field.with_untracked(|there| *there != value) {
                field.set(value);
            }
        }
    }
}

fn named<'w>(words: &'w [(&str, &str)]) -> impl Iterator<Item = (String, String)> + 'w {
    words
        .iter()
        .map(|(word, name)| ((*word).to_owned(), (*name).to_owned()))
}

/// The bar.
#[component]
pub(super) fn Bar(looking: Looking) -> impl IntoView {
    let fields = Fields::of(&looking.narrow.get_untracked());
    let sent = StoredValue::new(looking.narrow.get_untracked());
    let latest = StoredValue::new(0_u64);
    Effect::new(move |before: Option<Narrow>| {
        let now = fields.narrow();
        let is_typed = before.as_ref().is_some_and(|before| before.q != now.q);
        if before.is_some_and(|before| before != now) {
            let number = latest.get_value() + 1;
            latest.set_value(number);
            let wanted = now.clone();
            spawn_local(async move {
                if is_typed {
                    TimeoutFuture::new(PAUSE).await;
                }
                let is_latest = latest.try_get_value() == Some(number);
                if is_latest && looking.narrow.try_get_untracked().is_some_and(|there| there != wanted) {
                    sent.set_value(wanted.clone());
                    looking.go(&wanted);
                }
            });
        }
        now
    });
    // Somebody went back, or a link led here. What was sent by the fields is there already, and may be typed on.
    Effect::new(move |_| {
        let there = looking.narrow.get();
        if sent.with_value(|sent| *sent != there) {
            sent.set_value(there.clone());
            fields.set(there);
        }
    });
    let any = |name: &str| std::iter::once((String::new(), name.to_owned()));
    let recommendations = RECOMMENDATIONS.map(|word| (word, word));
    let listed = [("false", "not listed"), ("true", "listed")];
    view! {
        <div class="bar" role="search" aria-label="What is shown">
            <Choice
                label="Window"
                value=fields.since
                options=named(&WINDOWS).map(|(word, name)| (word, name.replacen("the l", "L", 1))).collect()
            />
            <div class="grow">
                <Field label="Search" value=fields.q kind="search" />
            </div>
            <Choice
                label="Recommendation"
                value=fields.recommendation
                options=any("any").chain(named(&recommendations)).collect()
            />
            <Choice label="Class" value=fields.class options=any("any").chain(named(&CLASSES)).collect() />
            <Choice label="Listed" value=fields.listed options=any("all").chain(named(&listed)).collect() />
            <Choice label="Sort" value=fields.sort options=named(&SORTS).collect() />
        </div>
    }
}
