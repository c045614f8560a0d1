use serde_json::json;
use sluice_policy::{EffectiveRead, Mode};

use super::*;
use crate::error::Error;
use crate::moment::{Moment, SECOND};
use crate::resource::{Resource, TEMPLATE};
use crate::resources::{self, Registration};
use crate::store::Tx;
use crate::testing::{Fresh, admin, allow, sandbox};

async fn changed(
    fresh: &Fresh,
    resource: &Resource,
    work: impl AsyncFnOnce(&mut Tx, &mut Draft) -> Result<(), Error>,
) -> Result<Policy, Error> {
    let policy = of(fresh.store.read(), resource).await?.expect("it has a policy");
    let mut tx = fresh.store.begin().await?;
    let mut draft = Draft::load(&fresh.store, &mut tx, &policy.id).await?;
    work(&mut tx, &mut draft).await?;
    fresh.store.commit(tx, &[]).await?;
    Ok(draft.policy)
}

#[tokio::test]
async fn a_rule_makes_a_policy_with_the_mode_in_force() {
    let fresh = Fresh::new().await;
    let one = fresh.rule(&sandbox("a"), allow("API.Example.com.")).await;
    assert_eq!(
        (one.policy.mode, one.rule.document.host.as_str()),
        (Mode::AuditOnly, "api.example.com")
    );

    fresh.rule(&Resource::tenant(), allow("t.example.com")).await;
    changed(&fresh, &Resource::tenant(), async |tx, draft| {
        lockdown(tx, &admin(), draft, "").await.map(drop)
    })
    .await
    .unwrap();
    let other = fresh.rule(&sandbox("b"), allow("b.example.com")).await;
    assert_eq!(other.policy.mode, Mode::Enforce);
}

#[tokio::test]
async fn the_same_rule_again_is_the_same_rule() {
    let fresh = Fresh::new().await;
    let first = fresh
        .rule(
            &sandbox("a"),
            json!({"host": "a.example.com", "ports": [443], "note": "one"}),
        )
        .await;
    let again = fresh
        .rule(
            &sandbox("a"),
            json!({"host": "A.example.com", "ports": [443], "methods": [], "note": "two"}),
        )
        .await;
    assert!(first.is_new && !again.is_new);
    assert_eq!((again.rule, again.policy.revision), (first.rule, first.policy.revision));
    assert!(
        fresh
            .rule(&sandbox("a"), json!({"host": "a.example.com", "ports": [80]}))
            .await
            .is_new
    );
}

#[tokio::test]
async fn removing_leaves_the_order_and_costs_one_row() {
    let fresh = Fresh::new().await;
    let mut ids = Vec::new();
    for host in ["a.example.com", "b.example.com", "c.example.com", "d.example.com"] {
        ids.push(fresh.rule(&sandbox("a"), allow(host)).await.rule.document.id);
    }
    for _ in 0..2 {
        let mut tx = fresh.store.begin().await.unwrap();
        remove_rule(&fresh.store, &mut tx, &admin(), &ids[1], "").await.unwrap();
        fresh.store.commit(tx, &[]).await.unwrap();
    }
    assert_eq!(
        fresh.hosts(&sandbox("a")).await,
        ["a.example.com", "c.example.com", "d.example.com"]
    );
    fresh.rule(&sandbox("a"), allow("e.example.com")).await;
    assert_eq!(fresh.hosts(&sandbox("a")).await.last().unwrap(), "e.example.com");
    let positions: Vec<i64> =
        sqlx::query_scalar("SELECT position FROM rules WHERE removed_at IS NULL ORDER BY position")
            .fetch_all(fresh.store.read())
            .await
            .unwrap();
    assert_eq!(positions, [0, 2, 3, 4], "rules that stay are not written again");
    let mut tx = fresh.store.begin().await.unwrap();
    let never = remove_rule(&fresh.store, &mut tx, &admin(), "rule_never", "").await;
    assert!(matches!(never, Err(Error::NotFound(_))), "{never:?}");
}

