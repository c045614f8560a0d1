//! Fields of forms, each with its label, a hint and what is wrong with it.

use leptos::prelude::*;

use crate::text::visible;

/// A number for ids that no other part has.
fn next_id() -> String {
    use std::cell::Cell;
    thread_local!(static NEXT: Cell<u32> = const { Cell::new(0) });
    let number = NEXT.get();
    NEXT.set(number.wrapping_add(1));
    format!("field-{number}")
}

/// A line of text.
#[component]
pub(crate) fn Field(
    /// What it is.
    #[prop(into)]
    label: String,
    /// What is in it.
    value: RwSignal<String>,
    /// What it may be.
    #[prop(into, optional)]
    hint: Option<String>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
    /// `text`, `password`, `search`, `datetime-local`.
    #[prop(default = "text")]
    kind: &'static str,
    /// What a browser may fill in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Whether it cannot be changed.
    #[prop(into, optional)]
    disabled: Signal<bool>,
    /// Whether the label is only for screen readers.
    #[prop(default = false)]
    bare: bool,
) -> impl IntoView {
    let id = next_id();
    let (about, of) = (format!("{id}-about"), id.clone());
    let says = about.clone();
    let hint = StoredValue::new(hint);
    let spoken = move || (error.get().is_some() || hint.with_value(Option::is_some)).then(|| says.clone());
    view! {
        <div class="field">
            <label for=of class:visually-hidden=bare>
                {label}
            </label>
            <input
                id=id
                type=kind
                autocomplete=autocomplete
                spellcheck="false"
                autocapitalize="off"
                prop:value=move || value.get()
                disabled=move || disabled.get()
                aria-invalid=move || error.get().is_some().to_string()
                aria-describedby=spoken
                on:input=move |event| value.set(event_target_value(&event))
            />
            <p id=about class="hint" class:wrong=move || error.get().is_some()>
                {move || error.get().or_else(|| hint.get_value()).unwrap_or_default()}
            </p>
        </div>
    }
}

/// One of several words. One that is none of them, such as that of an address, gets an option of its own.
#[component]
pub(crate) fn Choice(
    /// What it is.
    #[prop(into)]
    label: String,
    /// Which.
    value: RwSignal<String>,
    /// The words, and how they are shown.
    options: Vec<(String, String)>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
    /// Whether the label is only for screen readers.
    #[prop(default = false)]
    bare: bool,
) -> impl IntoView {
    let id = next_id();
    let (about, of) = (format!("{id}-about"), id.clone());
    let says = about.clone();
    let spoken = move || error.get().is_some().then(|| says.clone());
    let words: Vec<String> = options.iter().map(|(word, _)| word.clone()).collect();
    let other = Memo::new(move |_| value.with(|value| (!words.contains(value)).then(|| value.clone())));
    let options = options
        .into_iter()
        .map(|(word, shown)| {
            let this = word.clone();
            view! {
                <option value=word selected=move || value.with(|value| *value == this)>
                    {shown}
                </option>
            }
        })
        .collect_view();
    view! {
        <div class="field">
            <label for=of class:visually-hidden=bare>
                {label}
            </label>
            <select
                id=id
                aria-invalid=move || error.get().is_some().to_string()
                aria-describedby=spoken
                on:change=move |event| value.set(event_target_value(&event))
                prop:value=move || value.get()
            >
                {options}
                {move || {
                    other
                        .get()
                        .map(|word| {
                            let shown = visible(&word);
                            view! {
                                <option value=word selected=true>
                                    {shown}
                                </option>
                            }
                        })
                }}
            </select>
            <p id=about class="hint wrong">
                {move || error.get().unwrap_or_default()}
            </p>
        </div>
    }
}

/// Yes or no.
#[component]
pub(crate) fn Check(
    /// What it is.
    #[prop(into)]
    label: String,
    /// Whether.
    value: RwSignal<bool>,
    /// What that means.
    #[prop(into, optional)]
    hint: Option<String>,
) -> impl IntoView {
    let id = next_id();
    let (of, about) = (id.clone(), format!("{id}-about"));
    let says = hint.is_some().then(|| about.clone());
    view! {
        <div class="check">
            <input
                id=id
                type="checkbox"
                aria-describedby=says
                prop:checked=move || value.get()
                on:change=move |event| value.set(event_target_checked(&event))
            />
            <label for=of>{label}</label>
            {hint.map(|hint| view! { <p id=about class="hint">{hint}</p> })}
        </div>
    }
}
