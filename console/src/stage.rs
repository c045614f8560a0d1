//! Where tests show parts of the page: in the page of a browser, as the console is styled, to a visitor of a role.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Function, Promise};
use leptos::mount::mount_to;
use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Event, HtmlElement, HtmlInputElement};

use crate::model::Session;
use crate::parts::Messages;
use crate::session::{Known, Visitor};

/// How long is waited for what has to come, in milliseconds.
const PATIENCE: u32 = 10_000;

const STYLE: &str = concat!(
    include_str!("../style/base.css"),
    include_str!("../style/layout.css"),
    include_str!("../style/parts.css"),
    include_str!("../style/pages.css"),
);

// What only tests need of a browser: as features of web-sys they would make everything be compiled once more.
#[wasm_bindgen]
extern "C" {
    type Tested;
    #[wasm_bindgen(method, js_name = querySelectorAll)]
    fn all(this: &Tested, selector: &str) -> JsValue;
    #[wasm_bindgen(method, js_name = getBoundingClientRect)]
    fn bounds(this: &Tested) -> Bounds;
    #[wasm_bindgen(method, js_name = requestClose)]
    fn escape(this: &Tested);

    pub(crate) type Bounds;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn left(this: &Bounds) -> f64;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn top(this: &Bounds) -> f64;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn height(this: &Bounds) -> f64;
}

/// Something that is shown until this is dropped.
pub(crate) struct Stage {
    root: HtmlElement,
    pub(crate) visitor: Visitor,
    pub(crate) messages: Messages,
    _shown: Box<dyn Any>,
}

impl Stage {
    /// Shows it to an admin.
    pub(crate) fn of<V: IntoView + 'static>(make: impl FnOnce() -> V + 'static) -> Self {
        Self::to("admin", make)
    }

    /// Shows it to a visitor of that role.
    pub(crate) fn to<V: IntoView + 'static>(role: &str, make: impl FnOnce() -> V + 'static) -> Self {
        Self::with(role, move || (make(), ())).0
    }

    /// Shows the first of what is made to a visitor of that role, and answers the second.
    pub(crate) fn with<V, T>(role: &str, make: impl FnOnce() -> (V, T) + 'static) -> (Self, T)
    where
        V: IntoView + 'static,
        T: 'static,
    {
        let root = document()
            .create_element("div")
            .unwrap()
            .unchecked_into::<HtmlElement>();
        let style = document().create_element("style").unwrap();
        style.set_text_content(Some(STYLE));
        let place = document()
            .create_element("div")
            .unwrap()
            .unchecked_into::<HtmlElement>();
        root.append_with_node_2(&style, &place).unwrap();
        document().body().unwrap().append_child(&root).unwrap();
        let session = Session {
            name: "somebody".to_owned(),
            role: role.to_owned(),
            scope: "tenant".to_owned(),
            ..Session::default()
        };
        let made = Rc::new(RefCell::new(None));
        let put = made.clone();
        let shown = mount_to(place, move || {
            let visitor = Visitor::pretend(Known::Somebody(session));
            let messages = Messages::provide();
            let (view, made) = make();
            *put.borrow_mut() = Some((visitor, messages, made));
            view
        });
        let (visitor, messages, made) = made.take().unwrap();
        let stage = Self {
            root,
            visitor,
            messages,
            _shown: Box::new(shown),
        };
        (stage, made)
    }

    /// What is known of the visitor by now.
    pub(crate) fn known(&self) -> Known {
        untrack(|| self.visitor.known())
    }

    /// All that a selector finds.
    pub(crate) fn all(&self, selector: &str) -> Vec<HtmlElement> {
        let found = self.root.unchecked_ref::<Tested>().all(selector);
        Array::from(&found).iter().map(JsCast::unchecked_into).collect()
    }

    /// The one that a selector finds.
    pub(crate) fn one(&self, selector: &str) -> HtmlElement {
        let mut all = self.all(selector);
        assert_eq!(all.len(), 1, "{selector} in {}", self.html());
        all.remove(0)
    }

    /// The one field that a selector finds.
    pub(crate) fn input(&self, selector: &str) -> HtmlInputElement {
        self.one(selector).unchecked_into()
    }

    /// The texts of all that a selector finds.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        self.all(selector).iter().map(text).collect()
    }

    /// The button with that label.
    pub(crate) fn button(&self, label: &str) -> HtmlElement {
        let mut all = self.all("button");
        all.retain(|button| button.get_attribute("aria-label").unwrap_or_else(|| text(button)) == label);
        assert_eq!(all.len(), 1, "{label} in {}", self.html());
        all.remove(0)
    }

    fn html(&self) -> String {
        self.root
            .last_element_child()
            .map(|place| place.inner_html())
            .unwrap_or_default()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.root.remove();
    }
}

/// Where an element is in the window.
pub(crate) fn bounds(element: &HtmlElement) -> Bounds {
    element.unchecked_ref::<Tested>().bounds()
}

/// Closes a dialog as the browser does at Escape, which no script can press.
pub(crate) fn escape(dialog: &HtmlElement) {
    dialog.unchecked_ref::<Tested>().escape();
}

/// What people read of it.
pub(crate) fn text(element: &HtmlElement) -> String {
    element.text_content().unwrap_or_default()
}

/// Tells a field that somebody typed or chose.
pub(crate) fn tell(element: &HtmlElement, event: &str) {
    let event = Event::new(event).unwrap();
    element.dispatch_event(&event).unwrap();
}

/// Lets happen what follows at once, effects among it.
pub(crate) async fn settle() {
    TimeoutFuture::new(0).await;
    TimeoutFuture::new(0).await;
}

/// Waits until something is so.
///
/// # Panics
/// If it does not become so.
pub(crate) async fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..PATIENCE / 10 {
        if is_so() {
            return;
        }
        TimeoutFuture::new(10).await;
    }
    panic!("waited in vain until {what}");
}

/// Questions, which a test answers when it likes and in any order.
pub(crate) struct Questions<Q, A>(Rc<RefCell<Asked<Q, A>>>);

struct Asked<Q, A> {
    questions: Vec<Q>,
    waiting: Vec<Function>,
    answers: BTreeMap<usize, A>,
}

impl<Q, A> Clone for Questions<Q, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q: Clone, A> Questions<Q, A> {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Rc::new(RefCell::new(Asked {
            questions: Vec::new(),
            waiting: Vec::new(),
            answers: BTreeMap::new(),
        })))
    }

    /// Asks one.
    pub(crate) fn ask(&self, question: Q) -> impl Future<Output = A> + use<Q, A> {
        let mut number = 0;
        let promise = Promise::new(&mut |resolve, _| {
            let mut asked = self.0.borrow_mut();
            number = asked.questions.len();
            asked.questions.push(question.clone());
            asked.waiting.push(resolve);
        });
        let asked = self.0.clone();
        async move {
            JsFuture::from(promise).await.unwrap();
            asked.borrow_mut().answers.remove(&number).unwrap()
        }
    }

    /// All that were asked, the first first.
    pub(crate) fn asked(&self) -> Vec<Q> {
        self.0.borrow().questions.clone()
    }

    /// Answers one by its place among them, and lets happen what follows.
    pub(crate) async fn answer(&self, number: usize, answer: A) {
        let resolve = {
            let mut asked = self.0.borrow_mut();
            asked.answers.insert(number, answer);
            asked.waiting[number].clone()
        };
        resolve.call0(&JsValue::UNDEFINED).unwrap();
        settle().await;
    }
}
