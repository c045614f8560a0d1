//! Sessions that have not ended: one's own, and of an admin all in its scope.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api;
use crate::load::Load;
use crate::model::SignedIn;
use crate::parts::{Button, Empty, Look, Messages, Moment, Outside, Shown, Tag};
use crate::session::Visitor;
use crate::text::visible;

/// The list, and ending them.
#[component]
pub(super) fn Sessions(sessions: Load<Vec<SignedIn>>) -> impl IntoView {
    let visitor = Visitor::get();
    let is_admin = move || visitor.session().is_some_and(|session| session.role == "admin");
    view! {
        <section aria-labelledby="sessions-head" class="stack">
            <h2 id="sessions-head">
                {move || if is_admin() { "Everybody's sessions" } else { "Your sessions" }}
            </h2>
            <Shown load=sessions let:rows>
                {move || {
                    let rows = rows.get();
                    if rows.is_empty() {
                        return view! {
                            <Empty what="No session">"Whoever signs in with a browser has one; tokens have none."</Empty>
                        }
                            .into_any();
                    }
                    view! {
                        <div class="scroll sessions-scroll" tabindex="0" role="group" aria-label="Sessions">
                            <table class="sessions">
                                <thead>
                                    <tr>
                                        <th scope="col">"Who"</th>
                                        <th scope="col">"Role and scope"</th>
                                        <th scope="col">"From"</th>
                                        <th scope="col">"Began"</th>
                                        <th scope="col">"Last used"</th>
                                        <th scope="col">"Ends"</th>
                                        <th scope="col">
                                            <span class="visually-hidden">"End it"</span>
                                        </th>
                                    </tr>
                                </thead>
                                <tbody>
                                    {rows
                                        .into_iter()
                                        .map(|row| view! { <Row row=row sessions=sessions /> })
                                        .collect_view()}
                                </tbody>
                            </table>
                        </div>
                    }
                        .into_any()
                }}
            </Shown>
        </section>
    }
}

#[component]
fn Row(row: SignedIn, sessions: Load<Vec<SignedIn>>) -> impl IntoView {
    let (visitor, messages) = (Visitor::get(), Messages::get());
    let busy = RwSignal::new(false);
    let (id, current) = (row.id.clone(), row.current);
    let describe = if current {
        "End this session".to_owned()
    } else {
        format!(
            "End the session of {} from {}",
            visible(&row.name),
            visible(&row.address)
        )
    };
    let end = move || {
        let path = format!("/sessions/{id}");
        busy.set(true);
        spawn_local(async move {
            let ended = if current {
                visitor.sign_out().await
            } else {
                api::delete(&path).await
            };
            match ended {
                Ok(()) if current => {}
                Ok(()) => {
                    messages.say("The session has ended");
                    sessions.reload();
                }
                Err(error) => messages.fail(&error),
            }
            let _ = busy.try_set(false);
        });
    };
    view! {
        <tr>
            <th scope="row">
                <Outside text=row.name />
                {if row.token_id.is_some() { " (token)" } else { "" }} " "
                {current.then(|| view! { <Tag text="this browser" tone="info" /> })}
            </th>
            <td>
                {row.role} " · " <span class="mono"><Outside text=row.scope /></span>
            </td>
            <td>
                <Outside text=row.address />
                <span class="soft agent">
                    <Outside text=row.agent />
                </span>
            </td>
            <td>
                <Moment at=row.created_at />
            </td>
            <td>
                <Moment at=row.last_used />
            </td>
            <td>
                <Moment at=row.expires_at />
            </td>
            <td>
                <Button label="End" on_click=end look=Look::Danger busy=busy describe=describe />
            </td>
        </tr>
    }
}
