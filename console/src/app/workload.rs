//! What is around the pages of one resource: what it is, what is in force, and the steps of the loop.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::{A, Outlet};
use leptos_router::hooks::{use_location, use_params_map};
use serde_json::json;

use crate::api;
use crate::live::Live;
use crate::load::Load;
use crate::model::{Overview, Policy, Resource};
use crate::parts::{Button, Choice, Dialog, Empty, Look, Messages, Mode, Moment, Outside, Tag};
use crate::text::counted;

/// The resource of the page, for all below.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Workload {
    /// Which.
    pub(crate) resource: Memo<Resource>,
    /// Its own policy, made on first sight.
    pub(crate) policy: Load<Option<Policy>>,
    /// Its line of the overview.
    pub(crate) overview: Load<Option<Overview>>,
}

impl Workload {
    /// Of the page.
    ///
    /// # Panics
    /// Outside of it.
    pub(crate) fn get() -> Self {
        expect_context()
    }

    /// The policy, if it was loaded.
    pub(crate) fn policy(self) -> Option<Policy> {
        self.policy.ready().flatten()
    }

    /// What people call a rule: its name in the policy here, or else its id, as for one of the tenant's.
    pub(crate) fn named(self, rule: &str) -> String {
        let own = self.policy.map(|policy| {
            let rules = policy.iter().flat_map(|policy| &policy.rules);
            let mut found = rules.filter(|own| own.id == rule);
            found.next().map(|own| own.name.clone())
        });
        own.flatten().unwrap_or_else(|| rule.to_owned())
    }

    /// Takes a policy that a change answered.
    pub(crate) fn changed(self, policy: Policy) {
        self.policy.set(Some(policy));
        self.overview.reload();
    }
}

/// The frame.
#[component]
pub(super) fn Frame() -> impl IntoView {
    let (params, live) = (use_params_map(), Live::get());
    let resource = Memo::new(move |_| {
        params.with(|params| {
            let text = |name: &str| params.get_str(name).unwrap_or_default().to_owned();
            Resource::of_place(&text("type"), &text("id"))
        })
    });
    let policy = Load::new(move || {
        live.policy.track();
        let query = resource.get().query();
        async move {
            let rows = api::list::<Policy>(&format!("/egress/policies?{query}")).await?;
            Ok(rows.rows.into_iter().next())
        }
    });
    let overview = Load::new(move || {
        live.policy.track();
        live.proxies.track();
        live.pending.track();
        let query = resource.get().query();
        async move {
            let rows = api::list::<Overview>(&format!("/egress/overview?since=7d&{query}")).await?;
            Ok(rows.rows.into_iter().next())
        }
    });
    let workload = Workload {
        resource,
        policy,
        overview,
    };
    provide_context(workload);
    let place = move |page: &str| format!("/resources/{}{page}", resource.get().place());
    view! {
        <Head workload=workload />
        <nav class="tabs" aria-label="Pages of this resource">
            <A href=move || place("") exact=true>"Network"</A>
            <A href=move || place("/rules")>"Rules"</A>
            <A href=move || place("/history")>"History"</A>
            <A href=move || format!("/audit?{}", resource.get().query())>"Audit"</A>
        </nav>
        <Outlet />
    }
}

/// What it is, and what is in force.
#[component]
fn Head(workload: Workload) -> impl IntoView {
    let Workload {
        resource,
        policy,
        overview,
    } = workload;
    let mode = move || {
        let own = policy
            .map(|policy| policy.as_ref().map(|policy| policy.mode.clone()))
            .flatten();
        own.unwrap_or_default()
    };
    let asking = RwSignal::new(false);
    let proxies = move || {
        overview.ready().flatten().map(|row| {
            let proxies = row.proxies;
            let text = match (proxies.live, proxies.behind) {
                (0, _) => "no proxy is connected".to_owned(),
                (live, 0) => format!("in force in {}", counted(live, "proxy", "proxies")),
                (live, behind) => format!("{behind} of {} not up to date", counted(live, "proxy", "proxies")),
            };
            let tone = if proxies.live == 0 {
                "plain"
            } else if row.differs {
                "bad"
            } else {
                "good"
            };
            view! { <Tag text=text tone=tone /> }
        })
    };
    view! {
        <section class="head">
            <div>
                <h1>
                    {move || view! { <Outside text=resource.get().label() /> }}
                </h1>
                <p class="head-facts">
                    {move || view! { <Mode mode=mode() /> }} {proxies}
                    {move || {
                        workload
                            .policy()
                            .map(|policy| {
                                view! {
                                    <span>"revision " {policy.revision}</span>
                                    {policy
                                        .relock_at
                                        .map(|at| view! { <span>"locks again " <Moment at=at /></span> })}
                                }
                            })
                    }}
                    {move || {
                        overview
                            .ready()
                            .flatten()
                            .and_then(|row| row.template)
                            .map(|template| {
                                view! {
                                    <span>
                                        "from template "
                                        <A href=format!("/resources/template/{template}/rules")>{template.clone()}</A>
                                    </span>
                                }
                            })
                    }}
                </p>
            </div>
            <Steps mode=Signal::derive(mode) asking=asking />
        </section>
        <Observe workload=workload open=asking />
    }
}

