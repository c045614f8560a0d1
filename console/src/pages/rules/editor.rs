//! Writing a rule, with what it would do beside it.

mod fields;
mod save;

use leptos::prelude::*;

use super::desk::{Desk, Editing};
use super::judged::Judged;
use super::lint::Lint;
use super::settled::settled;
use crate::draft::{Draft, Wrong};
use crate::model::Rule;
use crate::parts::{Button, Dialog, Look};
use crate::preview::Edit;
use fields::Fields;

/// How long somebody has to pause before what was recorded is judged again, in milliseconds.
const PAUSE: u32 = 120;

/// The editor, while something is edited.
#[component]
pub(super) fn EditorDialog(desk: Desk) -> impl IntoView {
    let title = move || match desk.editing.get() {
        Some(Editing::Rule(rule)) => format!("Edit {} {}", rule.effect, crate::text::visible(&rule.host)),
        _ => "Add a rule".to_owned(),
    };
    view! {
        <Dialog open=desk.editor title=Signal::derive(title) wide=true>
            {move || {
                desk.editing
                    .get()
                    .map(|editing| match editing {
                        Editing::New => view! { <Editor desk=desk /> }.into_any(),
                        Editing::Rule(rule) => view! { <Editor desk=desk rule=rule /> }.into_any(),
                    })
            }}
        </Dialog>
    }
}

/// One rule.
#[component]
fn Editor(desk: Desk, #[prop(optional)] rule: Option<Rule>) -> impl IntoView {
    let id = rule.as_ref().map(|rule| rule.id.clone());
    let fields = Fields::of(rule.as_ref());
    let draft = Memo::new(move |_| fields.draft());
    let wrong = Memo::new(move |_| draft.with(Draft::document).err().unwrap_or_default());
    let tried = RwSignal::new(false);
    let shown = Memo::new(move |_| {
        let mut wrong: Wrong = wrong.get();
        // Nobody has to be told that a field is empty before it was filled in.
        if !tried.get() && draft.with(|draft| draft.host.is_empty()) {
            wrong.remove("host");
        }
        wrong
    });
    let steady = settled(draft, PAUSE);
    let replaces = id.clone();
    let edit = Memo::new(move |_| {
        let document = steady.with(Draft::document).ok()?;
        Some(match &replaces {
            Some(id) => Edit::Replace(id.clone(), document),
            None => Edit::Add(document),
        })
    });
    let busy = RwSignal::new(false);
    let label = if id.is_some() { "Save" } else { "Add" };
    let replaced = id.clone();
    let save = move || {
        tried.set(true);
        if wrong.with_untracked(Wrong::is_empty) {
            save::save(desk, draft.get_untracked(), replaced.clone(), busy);
        }
    };
    view! {
        <div class="editor">
            <form
                class="editor-fields"
                on:submit=move |event| event.prevent_default()
            >
                {fields.view(shown.into(), draft)}
                <p class="hint wrong" role="alert">
                    {move || {
                        (tried.get() && !wrong.with(Wrong::is_empty))
                            .then_some("Not saved: see what is wrong with the fields above.")
                    }}
                </p>
                <p class="actions">
                    <Button
                        label=label
                        on_click=save
                        look=Look::Primary
                        operates=true
                        disabled=desk.barred
                        busy=busy
                        submit=true
                    />
                    <Button label="Cancel" on_click=move || desk.editor.set(false) />
                </p>
            </form>
            <div class="editor-beside">
                <Judged desk=desk edit=edit.into() />
                <Lint desk=desk draft=draft replaces=id />
            </div>
        </div>
    }
}
