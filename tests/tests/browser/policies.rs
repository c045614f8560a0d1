//! What pages may do, and what they ask for.

use sluice_tests::browser::{Browser, Message};

use crate::site::{Site, page};

const STRICT: &str = "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'";

/// A page that runs a module of a few bytes, under a Content-Security-Policy.
fn with_module(policy: &str) -> Site {
    let module = wat::parse_str(r#"(module (func (export "answer") (result i32) i32.const 42))"#);
    let module = module.expect("it is a module");
    let script = b"const tell = (what) => document.querySelector('p').textContent = what;
        WebAssembly.instantiateStreaming(fetch('answer.wasm'))
            .then(({ instance }) => tell(`it is ${instance.exports.answer()}`), (error) => tell(`it is ${error.name}`));";
    let page = page(r#"<p></p><script src="start.js" defer></script>"#);
    Site::with(
        &[("/", page.as_bytes()), ("/start.js", script), ("/answer.wasm", &module)],
        policy,
    )
}

#[test]
fn a_strict_policy_that_allows_wasm_runs_it_without_a_complaint() {
    let site = with_module(&format!("{STRICT} 'wasm-unsafe-eval'"));
    let browser = Browser::start();
    let page = browser.open(&site.url());
    page.until_text("it is 42");
    page.assert_accessible();
    assert_eq!(page.complaints(), []);
    let asked = ["", "start.js", "answer.wasm"].map(|path| format!("{}{path}", site.url()));
    let requests = page.requests();
    assert!(asked.iter().all(|url| requests.contains(url)), "{requests:?}");
    assert_eq!(page.external_requests(&site.origin()), [""; 0]);
}

#[test]
fn without_that_word_it_does_not_run() {
    let site = with_module(STRICT);
    let browser = Browser::start();
    let page = browser.open(&site.url());
    page.until_text("it is CompileError");
}

#[test]
fn what_a_policy_forbids_is_complained_of() {
    let forbidden = page("<p>nothing</p><script>document.querySelector('p').textContent = 'it ran'</script>");
    let site = Site::with(&[("/", forbidden.as_bytes())], STRICT);
    let browser = Browser::start();
    let page = browser.open(&site.url());
    let complaints = page.complaints();
    let told = |message: &Message| message.level == "SEVERE" && message.text.contains("Content Security Policy");
    assert!(complaints.iter().any(told), "{complaints:?}");
    // What tests run in a page is not held back, and nothing is complained of that.
    page.forget();
    page.assert_accessible();
    assert_eq!(page.text(), "nothing");
    assert_eq!(page.complaints(), []);
}

#[test]
fn what_is_asked_of_others_is_seen_and_goes_nowhere() {
    let site = Site::of(
        r#"<img src="http://pixel.example.com/1.png" alt=""><img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="">
        <p></p>
        <script>
          Promise.allSettled(['http://api.example.com/', 'http://192.0.2.1/', '/own'].map((url) => fetch(url, { mode: 'no-cors' })))
            .then((all) => document.querySelector('p').textContent = all.map((one) => one.status).join(', '));
          new WebSocket('ws://socket.example.com/');
        </script>"#,
    );
    let browser = Browser::start();
    let page = browser.open(&site.url());
    page.until_text("rejected, rejected, fulfilled");
    let mut external = page.external_requests(&site.origin());
    external.sort();
    let others = [
        "http://192.0.2.1/",
        "http://api.example.com/",
        "http://pixel.example.com/1.png",
        "ws://socket.example.com/",
    ];
    assert_eq!(external, others);
    // Not even a name was looked up: an address, too, is a name that does not resolve.
    let complaints = page.complaints();
    let unresolved = |host: &str| {
        let mut texts = complaints.iter().map(|message| &message.text);
        texts.any(|text| text.contains(host) && text.contains("ERR_NAME_NOT_RESOLVED"))
    };
    for host in [
        "pixel.example.com",
        "api.example.com",
        "192.0.2.1",
        "socket.example.com",
    ] {
        assert!(unresolved(host), "{host}: {complaints:?}");
    }
}