/// The loop, and where this resource is in it.
#[component]
fn Steps(#[prop(into)] mode: Signal<String>, asking: RwSignal<bool>) -> impl IntoView {
    let observes = move || mode.get() == "audit_only";
    let enforces = move || mode.get() == "enforce";
    let workload = Workload::get();
    let network = move || format!("/resources/{}", workload.resource.get().place());
    let pending = move || format!("/pending?{}", workload.resource.get().query());
    // What is looked at stays as it is under the sheet that opens.
    let location = use_location();
    let lockdown = move || {
        let network = network();
        let search = location.search.get();
        let kept = if location.pathname.get() == network {
            search.trim_start_matches('?')
        } else {
            ""
        };
        let kept = kept
            .split('&')
            .filter(|part| !part.is_empty() && !part.starts_with("lockdown"));
        format!("{network}?{}", kept.chain(["lockdown"]).collect::<Vec<_>>().join("&"))
    };
    view! {
        <ol class="steps" aria-label="Observe, review, lock down, operate">
            <li class:step-now=observes>
                <Button
                    label="Observe"
                    on_click=move || asking.set(true)
                    look=Look::Quiet
                    operates=true
                    disabled=Signal::derive(observes)
                    describe="Observe: block nothing, keep the list"
                />
            </li>
            <li class:step-now=observes>
                <A href=network>"Review"</A>
            </li>
            <li class:step-now=enforces>
                <A href=lockdown>"Lock down"</A>
            </li>
            <li class:step-now=enforces>
                <A href=pending>"Operate"</A>
            </li>
        </ol>
    }
}

/// Asks before nothing is blocked any more.
#[component]
fn Observe(workload: Workload, open: RwSignal<bool>) -> impl IntoView {
    let (messages, busy) = (Messages::get(), RwSignal::new(false));
    let span = RwSignal::new("2h".to_owned());
    let observe = move || {
        let Some(policy) = workload.policy() else { return };
        let span = span.get_untracked();
        let body = match span.as_str() {
            "" => json!({}),
            span => json!({"for": span}),
        };
        busy.set(true);
        spawn_local(async move {
            let path = format!("/egress/policies/{}/observe", policy.id);
            match api::post::<Policy>(&path, &body).await {
                Ok(policy) => {
                    messages.say("Observing: everything passes and is recorded; the list is kept");
                    workload.changed(policy);
                    open.set(false);
                }
                Err(error) => messages.fail(&error),
            }
            busy.set(false);
        });
    };
    let choices = || {
        [
            ("30m", "30 minutes"),
            ("2h", "2 hours"),
            ("24h", "a day"),
            ("7d", "a week"),
            ("", "until somebody locks down"),
        ]
        .map(|(word, shown)| (word.to_owned(), shown.to_owned()))
        .to_vec()
    };
    view! {
        <Dialog open=open title="Observe">
            <p>
                "Nothing is blocked any more, explicit denies included. All of it is recorded, the list stays, and it can be locked again at any time."
            </p>
            <Choice label="For" value=span options=choices() />
            <Show
                when=move || workload.policy().is_some()
                fallback=|| view! { <Empty what="There is no policy to change">"It is still loading."</Empty> }
            >
                <p class="actions">
                    <Button label="Observe" on_click=observe look=Look::Primary operates=true busy=busy />
                    <Button label="Cancel" on_click=move || open.set(false) />
                </p>
            </Show>
        </Dialog>
    }
}
