use super::*;
use crate::access::{create, revoke};
use crate::moment::DAY;
use crate::testing::Fresh;

const HOUR: i64 = 3_600 * SECOND;

struct Begun {
    fresh: Fresh,
    session: Session,
    secret: String,
    at: Moment,
}

impl Begun {
    /// With a token that ends so long after now.
    async fn with_token(ends: Option<i64>) -> Self {
        let fresh = Fresh::new().await;
        let at = Moment::now();
        let ends = ends.map(|span| Moment(at.0 + span));
        let mut tx = fresh.store.begin().await.unwrap();
        let made = create(&mut tx, "ann", Role::Operator, &Scope::Tenant, ends, "test").await;
        let (token, _) = made.unwrap();
        let caller = Caller {
            id: token.id,
            name: token.name,
            role: token.role,
            scope: Scope::Tenant,
        };
        let (session, secret) = begin(&mut tx, caller, Some(ends), &Browser::default(), at)
            .await
            .unwrap();
        fresh.store.commit(tx, &[]).await.unwrap();
        Self {
            fresh,
            session,
            secret,
            at,
        }
    }

    async fn resume(&self, after: i64) -> Result<Session, Error> {
        resume(&self.fresh.store, &self.secret, Moment(self.at.0 + after)).await
    }
}

#[tokio::test]
async fn what_is_not_used_ends() {
    let begun = Begun::with_token(None).await;
    let resumed = begun.resume(2 * HOUR - 1).await.unwrap();
    assert_eq!(
        (&resumed.id, &resumed.caller.id, resumed.caller.role, &resumed.csrf),
        (
            &begun.session.id,
            &begun.session.caller.id,
            Role::Operator,
            &begun.session.csrf
        )
    );
    // From that use on again, and not a moment longer.
    assert!(begun.resume(4 * HOUR - 2).await.is_ok());
    let ended = begun.resume(6 * HOUR - 2).await;
    assert!(matches!(ended, Err(Error::Unauthenticated(_))), "{ended:?}");
}

#[tokio::test]
async fn nothing_lasts_longer_than_half_a_day() {
    let begun = Begun::with_token(None).await;
    for hour in 1..12 {
        assert!(begun.resume(hour * HOUR).await.is_ok(), "{hour}");
    }
    assert!(begun.resume(12 * HOUR - 1).await.is_ok());
    assert!(begun.resume(12 * HOUR).await.is_err());
}

#[tokio::test]
async fn it_lasts_no_longer_than_the_token() {
    for (ends, expected) in [(None, 12 * HOUR), (Some(DAY), 12 * HOUR), (Some(HOUR), HOUR)] {
        let begun = Begun::with_token(ends).await;
        assert_eq!(begun.session.expires_at.0 - begun.at.0, expected, "{ends:?}");
    }
    let begun = Begun::with_token(None).await;
    let mut tx = begun.fresh.store.begin().await.unwrap();
    revoke(&mut tx, &begun.session.caller.id).await.unwrap();
    begun.fresh.store.commit(tx, &[]).await.unwrap();
    assert!(begun.resume(SECOND).await.is_err());
    assert!(list(&begun.fresh.store, begun.at).await.unwrap().is_empty());
    assert!(exists(&begun.fresh.store, &begun.session.id).await.unwrap());
}

#[tokio::test]
async fn the_database_has_no_secret() {
    let begun = Begun::with_token(None).await;
    let kept: String = sqlx::query_scalar("SELECT hash FROM sessions")
        .fetch_one(begun.fresh.store.read())
        .await
        .unwrap();
    assert_eq!(kept, hash(&begun.secret));
    assert!(resume(&begun.fresh.store, &kept, begun.at).await.is_err());
    assert!(resume(&begun.fresh.store, "", begun.at).await.is_err());
}
