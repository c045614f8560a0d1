//! What a tab shows, and what is done with it.

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::hearing::{Heard, Message, is_external};
use super::session::{Problem, Session};
use super::{By, Key, Locator, Scheme, Viewport, failing};
use crate::wait;

/// The page of a browser. Where the browser goes, it goes too.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    session: &'a Session,
}

impl<'a> Page<'a> {
    pub(super) fn new(session: &'a Session) -> Self {
        Self { session }
    }

    pub(super) fn session(&self) -> &'a Session {
        self.session
    }

    /// Goes to another URL, and waits until that is loaded.
    ///
    /// # Panics
    /// If it cannot be loaded.
    pub fn go(&self, url: &str) {
        self.ok(&format!("go to {url}"), self.session.post("url", &json!({"url": url})));
    }

    /// Loads it anew.
    ///
    /// # Panics
    /// If it cannot be loaded.
    pub fn reload(&self) {
        self.ok("reload", self.session.post("refresh", &json!({})));
    }

    /// Goes back, as its button does.
    ///
    /// # Panics
    /// If that does not work.
    pub fn back(&self) {
        self.ok("go back", self.session.post("back", &json!({})));
    }

    /// Where it is.
    ///
    /// # Panics
    /// If the browser does not say.
    #[must_use]
    pub fn url(&self) -> String {
        let url = self.ok("say where it is", self.session.get("url"));
        url.as_str().unwrap_or_default().to_owned()
    }

    /// Its title.
    ///
    /// # Panics
    /// If the browser does not say.
    #[must_use]
    pub fn title(&self) -> String {
        let title = self.ok("say its title", self.session.get("title"));
        title.as_str().unwrap_or_default().to_owned()
    }

    /// An element. Nothing is looked for yet.
    #[must_use]
    pub fn get(&self, by: impl Into<By>) -> Locator<'a> {
        Locator::new(*self, by.into())
    }

    /// Clicks: `click("Allow")`.
    ///
    /// # Panics
    /// If that cannot be done in time.
    pub fn click(&self, by: impl Into<By>) {
        self.get(by).click();
    }

    /// Types into a field, in place of what it has: `fill("Host", "api.example.com")`.
    ///
    /// # Panics
    /// If that cannot be done in time.
    pub fn fill(&self, by: impl Into<By>, text: &str) {
        self.get(by).fill(text);
    }

    /// Chooses from a list: `choose("Role", "viewer")`.
    ///
    /// # Panics
    /// If that cannot be done in time.
    pub fn choose(&self, by: impl Into<By>, option: &str) {
        self.get(by).choose(option);
    }

    /// Presses a key, or several at once, wherever the focus is.
    ///
    /// # Panics
    /// If the browser does not take it.
    pub fn press(&self, keys: impl AsRef<[Key]>) {
        let keys = keys.as_ref();
        let action = |kind: &str, key: &Key| json!({"type": kind, "value": key.code()});
        let down = keys.iter().map(|key| action("keyDown", key));
        let up = keys.iter().rev().map(|key| action("keyUp", key));
        let actions: Vec<_> = down.chain(up).collect();
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]});
        self.ok(&format!("press {keys:?}"), self.session.post("actions", &actions));
    }

    /// What has the focus: `assert_eq!(page.focused(), button("Allow"))`. Where nothing has it, the body has.
    ///
    /// # Panics
    /// If the page does not say.
    #[must_use]
    pub fn focused(&self) -> By {
        let focused = self.run(
            "const element = document.activeElement ?? document.body;
             return [element.computedRole, element.computedName];",
        );
        super::role(focused[0].as_str().unwrap_or_default()).named(focused[1].as_str().unwrap_or_default())
    }

    /// Waits until something has the focus.
    ///
    /// # Panics
    /// If it has not in time.
    pub fn until_focused(&self, by: &By) {
        self.until(&format!("the focus on {by}"), |page| {
            (page.focused() == *by).then_some(())
        });
    }

    /// All text that is seen, with single spaces.
    ///
    /// # Panics
    /// If the page does not say.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.run(r"return (document.body?.innerText ?? '').replace(/\s+/g, ' ').trim()");
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until this is somewhere in the text.
    ///
    /// # Panics
    /// If it is not in time.
    pub fn until_text(&self, text: &str) {
        self.until(&format!("the text {text:?}"), |page| {
            page.text().contains(text).then_some(())
        });
    }

    /// Waits until this is nowhere in the text.
    ///
    /// # Panics
    /// If it is still there in the end.
    pub fn until_no_text(&self, text: &str) {
        self.until(&format!("no text {text:?}"), |page| {
            (!page.text().contains(text)).then_some(())
        });
    }

    /// Waits until the URL ends like this.
    ///
    /// # Panics
    /// If it does not in time.
    pub fn until_url(&self, end: &str) {
        self.until(&format!("a URL that ends in {end}"), |page| {
            page.url().ends_with(end).then_some(())
        });
    }

    /// Waits until `probe` gives something.
    ///
    /// # Panics
    /// If it never does.
    pub fn until<T>(&self, what: &str, mut probe: impl FnMut(&Self) -> Option<T>) -> T {
        let found = wait::within(wait::PATIENCE, || probe(self));
        found.unwrap_or_else(|| self.fail(&format!("waited {:?} in vain for {what}", wait::PATIENCE)))
    }

    /// Waits until `attempt` succeeds.
    pub(super) fn until_ok<T>(&self, what: &str, mut attempt: impl FnMut() -> Result<T, Problem>) -> T {
        let mut last = None;
        let done = wait::within(wait::PATIENCE, || match attempt() {
            Ok(done) => Some(done),
            Err(problem) => {
                last = Some(problem);
                None
            }
        });
        let problem = || last.map(|problem| problem.to_string()).unwrap_or_default();
        done.unwrap_or_else(|| self.fail(&format!("tried {:?} in vain to {what}: {}", wait::PATIENCE, problem())))
    }

    /// Ends the test, and says why and what the page is like.
    ///
    /// # Panics
    /// Always.
    pub fn fail(&self, why: &str) -> ! {
        let report = failing::report(self);
        self.session.reported();
        panic!("{why}\n{report}")
    }

    /// What the body of a function returns.
    ///
    /// # Panics
    /// If it throws.
    pub fn run(&self, script: &str) -> Value {
        self.run_with(script, &json!([]))
    }

    /// The same, with `arguments`.
    ///
    /// # Panics
    /// If it throws.
    pub fn run_with(&self, script: &str, arguments: &Value) -> Value {
        self.ok("run a script", self.session.run(script, arguments))
    }

    /// A command of the Chrome DevTools Protocol.
    ///
    /// # Panics
    /// If the browser refuses it.
    pub fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.ok(command, self.session.devtools(command, parameters))
    }

    /// Makes it larger or smaller.
    ///
    /// # Panics
    /// If the browser does not.
    pub fn viewport(&self, viewport: Viewport) {
        let Viewport { width, height, mobile } = viewport;
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}),
        );
    }

    /// As somebody sees it who prefers these colours; and no motion, which no test waits for.
    ///
    /// # Panics
    /// If the browser does not.
    pub fn colours(&self, scheme: Scheme) {
        let feature = |name: &str, value: &str| json!({"name": name, "value": value});
        let features = [
            feature("prefers-color-scheme", scheme.name()),
            feature("prefers-reduced-motion", "reduce"),
        ];
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    /// Saves all of it, also what must be scrolled to, as `target/screenshots/NAME.png`.
    ///
    /// # Panics
    /// If it cannot be taken or written.
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let saved = self.try_screenshot(name);
        saved.unwrap_or_else(|problem| self.fail(&format!("no screenshot: {problem}")))
    }

    pub(super) fn try_screenshot(&self, name: &str) -> Result<PathBuf, String> {
        let size = "const page = document.documentElement;
            return [Math.max(page.scrollWidth, innerWidth), Math.max(page.scrollHeight, innerHeight)]";
        let size = self
            .session
            .run(size, &json!([]))
            .map_err(|problem| problem.to_string())?;
        let clip = json!({"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1});
        let taken = self.session.devtools(
            "Page.captureScreenshot",
            &json!({"format": "png", "captureBeyondViewport": true, "clip": clip}),
        );
        let taken = taken.map_err(|problem| problem.to_string())?;
        let image = BASE64_STANDARD.decode(taken["data"].as_str().unwrap_or_default());
        let path = failing::target().join("screenshots").join(format!("{name}.png"));
        let write = |image: Vec<u8>| {
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(&path, image)
        };
        write(image.map_err(|error| error.to_string())?).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// The URLs of all that pages of this browser asked for, in order, in vain or not.
    ///
    /// # Panics
    /// If the browser does not say.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.heard(|heard| heard.requests.clone())
    }

    /// Of these, what is not of an origin, such as `http://127.0.0.1:8080`.
    ///
    /// # Panics
    /// If the browser does not say.
    #[must_use]
    pub fn external_requests(&self, origin: &str) -> Vec<String> {
        let requests = self.requests().into_iter();
        requests.filter(|url| is_external(url, origin)).collect()
    }

    /// All that was written on the console of this browser.
    ///
    /// # Panics
    /// If the browser does not say.
    #[must_use]
    pub fn console(&self) -> Vec<Message> {
        self.heard(|heard| heard.console.clone())
    }

    /// Of that, the errors and warnings: what failed to load, what a policy forbids, what scripts throw.
    ///
    /// # Panics
    /// If the browser does not say.
    #[must_use]
    pub fn complaints(&self) -> Vec<Message> {
        let mut console = self.console();
        console.retain(|message| ["SEVERE", "WARNING"].contains(&message.level.as_str()));
        console
    }

    /// From here on, requests and the console count anew.
    ///
    /// # Panics
    /// If the browser does not say what was before.
    pub fn forget(&self) {
        match self.session.heard() {
            Ok(mut heard) => *heard = Heard::default(),
            Err(problem) => self.fail(&format!("the browser does not tell its logs: {problem}")),
        }
    }

    fn heard<T>(&self, look: impl FnOnce(&Heard) -> T) -> T {
        match self.session.heard() {
            Ok(heard) => look(&heard),
            Err(problem) => self.fail(&format!("the browser does not tell its logs: {problem}")),
        }
    }

    pub(super) fn ok<T>(&self, what: &str, done: Result<T, Problem>) -> T {
        done.unwrap_or_else(|problem| self.fail(&format!("cannot {what}: {problem}")))
    }
}
