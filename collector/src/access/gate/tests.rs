use http::Request;

use super::*;
use crate::access::sessions::{Browser, begin, end};
use crate::access::{Role, Scope, create, revoke};
use crate::testing::Fresh;

#[tokio::test]
async fn a_token_is_looked_up_again_when_the_answer_is_old() {
    let fresh = Fresh::new().await;
    let mut tx = fresh.store.begin().await.unwrap();
    let made = create(&mut tx, "vm", Role::Filter, &Scope::Tenant, None, "test").await;
    let (token, secret) = made.unwrap();
    fresh.store.commit(tx, &[]).await.unwrap();
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("bearer {secret}").parse().unwrap());
    let gate = Gate::new(fresh.store.clone());
    assert_eq!(gate.caller(&headers).await.unwrap().id, token.id);
    let mut tx = fresh.store.begin().await.unwrap();
    revoke(&mut tx, &token.id).await.unwrap();
    fresh.store.commit(tx, &[]).await.unwrap();
    let long_ago = Instant::now().checked_sub(GOOD_FOR).unwrap();
    gate.known
        .lock()
        .unwrap()
        .tokens
        .values_mut()
        .for_each(|(_, asked)| *asked = long_ago);
    let refused = gate.caller(&headers).await.unwrap_err();
    assert!(matches!(refused, Error::Unauthenticated(_)), "{refused}");
}

#[tokio::test]
async fn nobody_is_let_in_without_a_token() {
    let fresh = Fresh::new().await;
    let gate = Gate::new(fresh.store.clone());
    for value in [None, Some("Bearer"), Some("Bearer wrong"), Some("Basic eDp5"), Some("")] {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(AUTHORIZATION, value.parse().unwrap());
        }
        let refused = gate.caller(&headers).await.unwrap_err();
        assert!(matches!(refused, Error::Unauthenticated(_)), "{value:?}: {refused}");
    }
}

/// A session, and its secret.
async fn signed_in(fresh: &Fresh) -> (Session, String) {
    let mut tx = fresh.store.begin().await.unwrap();
    let made = create(&mut tx, "ann", Role::Operator, &Scope::Tenant, None, "test").await;
    let (token, _) = made.unwrap();
    let caller = Caller {
        id: token.id,
        name: token.name,
        role: token.role,
        scope: Scope::Tenant,
    };
    let begun = begin(&mut tx, caller, Some(None), &Browser::default(), Moment::now()).await;
    fresh.store.commit(tx, &[]).await.unwrap();
    begun.unwrap()
}

