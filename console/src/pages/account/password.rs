//! Changing one's own password.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::{Value, json};

use crate::api;
use crate::parts::{Field, Messages, Outside};
use crate::session::Visitor;

/// The form. All sessions of who changes it end, this one too.
#[component]
pub(super) fn Password(id: String, name: String) -> impl IntoView {
    let (visitor, messages) = (Visitor::get(), Messages::get());
    let [current, new, again] = [(); 3].map(|()| RwSignal::new(String::new()));
    let (failed, busy) = (RwSignal::new(None::<String>), RwSignal::new(false));
    let differ = Signal::derive(move || {
        let differ = !again.get().is_empty() && again.get() != new.get();
        differ.then(|| "It is not the same as the new one".to_owned())
    });
    let ready = move || !current.get().is_empty() && !new.get().is_empty() && again.get() == new.get();
    let id = StoredValue::new(id);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() || !untrack(ready) {
            return;
        }
        busy.set(true);
        failed.set(None);
        let (path, body) = (
            format!("/users/{}", id.get_value()),
            json!({"password": new.get_untracked(), "current_password": current.get_untracked()}),
        );
        spawn_local(async move {
            match api::patch::<Value>(&path, &body).await {
                Ok(_) => {
                    messages.say("The password is changed; sign in with the new one");
                    visitor.ask();
                }
                Err(error) if error.is_unauthenticated() => visitor.left(),
                Err(error) => {
                    let _ = failed.try_set(Some(error.message));
                }
            }
            let _ = busy.try_set(false);
        });
    };
    view! {
        <section class="panel" aria-labelledby="password-head">
            <h2 id="password-head">"Change your password"</h2>
            <form class="password" on:submit=submit>
                // For password managers, which keep passwords by the name.
                <input class="visually-hidden" autocomplete="username" value=name readonly tabindex="-1" aria-hidden="true" />
                <Field label="Current password" value=current kind="password" autocomplete="current-password" />
                <Field label="New password" value=new kind="password" autocomplete="new-password" />
                <Field
                    label="New password again"
                    value=again
                    kind="password"
                    autocomplete="new-password"
                    error=differ
                />
                <div role="alert">
                    {move || {
                        failed
                            .get()
                            .map(|said| {
                                view! {
                                    <p class="wrong">
                                        <Outside text=said />
                                    </p>
                                }
                            })
                    }}
                </div>
                <p class="soft">"All your sessions end with it, this one too."</p>
                <button type="submit" class="button button-primary" disabled=move || busy.get() || !ready()>
                    "Change the password"
                </button>
            </form>
        </section>
    }
}
