//! Sessions: how they begin, what they may, and how they end.

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use serde_json::{Value, json};
use sluice_tests::events::batch;
use sluice_tests::sluice::Sluice;
use tonic::Code;

use crate::scene::{PASSWORD, Scene, named};

#[test]
fn both_ways_in_and_the_way_out() {
    for scene in Scene::both() {
        let ann = scene.person("ann", "operator", "tenant");
        for (proof, holder, name, role) in [
            (named("Ann", PASSWORD), ("user_id", ann.as_str()), "ann", "operator"),
            (json!({"token": scene.token}), ("token_id", ""), "first admin", "admin"),
        ] {
            let answer = scene.sign_in(&proof);
            let cookie = answer.set_cookie.as_deref().unwrap();
            let parts: Vec<&str> = cookie.split("; ").collect();
            assert!(parts[0].starts_with("sluice_session="), "{cookie}");
            for flag in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
                assert!(parts.contains(&flag), "{flag}: {cookie}");
            }
            assert!(
                !parts.contains(&"Secure"),
                "without TLS no browser would send it: {cookie}"
            );
            let data = &answer.body["data"];
            assert_eq!((&data["name"], &data["role"]), (&json!(name), &json!(role)));

            let session = scene.session(&proof);
            let own = session.get("/sessions/self");
            assert_eq!(own.body["data"]["csrf_token"], json!(session.csrf));
            assert_eq!(own.body["data"]["id"], json!(session.id));
            let rows = session.get("/sessions").body["data"].clone();
            let current: Vec<&Value> = rows
                .as_array()
                .unwrap()
                .iter()
                .filter(|row| row["current"] == true)
                .collect();
            assert_eq!(current.len(), 1, "{rows}");
            assert_eq!(
                (&current[0]["id"], &current[0]["address"]),
                (&json!(session.id), &json!("127.0.0.1"))
            );
            let (member, id) = holder;
            assert!(current[0][member].as_str().unwrap().contains(id), "{rows}");

            let made = session.does("POST", "/egress/policies", Some(&json!({"name": "by a browser"})));
            assert_eq!(made.status, 201, "{made:?}");
            let out = session.does("DELETE", "/sessions/self", None);
            assert_eq!(out.status, 204, "{out:?}");
            assert!(out.set_cookie.unwrap().contains("Max-Age=0"));
            assert!(session.has_ended());
        }
        let log = scene.api.get("/operator-log").ok().to_string();
        for operation in ["create_user", "sign_in", "sign_out"] {
            assert!(log.contains(operation), "{operation}");
        }
    }
}

#[test]
fn who_has_a_token_has_no_session() {
    let scene = Scene::on(Sluice::sqlite());
    let own = scene.api.get("/sessions/self").ok();
    assert_eq!(
        (&own["data"]["csrf_token"], &own["data"]["role"]),
        (&Value::Null, &json!("admin"))
    );
    assert_eq!(scene.api.delete("/sessions/self").status, 204);
    assert_eq!(scene.api.get("/sessions/self").status, 200);
    let session = scene.session(&json!({"token": scene.token}));
    let secret = session.cookie.split_once('=').unwrap().1;
    let as_token = scene.api.with_token(secret).get("/egress/policies");
    assert_eq!(as_token.status, 401, "a session's secret is no token");
}

#[test]
fn whatever_is_wrong_sounds_alike_until_it_is_too_much() {
    for scene in Scene::both() {
        let ann = scene.person("ann", "operator", "tenant");
        let wrong = scene.sign_in(&named("ann", "not the password"));
        assert_eq!(wrong.code(), (401, "UNAUTHENTICATED"));
        assert_eq!(wrong.set_cookie, None);
        assert_eq!(scene.sign_in(&named("zoe", PASSWORD)).body, wrong.body);
        let disabled = scene.api.patch(&format!("/users/{ann}"), &json!({"disabled": true}));
        assert!(disabled.ok()["data"]["disabled_at"].is_string());
        assert_eq!(scene.sign_in(&named("ann", PASSWORD)).body, wrong.body);
        assert_eq!(scene.sign_in(&json!({"token": "sluice_unknown"})).status, 401);
        for _ in 0..8 {
            assert_eq!(scene.sign_in(&named("ann", "not the password")).status, 401);
        }
        let limited = scene.sign_in(&named("ann", PASSWORD));
        assert_eq!(limited.code(), (429, "RATE_LIMITED"));
        let wait = limited.body["error"]["retry_after_ms"].as_u64().unwrap();
        assert!((1..=900_001).contains(&wait), "{wait}");
        assert!(
            scene.sign_in(&json!({"token": scene.token})).status == 201,
            "others get in"
        );
    }
}