#[tokio::test]
async fn rolling_back_restores_the_list_and_keeps_the_mode() {
    let fresh = Fresh::new().await;
    let first = fresh.rule(&sandbox("a"), allow("a.example.com")).await;
    let second = fresh.rule(&sandbox("a"), allow("b.example.com")).await;
    let locked = changed(&fresh, &sandbox("a"), async |tx, draft| {
        lockdown(tx, &admin(), draft, "").await.map(drop)
    })
    .await
    .unwrap();
    let to = first.policy.revision;
    let back = changed(&fresh, &sandbox("a"), async |tx, draft| {
        rollback(tx, &admin(), draft, Some(to), false, "").await.map(drop)
    })
    .await
    .unwrap();
    assert_eq!((back.mode, back.revision), (Mode::Enforce, locked.revision + 1));
    assert_eq!(fresh.hosts(&sandbox("a")).await, ["a.example.com"]);
    assert_eq!(
        fresh.draft(&sandbox("a")).await.rules[0].document.id,
        first.rule.document.id,
        "the same rule is back"
    );

    let forth = changed(&fresh, &sandbox("a"), async |tx, draft| {
        rollback(tx, &admin(), draft, Some(second.policy.revision), true, "")
            .await
            .map(drop)
    })
    .await
    .unwrap();
    assert_eq!(forth.mode, Mode::AuditOnly);
    assert_eq!(fresh.hosts(&sandbox("a")).await, ["a.example.com", "b.example.com"]);
    let history = revisions(&fresh.store, &forth.id).await.unwrap();
    let operations: Vec<&str> = history.iter().map(|revision| revision.operation.as_str()).collect();
    assert_eq!(
        operations,
        ["rollback", "rollback", "lockdown", "allow", "allow", "create"]
    );
    assert!(history.is_sorted_by(|one, other| one.revision > other.revision) && history[0].author == "ann");
    let nowhere = changed(&fresh, &sandbox("a"), async |tx, draft| {
        rollback(tx, &admin(), draft, Some(99), false, "").await.map(drop)
    })
    .await;
    assert!(matches!(nowhere, Err(Error::NotFound(_))), "{nowhere:?}");
}

#[tokio::test]
async fn observing_for_a_time_locks_again_once() {
    let fresh = Fresh::new().await;
    fresh.rule(&sandbox("a"), allow("a.example.com")).await;
    let observed = changed(&fresh, &sandbox("a"), async |tx, draft| {
        observe(tx, &admin(), draft, Some(SECOND), "").await.map(drop)
    })
    .await
    .unwrap();
    assert_eq!(
        observed.relock_at, None,
        "what was not locked is not locked by observing it"
    );
    changed(&fresh, &sandbox("a"), async |tx, draft| {
        lockdown(tx, &admin(), draft, "").await.map(drop)
    })
    .await
    .unwrap();
    let observed = changed(&fresh, &sandbox("a"), async |tx, draft| {
        observe(tx, &admin(), draft, Some(60 * SECOND), "").await.map(drop)
    })
    .await
    .unwrap();
    let at = observed.relock_at.unwrap();
    assert_eq!(relock(&fresh.store, Moment(at.0 - 1)).await.unwrap(), 0);
    assert_eq!(relock(&fresh.store, at).await.unwrap(), 1);
    assert_eq!(relock(&fresh.store, at).await.unwrap(), 0);
    let locked = fresh.draft(&sandbox("a")).await.policy;
    assert_eq!((locked.mode, locked.relock_at), (Mode::Enforce, None));
}

#[tokio::test]
async fn what_a_filter_would_refuse_is_not_saved() {
    let fresh = Fresh::new().await;
    fresh.rule(&sandbox("a"), allow("a.example.com")).await;
    let before = fresh.draft(&sandbox("a")).await.policy.revision;
    for (rule, expected) in [
        (json!({"host": "*.com"}), "*.com"),
        (
            json!({"host": "a.example.com", "effect": "deny", "path_glob": "/x"}),
            "terminated_only",
        ),
    ] {
        let rule = rule_of_input(rule.as_object().unwrap()).unwrap();
        let refused = changed(&fresh, &sandbox("a"), async |tx, draft| {
            add_rule(tx, &admin(), draft, rule, "").await.map(drop)
        })
        .await;
        let Err(Error::Validation { message, .. }) = refused else {
            panic!("{refused:?}")
        };
        assert!(message.to_lowercase().contains(expected), "{message}");
    }
    for (rule, field) in [
        (json!({"host": "a b"}), "host"),
        (json!({"host": "a.example.com", "ports": [0]}), "ports"),
        (json!({"host": "a.example.com", "methods": ["CONNECT"]}), "methods"),
        (json!({"host": "a.example.com", "warn": true}), "warn"),
        (json!({"host": "a.example.com", "expires_at": "tomorrow"}), "expires_at"),
        (json!({}), "host"),
    ] {
        let refused = rule_of_input(rule.as_object().unwrap());
        let Err(Error::Validation { message, details }) = refused else {
            panic!("{rule}: {refused:?}")
        };
        assert!(
            message.contains(field) && details.to_string().contains(field),
            "{message} {details}"
        );
        assert!(!message.contains("rule_"), "no id of ours: {message}");
    }
    assert_eq!(fresh.draft(&sandbox("a")).await.policy.revision, before);
}

