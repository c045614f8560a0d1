//! Signing in, with a token or with a name and a password.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde_json::json;

use crate::parts::{Field, Outside};
use crate::session::Visitor;

/// The only page for who is not signed in. The address stays, so that a link leads on after it.
#[component]
pub(crate) fn SignIn() -> impl IntoView {
    let visitor = Visitor::get();
    let with_token = RwSignal::new(true);
    let (token, name, password) = (
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
        RwSignal::new(String::new()),
    );
    let (failed, busy) = (RwSignal::new(None::<String>), RwSignal::new(false));
    let ready = move || {
        if with_token.get() {
            !token.get().trim().is_empty()
        } else {
            !name.get().is_empty() && !password.get().is_empty()
        }
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() || !untrack(ready) {
            return;
        }
        let with = if with_token.get_untracked() {
            json!({"token": token.get_untracked().trim()})
        } else {
            json!({"name": name.get_untracked(), "password": password.get_untracked()})
        };
        busy.set(true);
        spawn_local(async move {
            match visitor.sign_in(&with).await {
                Ok(()) => {}
                Err(error) => {
                    failed.set(Some(error.message));
                    busy.set(false);
                }
            }
        });
    };
    let way = move |is_token: bool| {
        view! {
            <button
                type="button"
                class="button"
                aria-pressed=move || (with_token.get() == is_token).to_string()
                on:click=move |_| {
                    with_token.set(is_token);
                    failed.set(None);
                }
            >
                {if is_token { "Token" } else { "Name and password" }}
            </button>
        }
    };
    view! {
        <main class="alone">
            <h1>
                <span class="brand-mark" aria-hidden="true"></span>
                "Sluice"
            </h1>
            <p>"Sign in to see what your sandboxes talk to."</p>
            <div class="ways" role="group" aria-label="Sign in with">
                {way(true)} {way(false)}
            </div>
            <form on:submit=submit>
                {move || {
                    if with_token.get() {
                        view! {
                            <Field
                                label="Token"
                                value=token
                                kind="password"
                                hint="The first start of the collector prints an admin's; 'sluice token create' makes more"
                            />
                        }
                            .into_any()
                    } else {
                        view! {
                            <Field label="Name" value=name autocomplete="username" />
                            <Field label="Password" value=password kind="password" autocomplete="current-password" />
                        }
                            .into_any()
                    }
                }}
                <div role="alert">
                    {move || {
                        failed
                            .get()
                            .map(|text| {
                                view! {
                                    <p class="wrong">
                                        <Outside text=text />
                                    </p>
                                }
                            })
                    }}
                </div>
                <button type="submit" class="button button-primary" disabled=move || busy.get() || !ready()>
                    "Sign in"
                </button>
            </form>
        </main>
    }
}
