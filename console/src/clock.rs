//! Times in the zone and the language of who looks.

use js_sys::{Date, Intl, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// How a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Day and time to the second.
    Full,
    /// Day and time to the minute.
    Short,
    /// The day alone.
    Day,
    /// The time alone, to the second.
    Time,
}

thread_local! {
    static FORMATS: [Intl::DateTimeFormat; 4] = [
        format(&[("dateStyle", "medium"), ("timeStyle", "medium")]),
        format(&[("dateStyle", "medium"), ("timeStyle", "short")]),
        format(&[("dateStyle", "medium")]),
        format(&[("timeStyle", "medium")]),
    ];
}

fn format(options: &[(&str, &str)]) -> Intl::DateTimeFormat {
    let object = Object::new();
    for (name, value) in options {
        // Only fails on objects that refuse members.
        let _ = Reflect::set(&object, &JsValue::from_str(name), &JsValue::from_str(value));
    }
    Intl::DateTimeFormat::new(&js_sys::Array::new(), &object)
}

/// An RFC 3339 moment for people; what is none stays as it is.
pub(crate) fn local(moment: &str, style: Style) -> String {
    let date = Date::new(&JsValue::from_str(moment));
    if date.get_time().is_nan() {
        return moment.to_owned();
    }
    FORMATS.with(|formats| {
        let [full, short, day, time] = formats;
        let format = match style {
            Style::Full => full,
            Style::Short => short,
            Style::Day => day,
            Style::Time => time,
        };
        let written = format.format().call1(&JsValue::UNDEFINED, date.unchecked_ref());
        written
            .ok()
            .and_then(|text| text.as_string())
            .unwrap_or_else(|| moment.to_owned())
    })
}

/// How long ago, roughly: `just now`, `5 min ago`, `3 h ago`, `2 days ago`.
pub(crate) fn ago(moment: &str) -> String {
    let then = Date::new(&JsValue::from_str(moment)).get_time();
    if then.is_nan() {
        return String::new();
    }
    let seconds = (Date::now() - then) / 1_000.0;
    let whole = |unit: f64| (seconds / unit).floor();
    match seconds {
        seconds if seconds < -60.0 => format!("in {}", span(-seconds)),
        seconds if seconds < 60.0 => "just now".to_owned(),
        seconds if seconds < 3_600.0 => format!("{} min ago", whole(60.0)),
        seconds if seconds < 172_800.0 => format!("{} h ago", whole(3_600.0)),
        _ => format!("{} days ago", whole(86_400.0)),
    }
}

fn span(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 3_600.0 => format!("{} min", (seconds / 60.0).ceil()),
        seconds if seconds < 172_800.0 => format!("{} h", (seconds / 3_600.0).ceil()),
        _ => format!("{} days", (seconds / 86_400.0).ceil()),
    }
}

/// RFC 3339 of a moment that many seconds from now.
pub(crate) fn from_now(seconds: f64) -> String {
    let date = Date::new(&JsValue::from_f64(Date::now() + seconds * 1_000.0));
    date.to_iso_string().into()
}

/// RFC 3339 of what `<input type="datetime-local">` holds, which is in the viewer's zone.
pub(crate) fn of_input(text: &str) -> Option<String> {
    let date = Date::new(&JsValue::from_str(text));
    (!text.is_empty() && !date.get_time().is_nan()).then(|| date.to_iso_string().into())
}

/// What `<input type="datetime-local">` takes of a moment.
pub(crate) fn to_input(moment: &str) -> String {
    let date = Date::new(&JsValue::from_str(moment));
    if date.get_time().is_nan() {
        return String::new();
    }
    let shifted = date.get_time() - date.get_timezone_offset() * 60_000.0;
    let text: String = Date::new(&JsValue::from_f64(shifted)).to_iso_string().into();
    text.chars().take(16).collect()
}

#[cfg(test)]
mod tests;
