//! Audit: every decision, filtered by what the address says, followed as it happens, each opened into why.

mod bar;
mod chips;
mod detail;
mod feed;
mod list;
mod row;
mod tail;
mod view;
mod why;

use leptos::prelude::*;
use leptos_router::components::A;

use crate::audit_filter::{Filter, Member};
use crate::parts::{Button, Empty, Failure, Outside};

use bar::Bar;
use chips::{Chips, Exports, shown};
use feed::{Feed, Phase};
use list::List;
use tail::FollowButton;
use view::View;

/// Audit.
#[component]
pub(crate) fn Audit() -> impl IntoView {
    let view = View::provide();
    let feed = Feed::provide(view);
    tail::listen(view, feed);
    // 0: on its way, 1: rows, 2: none, 3: failed.
    let phase = Memo::new(move |_| match feed.phase.get() {
        Phase::Loading => 0,
        Phase::Ready if feed.trail.with(|trail| trail.is_empty()) => 2,
        Phase::Ready => 1,
        Phase::Failed(_) => 3,
    });
    view! {
        <h1>"Audit"</h1>
        <Bar feed=feed />
        <div class="audit-tools">
            <Chips view=view />
            <div class="actions">
                <FollowButton feed=feed view=view />
                <Exports view=view />
            </div>
        </div>
        {move || match phase.get() {
            0 => {
                view! {
                    <div class="loading" role="status">
                        <span class="visually-hidden">"Loading"</span>
                        <span class="bone"></span>
                        <span class="bone"></span>
                        <span class="bone"></span>
                    </div>
                }
                    .into_any()
            }
            1 => view! { <List feed=feed /> }.into_any(),
            2 => view! { <Nothing view=view /> }.into_any(),
            _ => match feed.phase.get_untracked() {
                Phase::Failed(error) if error.status == 422 => {
                    view! {
                        <div class="state state-failed" role="alert">
                            <p class="state-what">
                                <Outside text=error.message />
                            </p>
                            <p>"The field that is wrong is marked."</p>
                            <Button label="Clear the filters" on_click=move || view.show(&Filter::default()) />
                        </div>
                    }
                        .into_any()
                }
                Phase::Failed(error) => view! { <Failure error=error retry=move || feed.reload() /> }.into_any(),
                _ => ().into_any(),
            },
        }}
    }
}

/// No rows, and what to do so that there are some.
#[component]
fn Nothing(view: View) -> impl IntoView {
    move || {
        let filter = view.filter.get();
        if filter.is_empty() {
            return view! {
                <Empty what="No traffic yet">
                    <p>"Send a shell through the proxy with the two lines that it prints when it starts, such as"</p>
                    <p>
                        <code>"export http_proxy=http://127.0.0.1:3128 https_proxy=http://127.0.0.1:3128"</code>
                    </p>
                    <p>
                        "and open any address from there. Whether a proxy is connected is on the " <A href="/">"overview"</A> "."
                    </p>
                </Empty>
            }
            .into_any();
        }
        let ways = filter
            .iter()
            .map(|(member, value)| {
                let (without, name) = (filter.without(member), member.label());
                let value = shown(member, value);
                view! {
                    <li>
                        <A href=without.place()>"Without " {name} " " <Outside text=value /></A>
                    </li>
                }
            })
            .collect_view();
        let hint = (!filter.get(Member::Host).is_empty())
            .then_some("A host is matched as a whole; *.example.com stands for all below example.com.");
        view! {
            <Empty what="No decision fits these filters">
                <p>"Leave one of them away:"</p>
                <ul class="audit-ways">{ways}</ul>
                <p>{hint}</p>
            </Empty>
        }
        .into_any()
    }
}
