//! A collector with sandboxes, and people who look at it.

use serde_json::json;
use sluice_tests::browser::{Browser, Page, button};
use sluice_tests::playbook::{Database, Playbook, Sandbox};

/// Good enough for the collector.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// All of Sluice on loopback.
pub(crate) struct Scene {
    pub(crate) book: Playbook,
}

impl Scene {
    pub(crate) fn start() -> Self {
        Self {
            book: Playbook::start(Database::Sqlite),
        }
    }

    /// Where the console is.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.book.sluice.addresses().http)
    }

    /// An address of the console.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// A new token.
    pub(crate) fn token(&self, role: &str, scope: &str) -> String {
        let made = self.book.api.post(
            "/tokens",
            &json!({"name": format!("a {role}"), "role": role, "scope": scope}),
        );
        made.data("token").as_str().expect("a new token is shown").to_owned()
    }

    /// A sandbox behind a proxy, where only these hosts pass.
    pub(crate) fn locked(&self, id: &str, hosts: &[&str]) -> Sandbox {
        let sandbox = self.book.sandbox(id);
        self.lock(&sandbox, hosts);
        sandbox
    }

    /// From now on only these hosts pass.
    pub(crate) fn lock(&self, sandbox: &Sandbox, hosts: &[&str]) {
        for host in hosts {
            let rule = json!({"host": host, "resource_type": "sandbox", "resource_id": sandbox.id});
            assert_eq!(self.book.api.post("/egress/allowlist", &rule).status, 201);
        }
        self.book.does(&sandbox.id, "lockdown", &json!({}));
    }

    /// Waits until a host waits for a decision.
    pub(crate) fn until_pending(&self, sandbox: &str, host: &str) {
        let _ = self.book.pending(sandbox, host);
    }

    /// Opens a page and signs in as an admin.
    pub(crate) fn admin<'b>(&self, browser: &'b Browser, path: &str) -> Page<'b> {
        self.signed_in(browser, path, &self.book.sluice.addresses().token)
    }

    /// Opens a page and signs in.
    pub(crate) fn signed_in<'b>(&self, browser: &'b Browser, path: &str, token: &str) -> Page<'b> {
        let page = browser.open(&self.url(path));
        page.fill("Token", token);
        page.click(button("Sign in"));
        page.get(button("Sign out")).wait();
        page
    }

    /// Nothing came from elsewhere, and the browser complained of nothing but that nobody was signed in.
    pub(crate) fn assert_clean(&self, page: &Page<'_>) {
        assert_eq!(page.external_requests(&self.origin()), [""; 0]);
        let complaints: Vec<_> = page
            .complaints()
            .into_iter()
            .filter(|complaint| !(complaint.text.contains("/api/v1/sessions") && complaint.text.contains("401")))
            .collect();
        assert_eq!(complaints, []);
    }
}
