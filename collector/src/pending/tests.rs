use serde_json::json;
use sluice_policy::Effect;

use super::*;
use crate::error::Error;
use crate::policies;
use crate::resource::{Resource, TEMPLATE};
use crate::resources::{self, Registration};
use crate::testing::{Fresh, admin, allow, sandbox};

async fn rejected(fresh: &Fresh, resource: &Resource, host: &str) -> String {
    let id = crate::id::new("pnd");
    let insert = "INSERT INTO pending (id, resource_type, resource_id, host, overflow, ports, methods, attempts, first_seen, \
                  last_seen, example, rejected_by, state) VALUES ($1, $2, $3, $4, 0, '[443]', '[]', 3, 1, 2, '{}', 'default_deny', 'pending')";
    let mut tx = fresh.store.begin().await.unwrap();
    let insert = sqlx::query(insert)
        .bind(&id)
        .bind(&resource.kind)
        .bind(&resource.id)
        .bind(host);
    insert.execute(&mut *tx).await.unwrap();
    fresh.store.commit(tx, &[]).await.unwrap();
    id
}

async fn approved(fresh: &Fresh, id: &str, approval: Approval) -> Result<Approved, Error> {
    let mut tx = fresh.store.begin().await?;
    let (approved, changes) = approve(&fresh.store, &mut tx, &admin(), id, &approval).await?;
    fresh.store.commit(tx, &changes).await?;
    Ok(approved)
}

async fn states(fresh: &Fresh, ids: &[&String]) -> Vec<State> {
    let mut states = Vec::new();
    for id in ids {
        states.push(by_id(fresh.store.read(), id).await.unwrap().state);
    }
    states
}

