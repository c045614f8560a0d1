//! Random policies, targets and texts over small alphabets, so that they meet.

use proptest::prelude::*;
use sluice_policy::{Effect, Host, Mode, PolicyDocument, RuleDocument};

use crate::naive::Target;

/// Names of one to four labels out of three.
fn name() -> impl Strategy<Value = String> {
    let label = prop::sample::select(vec!["a", "b", "c-_1"]);
    (
        prop::collection::vec(label, 0..4),
        prop::sample::select(vec!["com", "example"]),
    )
        .prop_map(|(labels, top)| {
            let mut name: Vec<&str> = labels;
            name.push(top);
            name.join(".")
        })
}

fn v4() -> impl Strategy<Value = String> {
    (prop::sample::select(vec![10_u8, 192]), 0..2_u8, 0..2_u8, 0..4_u8)
        .prop_map(|(a, b, c, d)| format!("{a}.{b}.{c}.{d}"))
}

fn v6() -> impl Strategy<Value = String> {
    let forms = vec![
        "2001:db8::{:}",
        "::ffff:{}",
        "::{}",
        "64:ff9b::{}",
        "2002:c000:1::1",
        "2002:a00:1::",
    ];
    (prop::sample::select(forms), v4(), 0..3_u8)
        .prop_map(|(form, v4, low)| form.replace("{:}", &low.to_string()).replace("{}", &v4))
}

fn network() -> impl Strategy<Value = String> {
    let v4 = (v4(), prop::sample::select(vec![0_u8, 8, 16, 24, 30, 31, 32])).prop_map(|(ip, len)| {
        ipnet::Ipv4Net::new(ip.parse().unwrap(), len)
            .unwrap()
            .trunc()
            .to_string()
    });
    let v6 = (v6(), prop::sample::select(vec![0_u8, 16, 32, 64, 96, 104, 112, 128])).prop_map(|(ip, len)| {
        ipnet::Ipv6Net::new(ip.parse().unwrap(), len)
            .unwrap()
            .trunc()
            .to_string()
    });
    prop_oneof![2 => v4, 1 => v6]
}

/// Upper case and a trailing dot, which canonicalising takes away.
fn spelled(name: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (name, any::<bool>(), any::<bool>()).prop_map(|(mut name, upper, dot)| {
        if upper {
            name.make_ascii_uppercase();
        }
        if dot {
            name.push('.');
        }
        name
    })
}

/// Valid host patterns of every kind.
fn host_pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => spelled(name()),
        3 => spelled(name()).prop_map(|name| format!("*.{name}")),
        1 => Just("*".to_owned()),
        2 => v4(),
        1 => v6().prop_map(|ip| format!("[{ip}]")),
        3 => network(),
    ]
}

/// Host patterns, valid or nearly.
pub(crate) fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![3 => host_pattern(), 1 => "[a-c*.:/0-9\\[\\]]{0,12}"]
}

fn method() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["GET", "POST", "get"]).prop_map(str::to_owned)
}

/// Patterns over the alphabet of [`path`].
pub(crate) fn glob() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["/", "a", "b", "?", "*", "**", "/**", "/**/", "/*/", "."]);
    prop::collection::vec(part, 0..7).prop_map(|parts| format!("/{}", parts.concat()))
}

fn valid_glob() -> impl Strategy<Value = String> {
    glob().prop_map(|glob| match sluice_policy::PathGlob::parse(&glob) {
        Ok(_) => glob,
        Err(_) => "/a/**".to_owned(),
    })
}

/// Paths over a small alphabet, escapes and ambiguities among them.
pub(crate) fn path() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "/", "a", "b", "/a", "/b", ".", "..", "/../", "%61", "%2F", "%2e", ";", "?x=/", "é",
    ]);
    prop::collection::vec(part, 0..7).prop_map(|parts| format!("/{}", parts.concat()))
}

fn rule() -> impl Strategy<Value = RuleDocument> {
    let maybe = |of: u32| prop::bool::weighted(1.0 / f64::from(of));
    let limits = (
        prop::collection::vec(method(), 0..2),
        prop::option::weighted(0.2, valid_glob()),
        prop::collection::vec(prop::sample::select(vec![80_u16, 443]), 0..2),
        prop::option::weighted(
            0.2,
            prop::sample::select(vec![
                "2026-05-31T23:59:59Z",
                "2026-06-01T00:00:00Z",
                "2026-06-01T02:00:00+01:00",
            ]),
        ),
    );
    (maybe(3), host_pattern(), maybe(2), limits, maybe(4), maybe(4)).prop_map(
        |(deny, host, plain, limits, warn, terminated)| {
            let effect = if deny { Effect::Deny } else { Effect::Allow };
            let mut rule = RuleDocument::new("", effect, host);
            if !plain {
                let (methods, path_glob, ports, expires_at) = limits;
                rule.methods = methods;
                rule.path_glob = path_glob;
                rule.ports = ports;
                rule.expires_at = expires_at.map(str::to_owned);
            }
            rule.warn_only = warn && !deny;
            rule.terminated_only = terminated && deny && (!rule.methods.is_empty() || rule.path_glob.is_some());
            rule
        },
    )
}

/// Rules with ids by place.
pub(crate) fn rules() -> impl Strategy<Value = Vec<RuleDocument>> {
    prop::collection::vec(rule(), 0..24).prop_map(|mut rules| {
        for (at, rule) in rules.iter_mut().enumerate() {
            rule.id = format!("r{at}");
        }
        rules
    })
}

pub(crate) fn document() -> impl Strategy<Value = PolicyDocument> {
    let mode = prop::option::of(prop::sample::select(Mode::ALL.to_vec()));
    let default = prop::option::of(prop::sample::select(Effect::ALL.to_vec()));
    (mode, default, rules()).prop_map(|(mode, default_effect, rules)| PolicyDocument {
        mode,
        default_effect,
        rules,
    })
}

fn host() -> impl Strategy<Value = Host> {
    let named = name().prop_map(|name| Host::parse(name.as_bytes()).unwrap());
    let v4 = v4().prop_map(|ip| Host::Ip(ip.parse().unwrap()));
    let v6 = v6().prop_map(|ip| Host::Ip(ip.parse().unwrap()));
    prop_oneof![4 => named, 2 => v4, 1 => v6]
}

/// Valid targets that are not the proxy itself.
pub(crate) fn target() -> impl Strategy<Value = Target> {
    let request = prop::option::weighted(0.7, (method(), path()));
    let port = prop::sample::select(vec![80_u16, 443, 8080]);
    (host(), port, request).prop_map(|(host, port, request)| Target::new(host, port, request))
}

/// Authorities, valid or nearly.
pub(crate) fn authority() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        2 => spelled(name()),
        1 => spelled(v4()),
        1 => v6().prop_map(|ip| format!("[{ip}]")),
        1 => "[a-cA-C0-3x.:_%@\\[\\]-]{0,16}",
    ];
    let port = prop::option::of(prop::sample::select(vec![
        "", "0", "80", "080", "65535", "65536", "+1", "x",
    ]));
    (host, port).prop_map(|(host, port)| match port {
        None => host,
        Some(port) => format!("{host}:{port}"),
    })
}
