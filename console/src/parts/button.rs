//! Buttons that say why they cannot be clicked.

use leptos::prelude::*;

use crate::session::Visitor;

/// How much a button wants to be clicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Look {
    /// One of several.
    #[default]
    Plain,
    /// What is usually next.
    Primary,
    /// What takes something away.
    Danger,
    /// As quiet as a link.
    Quiet,
}

/// A button. With `operates` only those whose role may change policies can click it.
#[component]
pub(crate) fn Button(
    /// What it does, in a word or two.
    #[prop(into)]
    label: Signal<String>,
    /// Does it.
    on_click: impl Fn() + 'static,
    /// How it looks.
    #[prop(optional)]
    look: Look,
    /// Whether it changes something.
    #[prop(default = false)]
    operates: bool,
    /// Whether it cannot be clicked now.
    #[prop(into, optional)]
    disabled: Signal<bool>,
    /// Whether what it did before is still being done.
    #[prop(into, optional)]
    busy: Signal<bool>,
    /// Whether it is what Enter in a field of its form clicks.
    #[prop(default = false)]
    submit: bool,
    /// What a screen reader says, if the label alone is not enough.
    #[prop(into, optional)]
    describe: Option<String>,
) -> impl IntoView {
    let visitor = Visitor::get();
    let barred = move || operates && !visitor.operates();
    let class = match look {
        Look::Plain => "button",
        Look::Primary => "button button-primary",
        Look::Danger => "button button-danger",
        Look::Quiet => "button button-quiet",
    };
    let title = move || {
        barred().then(|| {
            let role = visitor.session().map(|session| session.role).unwrap_or_default();
            format!("Your role, {role}, may look and not change")
        })
    };
    view! {
        <button
            type=if submit { "submit" } else { "button" }
            class=class
            disabled=move || barred() || disabled.get() || busy.get()
            aria-busy=move || busy.get().to_string()
            aria-label=describe
            title=title
            on:click=move |_| on_click()
        >
            {move || label.get()}
        </button>
    }
}
