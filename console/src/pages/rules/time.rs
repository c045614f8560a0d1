//! When a rule ends.

use leptos::prelude::*;

use super::desk::now;
use crate::listing::Time;
use crate::model::Rule;
use crate::parts::{Moment, Tag};

/// The end of a rule, marked when it is near or past; nothing for a rule that lasts.
#[component]
pub(super) fn End(rule: Rule) -> impl IntoView {
    let time = Time::of(&rule, now());
    rule.expires_at.map(|at| {
        let mark = match time {
            Time::Past => Some(("expired", "bad")),
            Time::Soon => Some(("ends within a day", "warn")),
            Time::Ending | Time::Lasting => None,
        };
        let word = if time == Time::Past { "since " } else { "until " };
        view! {
            <span>
                {mark.map(|(text, tone)| view! { <Tag text=text tone=tone /> " " })} {word} <Moment at=at />
            </span>
        }
    })
}
