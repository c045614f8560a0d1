//! Your session: who is signed in, where else, and changing the password.

mod password;
mod sessions;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;
use crate::load::Load;
use crate::model::SignedIn;
use crate::parts::{Button, Messages, Moment, Outside, Tag};
use crate::session::Visitor;
use password::Password;
use sessions::Sessions;

/// Your session.
#[component]
pub(crate) fn Account() -> impl IntoView {
    let (visitor, messages) = (Visitor::get(), Messages::get());
    let sessions = Load::new(|| async { Ok(api::list::<SignedIn>("/sessions").await?.rows) });
    // Whoever signed in with a token has no password.
    let user = Memo::new(move |_| {
        let of = |rows: &Vec<SignedIn>| {
            let current = rows.iter().find(|row| row.current)?;
            Some((current.user_id.clone()?, current.name.clone()))
        };
        sessions.map(of).flatten()
    });
    let sign_out = move || {
        spawn_local(async move {
            if let Err(error) = visitor.sign_out().await {
                messages.fail(&error);
            }
        });
    };
    let session = move || visitor.session().unwrap_or_default();
    view! {
        <h1>"Your session"</h1>
        <section class="panel" aria-label="Who is signed in">
            {move || {
                let session = session();
                view! {
                    <dl class="own-session">
                        <div>
                            <dt>"Name"</dt>
                            <dd>
                                <Outside text=session.name.clone() />
                            </dd>
                        </div>
                        <div>
                            <dt>"Role"</dt>
                            <dd>
                                <Tag text=session.role.clone() /> " "
                                <span class="soft">{may(&session.role)}</span>
                            </dd>
                        </div>
                        <div>
                            <dt>"Scope"</dt>
                            <dd>
                                <span class="mono">
                                    <Outside text=session.scope.clone() />
                                </span> " " <span class="soft">{reach(&session.scope)}</span>
                            </dd>
                        </div>
                        <div>
                            <dt>"Ends"</dt>
                            <dd>
                                {match session.expires_at.clone() {
                                    Some(at) => {
                                        view! {
                                            <Moment at=at />
                                            <span class="soft">", and when it is not used for two hours"</span>
                                        }
                                            .into_any()
                                    }
                                    None => "when its token does".into_any(),
                                }}
                            </dd>
                        </div>
                    </dl>
                }
            }}
            <p class="actions">
                <Button label="Sign out here" on_click=sign_out />
            </p>
        </section>
        {move || user.get().map(|(id, name)| view! { <Password id=id name=name /> })}
        <Sessions sessions=sessions />
    }
}

fn may(role: &str) -> &'static str {
    match role {
        "viewer" => "may look and not change",
        "operator" => "may change policies",
        "admin" => "may change policies, and let others in",
        _ => "",
    }
}

fn reach(scope: &str) -> &'static str {
    match scope {
        "tenant" => "every resource, and what holds for all",
        scope if scope.ends_with('*') => "the resources whose names begin so",
        _ => "this resource alone",
    }
}
