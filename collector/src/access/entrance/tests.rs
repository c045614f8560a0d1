use std::time::Duration;

use super::*;
use crate::access::{Role, Scope, create};
use crate::testing::Fresh;

const RIGHT: &str = "correct horse battery";
const WINDOW: Duration = Duration::from_secs(15 * 60);

struct Scene {
    fresh: Fresh,
    entrance: Entrance,
    ann: String,
}

impl Scene {
    /// Ann, who has a password.
    async fn new() -> Self {
        let fresh = Fresh::new().await;
        let entrance = Entrance::new(fresh.store.clone());
        let hash = entrance.hash(RIGHT).await.unwrap();
        let mut tx = fresh.store.begin().await.unwrap();
        let ann = users::create(&mut tx, "ann", &hash, Role::Operator, &Scope::Tenant, "test").await;
        let ann = ann.unwrap().id;
        fresh.store.commit(tx, &[]).await.unwrap();
        Self { fresh, entrance, ann }
    }

    async fn token(&self, role: Role) -> String {
        let mut tx = self.fresh.store.begin().await.unwrap();
        let made = create(&mut tx, "t", role, &Scope::Tenant, None, "test").await;
        self.fresh.store.commit(tx, &[]).await.unwrap();
        made.unwrap().1
    }

    async fn named(&self, name: &str, password: &str, at: Instant) -> Result<(Session, String), Error> {
        let proof = Proof::Password {
            name: name.to_owned(),
            password: password.to_owned(),
        };
        let browser = Browser {
            address: "192.0.2.1".to_owned(),
            agent: "a browser".to_owned(),
        };
        self.entrance.sign_in(proof, &browser, at).await
    }

    async fn with_token(&self, secret: &str, at: Instant) -> Result<(Session, String), Error> {
        let proof = Proof::Token(secret.to_owned());
        self.entrance.sign_in(proof, &Browser::default(), at).await
    }

    async fn change(&self, change: impl FnOnce(&mut Known)) {
        let mut tx = self.fresh.store.begin().await.unwrap();
        let mut known = users::lock(&self.fresh.store, &mut tx, &self.ann)
            .await
            .unwrap()
            .unwrap();
        change(&mut known);
        users::change(&mut tx, &mut known).await.unwrap();
        self.fresh.store.commit(tx, &[]).await.unwrap();
    }
}