fn call(method: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri("/api/v1/egress/policies");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn a_session_changes_nothing_without_what_belongs_to_it() {
    let fresh = Fresh::new().await;
    let (session, secret) = signed_in(&fresh).await;
    let gate = Gate::new(fresh.store.clone());
    let cookie = ("cookie", format!("a=b; sluice_session={secret}"));
    let cookie = (cookie.0, cookie.1.as_str());
    let right = ("x-csrf-token", session.csrf.as_str());
    let longer = format!("{}0", session.csrf);
    let host = ("host", "sluice.example.com");
    for (method, more, missing) in [
        ("GET", &[][..], None),
        ("HEAD", &[], None),
        ("OPTIONS", &[], None),
        ("GET", &[("sec-fetch-site", "same-origin")], None),
        ("GET", &[("sec-fetch-site", "cross-site")], Some("sec-fetch-site")),
        ("POST", &[], Some("x-csrf-token is missing")),
        ("PUT", &[], Some("x-csrf-token is missing")),
        ("PATCH", &[], Some("x-csrf-token is missing")),
        ("DELETE", &[], Some("x-csrf-token is missing")),
        ("POST", &[right], None),
        ("DELETE", &[right, host, ("origin", "http://sluice.example.com")], None),
        ("POST", &[("x-csrf-token", "")], Some("is not this session's")),
        ("POST", &[("x-csrf-token", "wrong")], Some("is not this session's")),
        ("POST", &[("x-csrf-token", &longer)], Some("is not this session's")),
        (
            "POST",
            &[right, host, ("origin", "http://other.example.com")],
            Some("origin"),
        ),
        ("POST", &[right, ("origin", "null")], Some("origin")),
        (
            "POST",
            &[right, ("sec-fetch-site", "same-site")],
            Some("sec-fetch-site"),
        ),
    ] {
        let answer = gate.visitor(&call(method, &[&[cookie][..], more].concat())).await;
        match (missing, answer) {
            (None, Ok(visitor)) => assert_eq!(visitor.session.unwrap().id, session.id),
            (Some(missing), Err(Error::Forbidden(said))) => assert!(said.contains(missing), "{said}"),
            (_, other) => panic!("{method} {more:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_session_is_no_token_and_a_token_is_no_session() {
    let fresh = Fresh::new().await;
    let (session, secret) = signed_in(&fresh).await;
    let gate = Gate::new(fresh.store.clone());
    let mut tx = fresh.store.begin().await.unwrap();
    let made = create(&mut tx, "bob", Role::Viewer, &Scope::Tenant, None, "test").await;
    let (token, bearer) = made.unwrap();
    fresh.store.commit(tx, &[]).await.unwrap();
    let cookie = format!("sluice_session={secret}");
    let bearer_line = format!("Bearer {bearer}");
    // Twice, so that what is remembered is asked too.
    for _ in 0..2 {
        let shown = call("GET", &[("cookie", &cookie)]);
        assert_eq!(gate.visitor(&shown).await.unwrap().session.unwrap().id, session.id);
        let shown = call("POST", &[("authorization", &bearer_line), ("cookie", &cookie)]);
        let visitor = gate.visitor(&shown).await.unwrap();
        assert_eq!((visitor.caller.id, visitor.session.is_none()), (token.id.clone(), true));
        for (name, value) in [
            ("authorization", format!("Bearer {secret}")),
            ("cookie", format!("sluice_session={bearer}")),
            ("cookie", format!("__Host-sluice_session={secret}")),
        ] {
            let refused = gate.visitor(&call("GET", &[(name, &value)])).await.unwrap_err();
            assert!(matches!(refused, Error::Unauthenticated(_)), "{name}: {refused}");
        }
        // As gRPC asks.
        let shown = call("POST", &[("cookie", &cookie), ("x-csrf-token", &session.csrf)]);
        let refused = gate.caller(&shown.headers).await.unwrap_err();
        assert!(matches!(refused, Error::Unauthenticated(_)), "{refused}");
        // A wrong token is not made good by the cookie beside it.
        let shown = call("GET", &[("authorization", "Bearer wrong"), ("cookie", &cookie)]);
        assert!(gate.visitor(&shown).await.is_err());
    }
    let secure = Gate::new(fresh.store.clone()).with_cookie(SessionCookie::Secure);
    assert!(secure.visitor(&call("GET", &[("cookie", &cookie)])).await.is_err());
    let cookie = format!("__Host-{cookie}");
    assert!(secure.visitor(&call("GET", &[("cookie", &cookie)])).await.is_ok());
}

#[tokio::test]
async fn what_was_ended_is_forgotten_at_once() {
    let fresh = Fresh::new().await;
    let (session, secret) = signed_in(&fresh).await;
    let gate = Gate::new(fresh.store.clone());
    let cookie = format!("sluice_session={secret}");
    let shown = call("GET", &[("cookie", &cookie)]);
    assert!(gate.visitor(&shown).await.is_ok());
    let mut tx = fresh.store.begin().await.unwrap();
    end(&mut tx, &session.id, Moment::now()).await.unwrap();
    fresh.store.commit(tx, &[]).await.unwrap();
    gate.forget();
    let refused = gate.visitor(&shown).await.unwrap_err();
    assert!(matches!(refused, Error::Unauthenticated(_)), "{refused}");
}