#[test]
fn what_has_nothing_to_look_at_does_not_get_in() {
    let scene = Scene::on(Sluice::sqlite());
    for (role, status) in [("filter", 403), ("relay", 403), ("viewer", 201)] {
        let token = scene
            .api
            .post("/tokens", &json!({"name": role, "role": role}))
            .data("token");
        let answer = scene.sign_in(&json!({"token": token}));
        assert_eq!(answer.status, status, "{role}: {answer:?}");
        assert_eq!(answer.set_cookie.is_some(), status == 201);
    }
    for nonsense in [
        json!({}),
        json!({"name": "ann"}),
        json!({"token": "a", "name": "ann", "password": "b"}),
        json!({"token": 1}),
        json!({"secret": "a"}),
    ] {
        assert_eq!(
            scene.sign_in(&nonsense).code(),
            (422, "VALIDATION_FAILED"),
            "{nonsense}"
        );
    }
}

/// Pages of others can make a browser send its cookie, and sign it in as somebody else.
#[test]
fn pages_of_others_do_nothing() {
    let scene = Scene::on(Sluice::sqlite());
    let body = json!({"token": scene.token});
    let json_type = ("content-type", "application/json");
    for (headers, status) in [
        (&[json_type][..], 201),
        (&[("content-type", "application/json; charset=utf-8")], 201),
        (&[], 422),
        (&[("content-type", "text/plain")], 422),
        (&[("content-type", "application/x-www-form-urlencoded")], 422),
        (&[json_type, ("origin", "http://other.example.com")], 403),
        (&[json_type, ("origin", "null")], 403),
        (&[json_type, ("sec-fetch-site", "cross-site")], 403),
        (&[json_type, ("sec-fetch-site", "same-site")], 403),
    ] {
        let answer = scene.call("POST", "/sessions", headers, Some(&body));
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
        assert_eq!(answer.set_cookie.is_some(), status == 201);
    }
    let session = scene.session(&body);
    let csrf = ("x-csrf-token", session.csrf.as_str());
    let policy = json!({"name": "new"});
    for (headers, said) in [
        (&[][..], "x-csrf-token is missing"),
        (&[("x-csrf-token", "wrong")], "x-csrf-token is not"),
        (&[csrf, ("origin", "http://other.example.com")], "origin"),
        (&[csrf, ("sec-fetch-site", "same-site")], "sec-fetch-site"),
    ] {
        let answer = session.send("POST", "/egress/policies", headers, Some(&policy));
        assert_eq!(answer.code(), (403, "FORBIDDEN"), "{headers:?}");
        assert!(answer.message().contains(said), "{answer:?}");
    }
    let none = scene.api.get("/egress/policies").ok();
    assert_eq!(none["data"], json!([]), "nothing was made");
    for path in [
        "/egress/audit/export?format=csv",
        "/egress/audit/stream",
        "/egress/policies",
    ] {
        let headers = [("cookie", session.cookie.as_str()), ("sec-fetch-site", "cross-site")];
        let answer = scene.call("GET", path, &headers, None);
        assert_eq!(answer.code(), (403, "FORBIDDEN"), "{path}");
    }
    assert!(!session.has_ended());
}