#[tokio::test]
async fn approving_a_domain_takes_its_neighbours_from_the_queue() {
    let fresh = Fresh::new().await;
    let one = rejected(&fresh, &sandbox("a"), "one.example.com").await;
    let two = rejected(&fresh, &sandbox("a"), "two.example.com").await;
    let elsewhere = rejected(&fresh, &sandbox("b"), "two.example.com").await;
    let done = approved(
        &fresh,
        &one,
        Approval {
            pattern: Some("*.example.com".to_owned()),
            warn_only: true,
            ..Approval::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(
        (done.rule.document.host.as_str(), done.rule.document.warn_only),
        ("*.example.com", true)
    );
    assert_eq!(
        (done.pending.state, done.pending.changed_by.as_deref()),
        (State::Approved, Some("ann"))
    );
    assert_eq!(
        states(&fresh, &[&one, &two, &elsewhere]).await,
        [State::Approved, State::Approved, State::Pending]
    );
}

#[tokio::test]
async fn approvals_reach_the_tenant_or_what_has_the_same_template() {
    let fresh = Fresh::new().await;
    let registration = Registration {
        template: Some("py".to_owned()),
        ..Registration::default()
    };
    let mut tx = fresh.store.begin().await.unwrap();
    for id in ["a", "b"] {
        resources::register(&mut tx, &sandbox(id), &registration).await.unwrap();
    }
    fresh.store.commit(tx, &[]).await.unwrap();
    let of_a = rejected(&fresh, &sandbox("a"), "x.example.com").await;
    let of_b = rejected(&fresh, &sandbox("b"), "x.example.com").await;
    let of_c = rejected(&fresh, &sandbox("c"), "x.example.com").await;
    let stranger = approved(
        &fresh,
        &of_c,
        Approval {
            reach: Reach::Template,
            ..Approval::default()
        },
    )
    .await;
    assert!(matches!(stranger, Err(Error::Validation { .. })), "{stranger:?}");
    approved(
        &fresh,
        &of_a,
        Approval {
            reach: Reach::Template,
            ..Approval::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(
        states(&fresh, &[&of_a, &of_b, &of_c]).await,
        [State::Approved, State::Approved, State::Pending]
    );
    for resource in [sandbox("a"), sandbox("b"), Resource::new(TEMPLATE, "py")] {
        assert_eq!(fresh.hosts(&resource).await, ["x.example.com"], "{resource}");
    }
    approved(
        &fresh,
        &of_c,
        Approval {
            reach: Reach::Tenant,
            ..Approval::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(states(&fresh, &[&of_c]).await, [State::Approved]);
    assert_eq!(fresh.hosts(&Resource::tenant()).await, ["x.example.com"]);
}

#[tokio::test]
async fn an_approval_that_is_stale_or_useless_changes_nothing() {
    let fresh = Fresh::new().await;
    let id = rejected(&fresh, &sandbox("a"), "x.example.com").await;
    let before = fresh.rule(&sandbox("a"), allow("a.example.com")).await.policy.revision;
    let stale = approved(
        &fresh,
        &id,
        Approval {
            revision: Some(before - 1),
            ..Approval::default()
        },
    )
    .await;
    assert!(
        matches!(stale, Err(Error::StaleRevision { latest, .. }) if latest == before),
        "{stale:?}"
    );

    let deny = fresh
        .rule(&Resource::tenant(), json!({"host": "*.example.com", "effect": "deny"}))
        .await;
    let shadowed = approved(&fresh, &id, Approval::default()).await;
    let Err(Error::ShadowedByDeny { rule_id, scope, .. }) = shadowed else {
        panic!("{shadowed:?}")
    };
    assert_eq!((rule_id, scope), (deny.rule.document.id, "tenant"));
    let policy = policies::of(fresh.store.read(), &sandbox("a")).await.unwrap().unwrap();
    assert_eq!(
        (policy.revision, states(&fresh, &[&id]).await),
        (before, vec![State::Pending])
    );
    approved(
        &fresh,
        &id,
        Approval {
            force: true,
            ..Approval::default()
        },
    )
    .await
    .unwrap();
    assert_eq!(states(&fresh, &[&id]).await, [State::Approved]);
}

#[tokio::test]
async fn blocking_writes_a_deny_and_dismissing_nothing() {
    let fresh = Fresh::new().await;
    let id = rejected(&fresh, &sandbox("a"), "x.example.com").await;
    let mut tx = fresh.store.begin().await.unwrap();
    let (blocked, changes) = block(&fresh.store, &mut tx, &admin(), &id, None, "no").await.unwrap();
    fresh.store.commit(tx, &changes).await.unwrap();
    assert_eq!(
        (blocked.rule.document.effect, blocked.pending.state),
        (Effect::Deny, State::Blocked)
    );

    let other = rejected(&fresh, &sandbox("a"), "y.example.com").await;
    let mut tx = fresh.store.begin().await.unwrap();
    let (dismissed, changes) = dismiss(&mut tx, &admin(), &other).await.unwrap();
    fresh.store.commit(tx, &changes).await.unwrap();
    assert_eq!(dismissed.state, State::Dismissed);
    assert_eq!(fresh.hosts(&sandbox("a")).await, ["x.example.com"]);
    assert!(list(fresh.store.read(), Some(State::Pending)).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_rejected_for_where_it_led_may_lead_there_once_approved() {
    let fresh = Fresh::new().await;
    let of = sandbox("a");
    let (inside, other) = (
        rejected(&fresh, &of, "inside.example.com").await,
        rejected(&fresh, &of, "other.example.com").await,
    );
    let odd = rejected(&fresh, &of, "odd.example.com").await;
    let plain = rejected(&fresh, &of, "plain.example.com").await;
    let mut tx = fresh.store.begin().await.unwrap();
    let private = "UPDATE pending SET rejected_by = 'private_address' WHERE host <> 'plain.example.com'";
    sqlx::query(private).execute(&mut *tx).await.unwrap();
    let peer = "UPDATE pending SET example = '{\"peer\": \"10.2.3.9\"}' WHERE host = 'other.example.com'";
    sqlx::query(peer).execute(&mut *tx).await.unwrap();
    for (host, addresses) in [
        ("inside.example.com", r#"["10.2.3.4"]"#),
        ("odd.example.com", r#"["169.254.169.254"]"#),
        ("plain.example.com", r#"["10.2.3.4"]"#),
    ] {
        let insert =
            "INSERT INTO destinations VALUES ('sandbox', 'a', $1, 443, 0, 'example.com', 1, 2, 2, NULL, '[]', $2)";
        let insert = sqlx::query(insert).bind(host).bind(addresses);
        insert.execute(&mut *tx).await.unwrap();
    }
    fresh.store.commit(tx, &[]).await.unwrap();

    let wide = Approval {
        pattern: Some("*.example.com".to_owned()),
        ..Approval::default()
    };
    let done = approved(&fresh, &inside, wide).await.unwrap();
    assert_eq!(done.rule.document.resolves_to, ["10.2.3.4/32"]);
    // What leads elsewhere stays rejected, and so stays in the queue.
    assert_eq!(
        states(&fresh, &[&inside, &other, &odd, &plain]).await,
        [State::Approved, State::Pending, State::Pending, State::Approved]
    );
    let done = approved(&fresh, &other, Approval::default()).await.unwrap();
    assert_eq!(done.rule.document.resolves_to, ["10.2.3.9/32"]);
    // A second rule for the same host would never be the one that decides.
    let mut tx = fresh.store.begin().await.unwrap();
    let moved =
        r#"UPDATE pending SET state = 'pending', example = '{"peer": "10.2.3.8"}' WHERE host = 'other.example.com'"#;
    sqlx::query(moved).execute(&mut *tx).await.unwrap();
    fresh.store.commit(tx, &[]).await.unwrap();
    let again = approved(&fresh, &other, Approval::default()).await.unwrap();
    assert_eq!(again.rule.document.id, done.rule.document.id);
    assert_eq!(again.rule.document.resolves_to, ["10.2.3.9/32", "10.2.3.8/32"]);
    let trial = Approval {
        warn_only: true,
        ..Approval::default()
    };
    assert!(
        approved(&fresh, &other, trial).await.is_ok(),
        "it may lead there already"
    );
    // Nobody approves credentials by the way.
    let refused = approved(&fresh, &odd, Approval::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("169.254.169.254"), "{refused}");
}
