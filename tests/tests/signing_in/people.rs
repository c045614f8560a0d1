//! People: who adds, changes and removes them.

use serde_json::{Value, json};
use sluice_tests::sluice::Sluice;

use crate::scene::{PASSWORD, Scene, named};

#[test]
fn people_are_added_changed_and_removed() {
    for scene in Scene::both() {
        let body = json!({"name": "Ann@example.com", "password": PASSWORD, "role": "viewer"});
        let made = scene.api.post("/users", &body);
        assert_eq!(made.status, 201);
        let row = made.ok()["data"].clone();
        assert_eq!(
            (&row["name"], &row["scope"], &row["disabled_at"]),
            (&json!("ann@example.com"), &json!("tenant"), &Value::Null)
        );
        assert_eq!(scene.api.get("/users").ok()["data"], json!([row]));
        assert!(!row.to_string().contains("argon2") && !row.to_string().contains(PASSWORD));
        for (member, value) in [
            ("name", json!("ANN@example.com")),
            ("name", json!("an n")),
            ("name", json!("")),
            ("password", json!("short")),
            ("password", json!("x".repeat(1025))),
            ("role", json!("filter")),
            ("scope", json!("all")),
        ] {
            let mut wrong = json!({"name": "bob", "password": PASSWORD, "role": "viewer"});
            wrong[member] = value;
            let answer = scene.api.post("/users", &wrong);
            assert_eq!((answer.status, answer.code()), (422, "VALIDATION_FAILED"), "{wrong}");
            assert_eq!(answer.body["error"]["details"][0]["field"], json!(member), "{wrong}");
        }
        let path = format!("/users/{}", row["id"].as_str().unwrap());
        let changed = scene
            .api
            .patch(&path, &json!({"role": "admin", "scope": "sandbox/sb_*"}))
            .ok();
        assert_eq!(changed["data"]["role"], json!("admin"));

        // An admin gives away no more than it has, and reaches nobody who has more.
        let ann = scene.of_person("ann@example.com");
        let wide = scene.person("wide", "viewer", "tenant");
        for (method, path, body) in [
            (
                "POST",
                "/users".to_owned(),
                Some(json!({"name": "x", "password": PASSWORD, "role": "viewer"})),
            ),
            (
                "PATCH",
                format!("/users/{wide}"),
                Some(json!({"scope": "sandbox/sb_1"})),
            ),
            ("PATCH", path.clone(), Some(json!({"scope": "tenant"}))),
            ("DELETE", format!("/users/{wide}"), None),
        ] {
            let answer = ann.does(method, &path, body.as_ref());
            assert_eq!(answer.code(), (403, "FORBIDDEN"), "{method} {path}");
        }
        assert_eq!(ann.get("/users").body["data"].as_array().unwrap().len(), 1);
        assert_eq!([1, 2].map(|_| scene.api.delete(&path).status), [204, 204]);
        assert_eq!(scene.api.delete("/users/usr_none").status, 404);
        let log = scene.api.get("/operator-log").ok();
        let operations: Vec<&str> = log["data"]
            .as_array()
            .unwrap()
            .iter()
            .rev()
            .map(|row| row["operation"].as_str().unwrap())
            .collect();
        assert_eq!(
            operations,
            ["create_user", "change_user", "sign_in", "create_user", "remove_user"]
        );
        assert!(!log.to_string().contains(PASSWORD));
    }
}

#[test]
fn one_changes_ones_own_password_with_the_current_one() {
    let scene = Scene::on(Sluice::sqlite());
    for role in ["viewer", "admin"] {
        let path = format!("/users/{}", scene.person(role, role, "tenant"));
        let session = scene.of_person(role);
        let new = "battery staple horse";
        for (body, expected) in [
            (json!({"password": new}), (422, "VALIDATION_FAILED")),
            (
                json!({"password": new, "current_password": "not the password"}),
                (403, "FORBIDDEN"),
            ),
            (
                json!({"password": "short", "current_password": PASSWORD}),
                (422, "VALIDATION_FAILED"),
            ),
        ] {
            assert_eq!(
                session.does("PATCH", &path, Some(&body)).code(),
                expected,
                "{role} {body}"
            );
        }
        assert!(!session.has_ended());
        let right = json!({"password": new, "current_password": PASSWORD});
        assert_eq!(
            session.send("PATCH", &path, &[], Some(&right)).status,
            403,
            "without x-csrf-token"
        );
        assert_eq!(session.does("PATCH", &path, Some(&right)).status, 200);
        assert!(session.has_ended());
        assert_eq!(scene.sign_in(&named(role, PASSWORD)).status, 401);
        assert_eq!(scene.sign_in(&named(role, new)).status, 201);
    }
    let vera = scene.person("vera", "viewer", "tenant");
    let other = scene.person("other", "viewer", "tenant");
    let session = scene.of_person("vera");
    for (id, body) in [
        (&vera, json!({"role": "admin"})),
        (
            &vera,
            json!({"password": "battery staple horse", "current_password": PASSWORD, "scope": "tenant"}),
        ),
        (
            &other,
            json!({"password": "battery staple horse", "current_password": PASSWORD}),
        ),
    ] {
        let answer = session.does("PATCH", &format!("/users/{id}"), Some(&body));
        assert_eq!(answer.code(), (403, "FORBIDDEN"), "{body}");
    }
    assert!(!session.has_ended());
}
