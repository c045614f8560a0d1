//! Why something was rejected, in words.

use crate::model::Nearest;
use crate::text::visible;

/// What `rejected_by` and `nearest` say, as a sentence without its full stop.
#[must_use]
pub fn reason(rejected_by: &str, nearest: Option<&Nearest>) -> String {
    match (rejected_by, nearest) {
        ("" | "default_deny", Some(nearest)) => near(nearest),
        ("" | "default_deny", None) => "no rule names it".to_owned(),
        ("private_address", _) => "its name may pass, but it led to a private address".to_owned(),
        ("self", _) => "it is the proxy itself".to_owned(),
        ("invalid_authority", _) => "what was asked for is no host".to_owned(),
        ("sni_missing", _) => "the connection named no server".to_owned(),
        ("sni_mismatch", _) => "the connection named another server than the request".to_owned(),
        ("no_policy", _) => "the proxy had no policy yet".to_owned(),
        ("no_resource", _) => "it is not known whose request it was".to_owned(),
        (rule, _) => format!("rule {} denies it", visible(rule)),
    }
}

fn near(nearest: &Nearest) -> String {
    let rule = visible(&nearest.rule_id);
    match nearest.why.as_str() {
        "method" => format!("rule {rule} names it, but not for this method"),
        "port" => format!("rule {rule} names it, but not for this port"),
        "path" => format!("rule {rule} names it, but not for this path"),
        "opaque" => {
            format!("rule {rule} names it, but asks for a method or path, which this connection does not show")
        }
        "expired" => format!("rule {rule} named it, but has expired"),
        why => format!("rule {rule} names it, but does not match ({})", visible(why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_reason_has_words_of_its_own() {
        let words = [
            "default_deny",
            "private_address",
            "self",
            "invalid_authority",
            "sni_missing",
            "sni_mismatch",
            "no_policy",
            "no_resource",
            "meta",
        ];
        let said: std::collections::BTreeSet<String> = words.iter().map(|word| reason(word, None)).collect();
        assert_eq!(said.len(), words.len());
        assert_eq!(reason("meta", None), "rule meta denies it");
    }

    #[test]
    fn the_nearest_rule_is_named_with_what_kept_it() {
        let near = |why: &str| {
            let nearest = Nearest {
                rule_id: "gh".to_owned(),
                why: why.to_owned(),
            };
            reason("default_deny", Some(&nearest))
        };
        assert_eq!(near("method"), "rule gh names it, but not for this method");
        assert_eq!(near("expired"), "rule gh named it, but has expired");
        assert_eq!(near("\u{202e}x"), "rule gh names it, but does not match (\\u{202e}x)");
    }
}
