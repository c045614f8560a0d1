//! By the browser's own parser of addresses.

use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::draft::Draft;

fn is_a_rule(host: &str) -> bool {
    let draft = Draft {
        host: host.to_owned(),
        ..Draft::new()
    };
    draft.document().is_ok()
}

#[test]
fn names_outside_ascii_become_their_ascii_form() {
    for (typed, converted) in [
        ("bücher.example.com", "xn--bcher-kva.example.com"),
        (" *.BÜCHER.example.com ", "*.xn--bcher-kva.example.com"),
        // Two characters, or one that is the same.
        ("bu\u{308}cher.example.com", "xn--bcher-kva.example.com"),
        ("ｅｘａｍｐｌｅ．com", "example.com"),
        ("a\u{3002}example.com", "a.example.com"),
        ("straße.example.com", "xn--strae-oqa.example.com"),
    ] {
        assert_eq!(to_ascii(typed), converted);
        assert!(is_a_rule(converted), "{converted}");
    }
}

#[test]
fn what_is_ascii_stays_as_it_was_typed() {
    for host in [
        "API.example.com",
        "*.example.com",
        "*",
        "192.0.2.1",
        "2001:db8::/32",
        "0x7f.1",
        "a b",
        "",
    ] {
        assert_eq!(to_ascii(host), host);
    }
}

#[test]
fn what_has_no_ascii_form_stays_and_is_refused() {
    for host in [
        // Would end the host, or begin it only now.
        "bücher.example.com/path",
        "bücher.example.com:443",
        "ü@example.com",
        "ü?.example.com",
        "ü#.example.com",
        // Become such by compatibility.
        "a\u{ff0f}b.example.com",
        "a\u{ff20}example.com",
        "a\u{2048}.example.com",
        // Not of a name.
        "ü b.example.com",
        "b\u{202e}ücher.example.com",
        "xn--zz--.ü.example.com",
        "*.*.ü.example.com",
        // Addresses, in digits of another width.
        "１９２.0.2.1",
        "０x7f.1",
    ] {
        assert_eq!(to_ascii(host), host);
        assert!(!is_a_rule(&to_ascii(host)), "{host}");
    }
}
