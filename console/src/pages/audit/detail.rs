//! An opened row: where to go from it, why it was decided so, and all its members.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::components::A;
use serde_json::{Map, Value};

use super::list::Window;
use super::view::View;
use super::why::Why;
use crate::api;
use crate::audit_filter::{Filter, Member};
use crate::audit_words::{Shown as Kind, facts, reason};
use crate::clock::Style;
use crate::load::Load;
use crate::model::{AuditRow, Resource};
use crate::parts::{Moment, Outside, Shown};

/// What is in it.
#[component]
pub(super) fn Detail(row: Arc<AuditRow>, window: Window) -> impl IntoView {
    // Asked for anew: the end of a connection that was open changes its row.
    let path = format!("/egress/audit/{}", row.id);
    let load = Load::new(move || {
        let path = path.clone();
        async move { api::get::<Map<String, Value>>(&path).await }
    });
    Effect::new(move |_| {
        load.map(|_| ());
        window.measure_soon();
    });
    view! {
        <Links row=row.clone() />
        <section aria-label="Why">
            <h2>"Why"</h2>
            <Why row=row window=window />
        </section>
        <section aria-label="All members">
            <h2>"All members"</h2>
            <Shown load=load let:members>
                <dl class="audit-facts">
                    {move || {
                        let fact = |fact: crate::audit_words::Fact| {
                            view! {
                                <div>
                                    <dt>
                                        <Outside text=fact.label />
                                        " "
                                        <code class="audit-soft">
                                            <Outside text=fact.name />
                                        </code>
                                    </dt>
                                    <dd>
                                        {match fact.value {
                                            Kind::Nothing => view! { <span class="audit-soft">"none"</span> }.into_any(),
                                            Kind::Text(text) => view! { <Outside text=text /> }.into_any(),
                                            Kind::Moment(at) => view! { <Moment at=at style=Style::Full /> }.into_any(),
                                        }}
                                    </dd>
                                </div>
                            }
                        };
                        members.with(|members| facts(members).into_iter().map(fact).collect_view())
                    }}
                </dl>
            </Shown>
        </section>
    }
}

/// Where to go from it.
#[component]
fn Links(row: Arc<AuditRow>) -> impl IntoView {
    let view: View = expect_context();
    let only = move |member: Member, value: String, label: &'static str| {
        let place = move || view.filter.with(|filter: &Filter| filter.with(member, &value).place());
        view! {
            <li>
                <A href=place>{label}</A>
            </li>
        }
    };
    let resource = row.resource.clone();
    let is_known = !resource.kind.is_empty();
    // The reason is a rule's id if it is none of the words.
    let rule = row
        .rule_id
        .clone()
        .or_else(|| row.rejected_by.clone().filter(|by| reason(by).is_none()));
    let rules = match row.rule_scope.as_deref() {
        Some("tenant") => Resource::new("tenant", ""),
        _ => resource.clone(),
    };
    let by = row.rejected_by.clone().filter(|by| reason(by).is_some());
    view! {
        <ul class="audit-links" aria-label="From here">
            {is_known
                .then(|| {
                    view! {
                        <li>
                            <A href=format!("/resources/{}", resource.place())>
                                "Resource " <Outside text=resource.label() />
                            </A>
                        </li>
                    }
                })}
            {rule
                .clone()
                .filter(|_| is_known || rules.is_tenant())
                .map(|rule| {
                    view! {
                        <li>
                            <A href=format!("/resources/{}/rules", rules.place())>"Rule " <Outside text=rule /></A>
                        </li>
                    }
                })}
            {row.host.clone().map(|host| only(Member::Host, host, "Only this host"))}
            {rule.map(|rule| only(Member::Rule, rule, "Only this rule"))}
            {by.map(|by| only(Member::RejectedBy, by, "Only this reason"))}
            {is_known.then(|| only(Member::Resource, row.resource.label(), "Only this resource"))}
        </ul>
    }
}
