//! Fields of forms.

use leptos::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test as test;
use web_sys::HtmlElement;

use crate::parts::{Check, Choice, Field};
use crate::stage::{Stage, settle, tell, text};

fn attribute(element: &HtmlElement, name: &str) -> String {
    element.get_attribute(name).unwrap_or_default()
}

/// What a screen reader says of a field besides its label.
fn described(stage: &Stage, element: &HtmlElement) -> Option<String> {
    let id = element.get_attribute("aria-describedby")?;
    Some(text(&stage.one(&format!("#{id}"))).trim().to_owned())
}

#[test]
async fn a_field_has_its_label_and_holds_the_value_both_ways() {
    let (stage, (value, other)) = Stage::with("admin", || {
        let (value, other) = (RwSignal::new("old".to_owned()), RwSignal::new(String::new()));
        let view = view! {
            <Field label="Host" value=value />
            <Field label="Port" value=other />
        };
        (view, (value, other))
    });
    settle().await;
    assert_eq!(stage.texts("label"), ["Host", "Port"]);
    let (labels, inputs) = (stage.all("label"), stage.all("input"));
    for (label, input) in labels.iter().zip(&inputs) {
        assert_eq!(attribute(label, "for"), input.id());
        assert_eq!(described(&stage, input), None);
    }
    assert_ne!(inputs[0].id(), inputs[1].id());

    let input = stage.input(&format!("#{}", inputs[0].id()));
    assert_eq!(input.value(), "old");
    input.set_value("typed");
    tell(&input, "input");
    assert_eq!(value.get_untracked(), "typed");
    value.set("set".to_owned());
    settle().await;
    assert_eq!(input.value(), "set");
    assert_eq!(other.get_untracked(), "");
    // A label is as good a place to click as its field.
    labels[1].click();
    assert!(
        document()
            .active_element()
            .is_some_and(|active| active.id() == inputs[1].id())
    );
}

#[test]
async fn what_is_wrong_with_a_field_is_said_in_place_of_its_hint() {
    let (stage, error) = Stage::with("admin", || {
        let error = RwSignal::new(None::<String>);
        let value = RwSignal::new(String::new());
        (
            view! { <Field label="Host" value=value hint="A name" error=error /> },
            error,
        )
    });
    let input = stage.one("input");
    assert_eq!(described(&stage, &input).as_deref(), Some("A name"));
    assert_eq!(attribute(&input, "aria-invalid"), "false");
    error.set(Some("<b>No</b> name".to_owned()));
    settle().await;
    assert_eq!(described(&stage, &input).as_deref(), Some("<b>No</b> name"));
    assert_eq!(attribute(&input, "aria-invalid"), "true");
    assert_eq!(stage.texts(".wrong"), ["<b>No</b> name"]);
    assert_eq!(stage.all("b").len(), 0);
    error.set(None);
    settle().await;
    assert_eq!(described(&stage, &input).as_deref(), Some("A name"));
    assert_eq!(attribute(&input, "aria-invalid"), "false");
    assert_eq!(stage.all(".wrong").len(), 0);
}

#[test]
async fn a_choice_has_its_label_and_holds_the_value_both_ways() {
    let (stage, (value, error)) = Stage::with("admin", || {
        let (value, error) = (RwSignal::new("deny".to_owned()), RwSignal::new(None::<String>));
        let options = [("allow", "Let pass"), ("deny", "Reject")];
        let options = options.map(|(word, shown)| (word.to_owned(), shown.to_owned()));
        let view = view! { <Choice label="Effect" value=value options=options.to_vec() error=error /> };
        (view, (value, error))
    });
    settle().await;
    let select = stage.one("select");
    assert_eq!(attribute(&stage.one("label"), "for"), select.id());
    let chosen = || stage.input("select").value();
    assert_eq!(chosen(), "deny");
    stage.input("select").set_value("allow");
    tell(&select, "change");
    assert_eq!(value.get_untracked(), "allow");
    value.set("deny".to_owned());
    settle().await;
    assert_eq!(chosen(), "deny");

    // One of an address that is none of them is shown as it is, and not as another.
    value.set("<b>\u{202e}".to_owned());
    settle().await;
    assert_eq!(chosen(), "<b>\u{202e}");
    assert_eq!(stage.texts("option"), ["Let pass", "Reject", "<b>\\u{202e}"]);
    value.set("allow".to_owned());
    settle().await;
    assert_eq!(stage.texts("option"), ["Let pass", "Reject"]);
    assert_eq!(chosen(), "allow");

    assert_eq!(described(&stage, &select), None);
    error.set(Some("Not here".to_owned()));
    settle().await;
    assert_eq!(described(&stage, &select).as_deref(), Some("Not here"));
    assert_eq!(attribute(&select, "aria-invalid"), "true");
}

#[test]
async fn a_tick_box_has_its_label_and_holds_the_value_both_ways() {
    let (stage, value) = Stage::with("admin", || {
        let value = RwSignal::new(false);
        (
            view! { <Check label="Only warn" value=value hint="Lets pass, and says so" /> },
            value,
        )
    });
    let input = stage.input("input");
    assert_eq!(described(&stage, &input).as_deref(), Some("Lets pass, and says so"));
    stage.one("label").click();
    assert!(input.checked());
    assert!(value.get_untracked());
    value.set(false);
    settle().await;
    assert!(!input.checked());
}
