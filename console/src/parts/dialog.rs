//! A sheet above the page. The browser's own `<dialog>` keeps the focus inside and closes at Escape.

use leptos::html;
use leptos::prelude::*;

use super::MessagesRegion;

/// A sheet that is there while `open` says so; its content is made anew each time.
#[component]
pub(crate) fn Dialog(
    /// Whether it is there.
    open: RwSignal<bool>,
    /// Its heading.
    #[prop(into)]
    title: Signal<String>,
    /// Whether it wants the width of the page.
    #[prop(default = false)]
    wide: bool,
    /// What is in it.
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        if open.get() && !dialog.open() {
            // Fails only where it is shown already.
            let _ = dialog.show_modal();
        } else if !open.get() && dialog.open() {
            dialog.close();
        }
    });
    let children = StoredValue::new(children);
    view! {
        <dialog
            node_ref=node
            class=if wide { "dialog dialog-wide" } else { "dialog" }
            aria-label=move || title.get()
            on:close=move |_| open.set(false)
        >
            <Show when=move || open.get()>
                <header class="dialog-head">
                    <h2>{move || title.get()}</h2>
                    <button
                        type="button"
                        class="button button-quiet"
                        aria-label="Close"
                        on:click=move |_| open.set(false)
                    >
                        "✕"
                    </button>
                </header>
                <div class="dialog-body">{children.with_value(|children| children())}</div>
                <MessagesRegion />
            </Show>
        </dialog>
    }
}
