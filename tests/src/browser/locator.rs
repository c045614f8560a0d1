//! An element that is looked for each time that something is done with it.

use serde_json::{Value, json};

use super::By;
use super::keys::Key;
use super::page::Page;
use super::session::Problem;

/// What WebDriver calls its references to elements.
const REFERENCE: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Chooses an option of a `<select>`, if it is one. The list that a click opens is not of the page, and what
/// the driver does instead of clicking in it does not tell the page all that it hears of people who choose.
const CHOOSE: &str = "const [option] = arguments, list = option.closest('select');
    if (list === null) return false;
    if (list.disabled || option.disabled) throw new Error('it is disabled');
    list.focus();
    if (list.multiple || !option.selected) {
        option.selected = !option.selected;
        for (const kind of ['input', 'change']) list.dispatchEvent(new Event(kind, { bubbles: true }));
    }
    return true;";

/// Where an element is, in a page that may change: a path of descriptions, each within the one before.
///
/// What is done with it waits until there is exactly one, and until it can be done.
#[derive(Debug, Clone)]
pub struct Locator<'a> {
    page: Page<'a>,
    path: Vec<By>,
}

impl<'a> Locator<'a> {
    pub(super) fn new(page: Page<'a>, by: By) -> Self {
        Self { page, path: vec![by] }
    }

    /// Within this one.
    #[must_use]
    pub fn get(&self, by: impl Into<By>) -> Self {
        let mut within = self.clone();
        within.path.push(by.into());
        within
    }

    /// Clicks, as a mouse does: where something else is in front of it, that is in the way.
    ///
    /// # Panics
    /// If that cannot be done in time.
    pub fn click(&self) {
        let this = self.last(By::clicked);
        this.once("click", |element| this.post(element, "click", &json!({})));
    }

    /// Clicks something within.
    ///
    /// # Panics
    /// If that cannot be done in time.
    pub fn click_on(&self, by: impl Into<By>) {
        self.get(by).click();
    }

    /// Types this in place of what a field has.
    ///
    /// # Panics
    /// If that cannot be done in time.
    pub fn fill(&self, text: &str) {
        let this = self.last(By::typed);
        // By keys, as people do: a page hears of all that happens to its fields.
        let (control, release) = (Key::Control.code(), '\u{E000}');
        let keys = format!("{control}a{release}{}{text}", Key::Backspace.code());
        this.once("type into", |element| {
            this.post(element, "value", &json!({"text": keys}))
        });
    }

    /// Types this after what a field has.
    ///
    /// # Panics
    /// If that cannot be done in time.
    pub fn type_text(&self, text: &str) {
        let this = self.last(By::typed);
        this.once("type into", |element| {
            this.post(element, "value", &json!({"text": text}))
        });
    }

    /// Chooses from a list.
    ///
    /// # Panics
    /// If that cannot be done in time.
    pub fn choose(&self, option: &str) {
        let option = self.last(By::chosen).get(super::role("option").named(option));
        option.once("choose", |element| {
            match self.page.session().run(CHOOSE, &json!([element]))? == true {
                true => Ok(()),
                false => option.post(element, "click", &json!({})),
            }
        });
    }

    /// Waits until there is one.
    ///
    /// # Panics
    /// If there is none in time, or more than one.
    pub fn wait(&self) -> &Self {
        self.once("see", |_| Ok(()));
        self
    }

    /// Waits until there is none.
    ///
    /// # Panics
    /// If there is still one in the end.
    pub fn wait_gone(&self) {
        self.page.until(&format!("{} to be gone", self.told()), |_| {
            (self.count() == 0).then_some(())
        });
    }

    /// How many there are now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.find().map_or(0, |found| found.len())
    }

    /// Its text, as it is seen, with single spaces.
    ///
    /// # Panics
    /// If there is not exactly one in time.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.run(r"return arguments[0].innerText.replace(/\s+/g, ' ').trim()");
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The texts of all that there are now.
    ///
    /// # Panics
    /// If the page cannot be read.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let script = r"return arguments[0].map((element) => element.innerText.replace(/\s+/g, ' ').trim())";
        let texts = || -> Result<Value, Problem> { self.page.session().run(script, &json!([self.find()?])) };
        let texts = self.page.until_ok(&format!("read {}", self.told()), texts);
        let texts = texts.as_array().into_iter().flatten();
        texts.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// An attribute, if it has that.
    ///
    /// # Panics
    /// If there is not exactly one in time.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<String> {
        let attribute = self.run_with("return arguments[0].getAttribute(arguments[1])", name);
        attribute.as_str().map(str::to_owned)
    }

    /// A property that scripts see: `value`, `checked`, `disabled`.
    ///
    /// # Panics
    /// If there is not exactly one in time.
    #[must_use]
    pub fn property(&self, name: &str) -> Value {
        self.run_with("return arguments[0][arguments[1]]", name)
    }

    /// What is in a field.
    ///
    /// # Panics
    /// If there is not exactly one in time.
    #[must_use]
    pub fn value(&self) -> String {
        let value = self.last(By::typed).property("value");
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Whether it has the focus.
    ///
    /// # Panics
    /// If there is not exactly one in time.
    #[must_use]
    pub fn is_focused(&self) -> bool {
        self.run("return arguments[0] === document.activeElement") == true
    }

    /// What the body of a function returns; `arguments[0]` is the element.
    ///
    /// # Panics
    /// If there is not exactly one in time, or the function throws.
    pub fn run(&self, script: &str) -> Value {
        self.run_with(script, "")
    }

    fn run_with(&self, script: &str, argument: &str) -> Value {
        self.once("read", |element| {
            self.page.session().run(script, &json!([element, argument]))
        })
    }

    /// Does something with the one that there is, as soon as that can be done.
    fn once<T>(&self, what: &str, mut act: impl FnMut(&Value) -> Result<T, Problem>) -> T {
        self.page
            .until_ok(&format!("{what} {}", self.told()), || match self.find()?.as_slice() {
                [element] => act(element),
                found => Err(Problem {
                    code: "not one".to_owned(),
                    message: format!("there are {}", found.len()),
                }),
            })
    }

    fn find(&self) -> Result<Vec<Value>, Problem> {
        let found = self.page.session().run(include_str!("find.js"), &json!([self.path]))?;
        Ok(found.as_array().cloned().unwrap_or_default())
    }

    fn post(&self, element: &Value, what: &str, body: &Value) -> Result<(), Problem> {
        let id = element[REFERENCE].as_str().unwrap_or_default();
        self.page
            .session()
            .post(&format!("element/{id}/{what}"), body)
            .map(drop)
    }

    fn last(&self, complete: impl FnOnce(By) -> By) -> Self {
        let mut completed = self.clone();
        if let Some(by) = completed.path.pop() {
            completed.path.push(complete(by));
        }
        completed
    }

    fn told(&self) -> String {
        let path: Vec<_> = self.path.iter().rev().map(ToString::to_string).collect();
        path.join(" in ")
    }
}
