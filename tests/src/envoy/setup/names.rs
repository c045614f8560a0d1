//! Where the names of tests lead: to this machine, which no public name has any business to lead to.

use serde_json::{Value, json};

use super::each_object;

/// Lets names lead to loopback, unless the configuration says itself where they may lead. What is no JSON object
/// stays what it is.
pub(in crate::envoy) fn may_lead_here(configuration: &str) -> String {
    match serde_json::from_str(configuration) {
        Ok(Value::Object(mut members)) => {
            members.entry("resolves_to").or_insert(json!(["127.0.0.0/8"]));
            Value::Object(members).to_string()
        }
        _ => configuration.to_owned(),
    }
}

/// Has the listener within Envoy dial this port, whatever port was decided: a test cannot listen on that of HTTPS.
pub(super) fn dial_at(bootstrap: &mut Value, port: u16) {
    let script = format!(
        "function envoy_on_request(handle)
           local authority = handle:headers():get(':authority')
           handle:headers():replace(':authority', (authority:gsub(':%d+$', ':{port}')))
         end"
    );
    let other_port = json!({
        "name": "another_port",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": script},
        },
    });
    each_object(bootstrap, &mut |object| {
        if object.get("stat_prefix") == Some(&json!("dial"))
            && let Some(filters) = object.get_mut("http_filters").and_then(Value::as_array_mut)
        {
            filters.insert(0, other_port.clone());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_not_say_itself_is_changed() {
        let changed: Value = serde_json::from_str(&may_lead_here("{\"policy\": {}}")).unwrap();
        assert_eq!(changed, json!({"policy": {}, "resolves_to": ["127.0.0.0/8"]}));
        for text in [r#"{"resolves_to":[]}"#, "[]", "{", ""] {
            assert_eq!(may_lead_here(text), text);
        }
    }
}
