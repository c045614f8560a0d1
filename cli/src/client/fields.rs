//! Reads the members of JSON that somebody else wrote: what is absent or of
//! another type is empty, so that an older or newer collector can be read too.

use serde_json::Value;

/// Members by name.
pub(crate) trait Fields {
    /// Whatever is there; null if nothing is.
    fn field(&self, name: &str) -> &Value;

    /// A text; empty if it is none.
    fn text(&self, name: &str) -> &str {
        self.field(name).as_str().unwrap_or_default()
    }

    /// A text that is there and not empty.
    fn some(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// A number; 0 if it is none. Of a list, its length.
    fn number(&self, name: &str) -> u64 {
        match self.field(name) {
            Value::Array(list) => list.len() as u64,
            value => value.as_u64().unwrap_or_default(),
        }
    }

    /// Whether it is true.
    fn flag(&self, name: &str) -> bool {
        self.field(name).as_bool().unwrap_or_default()
    }

    /// The elements of a list.
    fn list(&self, name: &str) -> &[Value] {
        self.field(name).as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// The elements of a list as texts, whatever they are.
    fn words(&self, name: &str) -> Vec<String> {
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.list(name).iter().map(word).collect()
    }
}

impl Fields for Value {
    fn field(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Self::Null)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_there_is_empty() {
        let row = json!({"a": "x", "n": 7, "b": true, "l": ["GET", 443], "z": null});
        assert_eq!((row.text("a"), row.number("n"), row.flag("b")), ("x", 7, true));
        assert_eq!(row.words("l"), ["GET", "443"]);
        assert_eq!(row.number("l"), 2);
        for name in ["z", "missing"] {
            assert_eq!((row.text(name), row.number(name), row.flag(name)), ("", 0, false));
            assert!(row.list(name).is_empty() && row.some(name).is_none());
        }
        assert_eq!((row.text("n"), row.number("a")), ("", 0));
        for value in [json!([1]), json!("x"), Value::Null] {
            assert_eq!(value.field("a"), &Value::Null);
        }
    }
}
