//! Signing in and out.

use serde_json::json;
use sluice_tests::browser::{Browser, button, field, heading, role};

use crate::scene::{PASSWORD, Scene};

#[test]
fn a_token_opens_the_page_that_was_asked_for_and_signing_out_closes_all() {
    let scene = Scene::start();
    let browser = Browser::start();
    let page = browser.open(&scene.url("/pending"));
    page.fill("Token", "sluice_wrong");
    page.click(button("Sign in"));
    page.until_text("this token is not known here");
    page.assert_accessible();
    let page = scene.admin(&browser, "/pending");
    page.get(heading("Pending")).wait();
    assert!(page.url().ends_with("/pending"), "{}", page.url());
    // No script can read what the session is known by, and a reload goes on with it.
    assert_eq!(page.run("return document.cookie"), json!(""));
    assert_eq!(page.run("return localStorage.length + sessionStorage.length"), json!(0));
    page.reload();
    page.get(heading("Pending")).wait();
    scene.assert_clean(&page);
    page.click(button("Sign out"));
    page.get(field("Token")).wait();
    page.reload();
    page.get(field("Token")).wait();
}

#[test]
fn a_person_signs_in_by_name_and_is_put_out_when_the_session_is_ended_elsewhere() {
    let scene = Scene::start();
    let body = json!({"name": "ann", "password": PASSWORD, "role": "operator"});
    assert_eq!(scene.book.api.post("/users", &body).status, 201);
    let browser = Browser::start();
    let page = browser.open(&scene.url("/"));
    page.click(button("Name and password"));
    page.fill("Name", "ann");
    page.fill("Password", "not the right one");
    page.click(button("Sign in"));
    page.get(role("alert").with_text("password")).wait();
    page.fill("Password", PASSWORD);
    page.click(button("Sign in"));
    page.get(heading("Overview")).wait();
    page.until_text("operator");
    let sessions = scene.book.api.get("/sessions").ok();
    let session = sessions["data"]
        .as_array()
        .and_then(|rows| rows.iter().find(|row| row["name"] == "ann"))
        .unwrap_or_else(|| panic!("no session of ann: {sessions}"));
    let id = session["id"].as_str().unwrap();
    assert_eq!(scene.book.api.delete(&format!("/sessions/{id}")).status, 204);
    // Without being asked: the stream of what changes ends too.
    page.get(field("Token")).wait();
}
