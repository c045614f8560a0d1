//! Text of others, and times.

use leptos::prelude::*;

use crate::clock::{self, Style};
use crate::text::visible;

/// Text of others, which stays in its place whatever is in it: hosts, paths, names, notes.
#[component]
pub(crate) fn Outside(#[prop(into)] text: String) -> impl IntoView {
    view! { <bdi class="outside">{visible(&text)}</bdi> }
}

/// A moment in the viewer's zone, with how long ago beside it for the pointer.
#[component]
pub(crate) fn Moment(#[prop(into)] at: String, #[prop(default = Style::Short)] style: Style) -> impl IntoView {
    let (text, title) = (clock::local(&at, style), format!("{} ({at})", clock::ago(&at)));
    view! { <time datetime=at title=title>{text}</time> }
}