fn said(refused: Result<(Session, String), Error>) -> String {
    match refused {
        Err(Error::Unauthenticated(text)) => text.to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn people_and_tokens_get_in_and_the_log_says_so() {
    let (scene, now) = (Scene::new().await, Instant::now());
    let (session, secret) = scene.named("Ann", RIGHT, now).await.unwrap();
    assert_eq!((&session.caller.id, session.is_tokens), (&scene.ann, false));
    let resumed = sessions::resume(&scene.fresh.store, &secret, Moment::now())
        .await
        .unwrap();
    assert_eq!(
        (resumed.address.as_str(), resumed.agent.as_str()),
        ("192.0.2.1", "a browser")
    );
    for role in Role::ALL {
        let token = scene.token(role).await;
        let entered = scene.with_token(&token, now).await;
        match role {
            Role::Filter | Role::Relay => assert!(matches!(entered, Err(Error::Forbidden(_))), "{entered:?}"),
            _ => assert_eq!(entered.unwrap().0.caller.role, role),
        }
    }
    let log = operators::list(&scene.fresh.store, None, 100).await.unwrap();
    let entry = log.last().unwrap();
    assert_eq!(
        (&entry.actor, entry.operation.as_str(), &entry.subject),
        (&scene.ann, "sign_in", &session.id)
    );
    assert_eq!(log.len(), 4);
    assert!(!format!("{log:?}").contains(&secret));
}

#[tokio::test]
async fn whatever_is_wrong_sounds_alike() {
    let (scene, now) = (Scene::new().await, Instant::now());
    let wrong = said(scene.named("ann", "correct horse batterY", now).await);
    for (name, password) in [("bob", RIGHT), ("", RIGHT), ("a\0b", RIGHT), ("ann", "")] {
        assert_eq!(said(scene.named(name, password, now).await), wrong, "{name:?}");
    }
    scene.change(|ann| ann.user.disabled_at = Some(Moment::now())).await;
    assert_eq!(said(scene.named("ann", RIGHT, now).await), wrong);
    said(scene.with_token("sluice_unknown", now).await);
}

#[tokio::test]
async fn whoever_fails_too_often_waits_and_then_gets_in() {
    let (scene, begin) = (Scene::new().await, Instant::now());
    for number in 0..10 {
        said(
            scene
                .named("ann", "not the password", begin + Duration::from_secs(number))
                .await,
        );
    }
    let refused = scene.named("ANN", RIGHT, begin + Duration::from_secs(60)).await;
    let Err(Error::RateLimited { retry_after_ms }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(retry_after_ms, 14 * 60 * 1_000 + 1);
    // By another way in right away, and by this one when the first failure is old.
    let token = scene.token(Role::Viewer).await;
    assert!(scene.with_token(&token, begin).await.is_ok());
    assert!(scene.named("ann", RIGHT, begin + WINDOW).await.is_ok());
    // That was the right person, so the other failures are none of theirs.
    for _ in 0..9 {
        said(scene.named("ann", "not the password", begin + WINDOW).await);
    }
    assert!(scene.named("ann", RIGHT, begin + WINDOW).await.is_ok());
}

#[tokio::test]
async fn what_begins_alike_is_one_token() {
    let (scene, now) = (Scene::new().await, Instant::now());
    let token = scene.token(Role::Viewer).await;
    for number in 0..10 {
        said(scene.with_token(&format!("sluice_guess{number}"), now).await);
    }
    let refused = scene.with_token("sluice_guess_on", now).await;
    assert!(matches!(refused, Err(Error::RateLimited { .. })), "{refused:?}");
    assert!(scene.with_token(&token, now).await.is_ok());
}

#[tokio::test]
async fn a_change_of_the_person_ends_their_sessions() {
    let now = Instant::now();
    let changes: [fn(&mut Known); 4] = [
        |ann| ann.user.role = Role::Viewer,
        |ann| ann.user.disabled_at = Some(Moment::now()),
        |ann| "sandbox/*".clone_into(&mut ann.user.scope),
        |ann| ann.hash.push('x'),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let scene = Scene::new().await;
        let (_, secret) = scene.named("ann", RIGHT, now).await.unwrap();
        assert!(
            sessions::resume(&scene.fresh.store, &secret, Moment::now())
                .await
                .is_ok()
        );
        scene.change(change).await;
        let ended = sessions::resume(&scene.fresh.store, &secret, Moment::now()).await;
        assert!(matches!(ended, Err(Error::Unauthenticated(_))), "{number}: {ended:?}");
    }
    let scene = Scene::new().await;
    let (_, secret) = scene.named("ann", RIGHT, now).await.unwrap();
    let mut tx = scene.fresh.store.begin().await.unwrap();
    users::remove(&mut tx, &scene.ann).await.unwrap();
    scene.fresh.store.commit(tx, &[]).await.unwrap();
    assert!(
        sessions::resume(&scene.fresh.store, &secret, Moment::now())
            .await
            .is_err()
    );
    said(scene.named("ann", RIGHT, now).await);
}

#[tokio::test]
async fn a_password_is_confirmed_as_often_as_it_is_tried() {
    let (scene, now) = (Scene::new().await, Instant::now());
    let ann = users::find(&scene.fresh.store, &scene.ann).await.unwrap().unwrap();
    let confirm = |password: &'static str| scene.entrance.confirm(&ann, password.to_owned(), "192.0.2.1", now);
    confirm(RIGHT).await.unwrap();
    for _ in 0..10 {
        let wrong = confirm("not the password").await;
        assert!(matches!(wrong, Err(Error::Forbidden(_))), "{wrong:?}");
    }
    let limited = confirm(RIGHT).await;
    assert!(matches!(limited, Err(Error::RateLimited { .. })), "{limited:?}");
}