#[test]
fn a_session_may_what_its_holder_may() {
    for scene in Scene::both() {
        scene.person("vera", "viewer", "sandbox/sb_*");
        let vera = scene.of_person("vera");
        assert_eq!(
            vera.get("/egress/audit?resource_type=sandbox&resource_id=sb_1").status,
            200
        );
        assert_eq!(
            vera.get("/egress/audit?resource_type=sandbox&resource_id=x_1").status,
            403
        );
        let rule = json!({"host": "a.example.com", "resource_type": "sandbox", "resource_id": "sb_1"});
        for (method, path, body) in [
            ("POST", "/egress/allowlist", Some(&rule)),
            ("POST", "/users", Some(&named("x", PASSWORD))),
            ("GET", "/users", None),
            ("GET", "/tokens", None),
            ("DELETE", "/tokens/tok_1", None),
        ] {
            let answer = vera.does(method, path, body);
            assert_eq!(answer.code(), (403, "FORBIDDEN"), "{method} {path}");
        }
        // Its own sessions, and nobody else's.
        let (other, admin) = (scene.of_person("vera"), scene.session(&json!({"token": scene.token})));
        assert_eq!(vera.get("/sessions").body["data"].as_array().unwrap().len(), 2);
        assert_eq!(
            vera.does("DELETE", &format!("/sessions/{}", admin.id), None).status,
            403
        );
        assert_eq!(
            vera.does("DELETE", &format!("/sessions/{}", other.id), None).status,
            204
        );
        assert!(other.has_ended() && !admin.has_ended());
        // An admin's are all in its scope.
        scene.person("nell", "admin", "sandbox/sb_1");
        let nell = scene.of_person("nell");
        assert_eq!(nell.get("/sessions").body["data"].as_array().unwrap().len(), 1);
        assert_eq!(nell.does("DELETE", &format!("/sessions/{}", vera.id), None).status, 403);
        assert_eq!(admin.get("/sessions").body["data"].as_array().unwrap().len(), 3);
        for (id, status) in [(&vera.id, 204), (&vera.id, 204), (&"ses_none".to_owned(), 404)] {
            assert_eq!(
                admin.does("DELETE", &format!("/sessions/{id}"), None).status,
                status,
                "{id}"
            );
        }
        assert!(vera.has_ended());
    }
}

#[test]
fn a_session_ends_with_what_it_was_begun_with() {
    for scene in Scene::both() {
        let made = scene.api.post("/tokens", &json!({"name": "t", "role": "viewer"})).ok();
        let text = |member: &str| made["data"][member].as_str().unwrap().to_owned();
        let with_token = scene.session(&json!({"token": text("token")}));
        assert!(!with_token.has_ended());
        assert_eq!(scene.api.delete(&format!("/tokens/{}", text("id"))).status, 204);
        assert!(with_token.has_ended());

        let ann = format!("/users/{}", scene.person("ann", "operator", "tenant"));
        for change in [
            json!({"role": "viewer"}),
            json!({"scope": "sandbox/*"}),
            json!({"disabled": true}),
            json!({"password": PASSWORD}),
        ] {
            let session = scene.of_person("ann");
            assert!(!session.has_ended());
            let _ = scene.api.patch(&ann, &change).ok();
            assert!(session.has_ended(), "{change}");
            let _ = scene.api.patch(&ann, &json!({"disabled": false})).ok();
        }
        let session = scene.of_person("ann");
        // What is so already ends nothing.
        let _ = scene
            .api
            .patch(&ann, &json!({"role": "viewer", "disabled": false}))
            .ok();
        assert!(!session.has_ended());
        assert_eq!(scene.api.delete(&ann).status, 204);
        assert!(session.has_ended());
        assert_eq!(scene.sign_in(&named("ann", PASSWORD)).status, 401);
    }
}

/// Filters are no browsers: what a page makes a browser send must reach no filter's service.
#[test]
fn filters_services_take_no_cookie() {
    let scene = Scene::on(Sluice::sqlite());
    let session = scene.session(&json!({"token": scene.token}));
    let export = |header: &'static str, value: String| {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let mut client = LogsServiceClient::connect(format!("http://{}", scene.grpc))
                .await
                .unwrap();
            let mut request = tonic::Request::new(batch("sandbox/sb_1", "vm/1", &[]));
            request.metadata_mut().insert(header, value.parse().unwrap());
            client.export(request).await.unwrap_err().code()
        })
    };
    assert_eq!(export("cookie", session.cookie.clone()), Code::Unauthenticated);
    // Who is known and no filter hears something else.
    let bearer = format!("Bearer {}", scene.token);
    assert_eq!(export("authorization", bearer), Code::PermissionDenied);
}
