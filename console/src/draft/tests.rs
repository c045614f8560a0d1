use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn draft(host: &str) -> Draft {
    Draft {
        host: host.to_owned(),
        ..Draft::new()
    }
}

#[test]
fn a_rule_stays_what_it_is_through_its_fields() {
    let rule = Rule {
        name: "git".to_owned(),
        host: "*.example.com".to_owned(),
        effect: "allow".to_owned(),
        methods: vec!["GET".to_owned(), "HEAD".to_owned()],
        path_glob: Some("/repos/**".to_owned()),
        ports: vec![443, 8443],
        warn_only: true,
        expires_at: Some("2027-01-01T00:00:00Z".to_owned()),
        resolves_to: vec!["10.2.0.0/16".to_owned()],
        note: Some("for the build".to_owned()),
        ..Rule::default()
    };
    assert_eq!(Draft::of(&rule).body("git"), rule.document());
    let document = Draft::of(&rule).document().unwrap();
    assert_eq!((document.ports, document.methods), (rule.ports, rule.methods));
}

#[test]
fn lists_take_commas_and_spaces() {
    let mut draft = draft("api.example.com");
    draft.ports = " 443,8443  80, ".to_owned();
    draft.methods = "GET POST".to_owned();
    let rule = draft.document().unwrap();
    assert_eq!(rule.ports, [443, 8443, 80]);
    assert_eq!(rule.methods, ["GET", "POST"]);
}

#[test]
fn what_is_wrong_is_told_at_its_field_in_the_words_of_the_policy() {
    let told = |change: fn(&mut Draft)| {
        let mut draft = draft("api.example.com");
        change(&mut draft);
        draft.document().unwrap_err()
    };
    type Write = fn(&mut Draft);
    let cases: [(&str, &str, Write); 10] = [
        ("host", "path_glob", |draft| {
            draft.host = "api.example.com/v1".to_owned()
        }),
        ("host", "10.0.0.0/8", |draft| draft.host = "10.0.0.1/8".to_owned()),
        ("host", "the port goes to ports", |draft| {
            draft.host = "api.example.com:443".to_owned()
        }),
        ("host", "CIDR block", |draft| draft.host = " ".to_owned()),
        ("methods", "CONNECT", |draft| draft.methods = "GET, CONNECT".to_owned()),
        ("ports", "1 to 65535", |draft| draft.ports = "443, https".to_owned()),
        ("ports", "1 to 65535", |draft| draft.ports = "0".to_owned()),
        ("ports", "1 to 65535", |draft| draft.ports = "65536".to_owned()),
        ("resolves_to", "address block", |draft| {
            draft.resolves_to = "10.2.0.0".to_owned()
        }),
        ("expires_at", "RFC 3339", |draft| {
            draft.expires_at = "2027-01-01T00:00".to_owned()
        }),
    ];
    for (field, part, change) in cases {
        let wrong = told(change);
        assert_eq!(wrong.keys().collect::<Vec<_>>(), [field], "{wrong:?}");
        assert!(wrong[field].contains(part), "{wrong:?}");
    }
    let both = told(|draft| {
        draft.host = String::new();
        draft.path_glob = "no slash".to_owned();
    });
    assert_eq!(both.keys().collect::<Vec<_>>(), ["host", "path_glob"]);
}

#[test]
fn what_belongs_to_the_other_effect_is_left_out() {
    let mut draft = draft("api.example.com");
    (draft.warn_only, draft.resolves_to) = (true, "10.0.0.0/8".to_owned());
    (draft.terminated_only, draft.methods) = (true, "GET".to_owned());
    let allow = draft.document().unwrap();
    assert!(allow.warn_only && !allow.resolves_to.is_empty() && !allow.terminated_only);
    draft.effect = "deny".to_owned();
    let deny = draft.document().unwrap();
    assert!(!deny.warn_only && deny.resolves_to.is_empty() && deny.terminated_only);
}

#[test]
fn no_name_outside_ascii_passes_unconverted() {
    for host in ["bücher.example", "*.bücher.example", "api.example.\u{3002}com"] {
        assert!(draft(host).document().unwrap_err().contains_key("host"), "{host}");
    }
    assert_eq!(to_convert("*.bücher.example"), Some(("*.", "bücher.example")));
    assert_eq!(to_convert(" bücher.example "), Some(("", "bücher.example")));
    assert_eq!(to_convert("api.example.com"), None);
    // Nothing of these reaches a parser of addresses, so each stays what is wrong with it.
    for host in [
        "ü@api.example.com",
        "ü/../api.example.com",
        "ü:443",
        "ü?",
        "ü#",
        "ü\\",
        "%c3ü",
        "ü api",
    ] {
        assert_eq!(to_convert(host), None, "{host}");
    }
}
