//! What rows keep, and its use in later rows.

use std::collections::BTreeMap;

use serde_json::Value;

/// Kept values by name.
#[derive(Debug, Clone, Default)]
pub(super) struct Values(BTreeMap<String, Value>);

impl Values {
    pub(super) fn keep(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    pub(super) fn get(&self, name: &str) -> Result<&Value, String> {
        self.0
            .get(name)
            .ok_or_else(|| format!("no row before has kept {name:?}"))
    }

    /// A text with each `{{name}}` replaced; texts bare, everything else as JSON.
    pub(super) fn text(&self, text: &str) -> Result<String, String> {
        let (mut whole, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or_else(|| format!("{text:?} lacks a }}}}"))?;
            whole.push_str(before);
            match self.get(name)? {
                Value::String(value) => whole.push_str(value),
                other => whole.push_str(&other.to_string()),
            }
            rest = after;
        }
        Ok(whole + rest)
    }

    /// A value with each text in it replaced. A text that is nothing but `{{name}}` becomes
    /// the kept value, whatever that is.
    pub(super) fn value(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}")) {
                Some(name) if !name.contains('{') => self.get(name)?.clone(),
                _ => Value::String(self.text(text)?),
            },
            Value::Array(values) => values.iter().map(|value| self.value(value)).collect::<Result<_, _>>()?,
            Value::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.value(value)?)));
                Value::Object(members.collect::<Result<_, String>>()?)
            }
            other => other.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kept_values_are_put_where_they_are_named() {
        let mut values = Values::default();
        values.keep("id", json!("pol_1"));
        values.keep("revision", json!(7));
        assert_eq!(
            values.text("/policies/{{id}}?r={{revision}}").unwrap(),
            "/policies/pol_1?r=7"
        );
        assert_eq!(
            values
                .value(&json!({"a": ["{{revision}}", "x{{id}}"], "b": null}))
                .unwrap(),
            json!({"a": [7, "xpol_1"], "b": null})
        );
        assert!(values.text("{{other}}").unwrap_err().contains("other"));
        assert!(values.text("{{id").is_err());
    }
}