#[tokio::test]
async fn a_policy_goes_to_many_and_again_changes_nothing() {
    let fresh = Fresh::new().await;
    fresh.rule(&sandbox("a"), allow("a.example.com")).await;
    fresh.rule(&sandbox("b"), allow("old.example.com")).await;
    let policy = of(fresh.store.read(), &sandbox("a")).await.unwrap().unwrap();
    let source = Source {
        operation: "clone",
        mode: Some(Mode::Enforce),
        default_effect: None,
        rules: rules(fresh.store.read(), &policy.id).await.unwrap(),
        note: String::new(),
    };
    let targets = [sandbox("b"), sandbox("new")];
    for expected in ["changed", "unchanged"] {
        let mut tx = fresh.store.begin().await.unwrap();
        let (outcomes, _) = spread(&fresh.store, &mut tx, &admin(), &source, &targets)
            .await
            .unwrap();
        fresh.store.commit(tx, &[]).await.unwrap();
        assert!(
            outcomes.iter().all(|outcome| outcome.status == expected),
            "{outcomes:?}"
        );
    }
    for target in &targets {
        assert_eq!(fresh.hosts(target).await, ["a.example.com"]);
        assert_eq!(fresh.draft(target).await.policy.mode, Mode::Enforce);
    }
    let globbed = resolve(&fresh.store, &admin(), &[Target::Glob("sandbox/*".to_owned())])
        .await
        .unwrap();
    assert_eq!(globbed, [sandbox("a"), sandbox("b"), sandbox("new")]);
    // Named and found by a glob as well.
    let twice = [Target::Resource(sandbox("a")), Target::Glob("sandbox/a*".to_owned())];
    assert_eq!(resolve(&fresh.store, &admin(), &twice).await.unwrap(), [sandbox("a")]);
    assert!(
        resolve(&fresh.store, &admin(), &[Target::Glob("computer/*".to_owned())])
            .await
            .is_err()
    );
}

#[tokio::test]
async fn what_is_made_from_a_template_begins_with_its_policy() {
    let fresh = Fresh::new().await;
    let template = Resource::new(TEMPLATE, "py");
    fresh.rule(&template, allow("pypi.example.com")).await;
    changed(&fresh, &template, async |tx, draft| {
        lockdown(tx, &admin(), draft, "").await.map(drop)
    })
    .await
    .unwrap();
    let registration = Registration {
        template: Some("py".to_owned()),
        ..Registration::default()
    };
    for is_new in [true, false] {
        let mut tx = fresh.store.begin().await.unwrap();
        let (known, made, _) = resources::register(&mut tx, &sandbox("a"), &registration)
            .await
            .unwrap();
        fresh.store.commit(tx, &[]).await.unwrap();
        assert_eq!((known.template.as_deref(), made), (Some("py"), is_new));
    }
    assert_eq!(fresh.draft(&sandbox("a")).await.policy.mode, Mode::Enforce);
    assert_eq!(fresh.hosts(&sandbox("a")).await, ["pypi.example.com"]);
    // What changes in the template later is for those that come later.
    fresh.rule(&template, allow("files.example.com")).await;
    assert_eq!(fresh.hosts(&sandbox("a")).await, ["pypi.example.com"]);
}

#[tokio::test]
async fn the_effective_policy_has_the_higher_revision_and_loads() {
    let fresh = Fresh::new().await;
    assert_eq!(effective(fresh.store.read(), &sandbox("a")).await.unwrap(), None);
    let own = fresh.rule(&sandbox("a"), allow("a.example.com")).await;
    let first = effective(fresh.store.read(), &sandbox("a")).await.unwrap().unwrap();
    assert_eq!(first.revision, own.policy.revision);
    let tenant = fresh
        .rule(
            &Resource::tenant(),
            json!({"host": "169.254.169.254", "effect": "deny"}),
        )
        .await;
    let second = effective(fresh.store.read(), &sandbox("a")).await.unwrap().unwrap();
    assert_eq!(second.revision, tenant.policy.revision);
    assert!(second.revision > first.revision && second.digest != first.digest);
    let policy = EffectiveRead::from_json(&second.content).unwrap().policy().unwrap();
    assert_eq!((policy.rules().len(), policy.mode()), (2, Mode::AuditOnly));
}
