//! A real browser: headless Chromium that a test opens pages in, and that reaches nothing but 127.0.0.1.
//!
//! ```no_run
//! use sluice_tests::browser::{Browser, Key, button, role};
//!
//! let browser = Browser::start();
//! let page = browser.open("http://127.0.0.1:8080/");
//! page.fill("Host", "api.example.com");
//! page.press(Key::Tab);
//! page.get(role("row").with_text("api.example.com")).get(button("Allow")).click();
//! page.until_text("api.example.com is allowed");
//! page.assert_accessible();
//! assert_eq!(page.external_requests("http://127.0.0.1:8080"), [""; 0]);
//! assert_eq!(page.complaints(), []);
//! ```
//!
//! Whatever is looked for is looked for until it is there: no test needs to sleep. What is in
//! vain, and any other panic of a test, is told with what the page showed, and a screenshot.

mod axe;
mod by;
mod chromium;
mod driver;
mod failing;
mod hearing;
mod keys;
mod locator;
mod looks;
mod page;
mod session;

use std::thread;

pub use axe::{Impact, Node, Violation};
pub use by::{By, button, css, field, heading, link, role, text};
pub use hearing::Message;
pub use keys::Key;
pub use locator::Locator;
pub use looks::{Scheme, Viewport};
pub use page::Page;

use driver::Driver;
use session::Session;

/// A browser of its own, with one tab, a new profile, the desktop's size, light colours and no
/// motion, in UTC. It ends when dropped, and also when this process dies.
#[derive(Debug)]
pub struct Browser {
    session: Session,
    driver: Driver,
}

impl Browser {
    /// Starts one. Two of them share nothing.
    ///
    /// # Panics
    /// If Chromium or its driver is missing, with what to install, or if they do not start.
    #[must_use]
    pub fn start() -> Self {
        Self::in_timezone("UTC")
    }

    /// The same, elsewhere in the world: `Asia/Tokyo`.
    ///
    /// # Panics
    /// As [`Browser::start`].
    #[must_use]
    pub fn in_timezone(timezone: &str) -> Self {
        let found = chromium::found().unwrap_or_else(|problem| panic!("these tests need a browser: {problem}"));
        let driver = Driver::start(&found.chromedriver, timezone);
        let session = Session::start(
            driver.address(),
            &chromium::capabilities(&found.chromium, driver.folder()),
        )
        .unwrap_or_else(|problem| panic!("Chromium does not start: {problem}\n{}", driver.log()));
        let browser = Self { session, driver };
        let page = browser.page();
        page.forget();
        page.viewport(Viewport::DESKTOP);
        page.colours(Scheme::Light);
        browser
    }

    /// Goes to a URL, and waits until the page is loaded.
    ///
    /// # Panics
    /// If the page cannot be loaded.
    #[must_use]
    pub fn open(&self, url: &str) -> Page<'_> {
        let page = self.page();
        page.go(url);
        page
    }

    /// What the tab shows now.
    #[must_use]
    pub fn page(&self) -> Page<'_> {
        Page::new(&self.session)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if thread::panicking() {
            if !self.session.was_reported() {
                eprintln!("{}", failing::report(&self.page()));
            }
            eprintln!("the browser's log:\n{}", self.driver.log());
        }
    }
}
