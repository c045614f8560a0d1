//! What the browser is told, so that nothing but the console runs in its page.

use sluice_tests::browser::Browser;

use crate::scene::Scene;

#[test]
fn nothing_is_run_or_loaded_that_is_not_the_consoles_own() {
    let scene = Scene::start();
    let browser = Browser::start();
    let page = scene.admin(&browser, "/");
    scene.assert_clean(&page);
    // What an attacker would do who got markup into the page.
    let run = page.run(
        "const script = document.createElement('script');
         script.textContent = 'window.ran = true';
         document.body.append(script);
         const image = new Image();
         image.src = 'http://127.0.0.1:9/leak';
         const handler = document.createElement('b');
         handler.setAttribute('onclick', 'window.ran = true');
         document.body.append(handler);
         handler.click();
         return window.ran === true;",
    );
    assert_eq!(run, false);
    let complaints = page.complaints();
    let violated = |directive: &str| complaints.iter().any(|complaint| complaint.text.contains(directive));
    assert!(violated("script-src") && violated("img-src"), "{complaints:?}");
}

#[test]
fn every_answer_of_the_console_has_its_policy() {
    let scene = Scene::start();
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build();
    let agent: ureq::Agent = agent.into();
    let got = |path: &str, accept: &str| agent.get(scene.url(path)).header("accept", accept).call().unwrap();
    let page = got("/", "text/html");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"),
        "{policy}"
    );
    assert_eq!(policy.matches("unsafe").count(), 1, "{policy}");
    let text = page.into_body().read_to_string().unwrap();
    let files: Vec<&str> = text.split('"').filter(|part| part.starts_with("/console/")).collect();
    assert!(files.len() >= 5, "{text}");
    for file in files {
        let answer = got(file, "*/*");
        assert_eq!(answer.status(), 200, "{file}");
        assert_eq!(answer.headers()["content-security-policy"], policy.as_str(), "{file}");
        assert!(
            answer.headers()["cache-control"]
                .to_str()
                .unwrap()
                .contains("immutable"),
            "{file}"
        );
    }
    // An address of the console is its page for browsers, and nothing for programs.
    assert_eq!(got("/resources/sandbox/sb_1/rules", "text/html").status(), 200);
    assert_eq!(got("/resources/sandbox/sb_1/rules", "application/json").status(), 404);
    for missing in ["/api/v1/none", "/console/none.js"] {
        assert_eq!(got(missing, "text/html,*/*").status(), 404, "{missing}");
    }
}
