//! Whatever was recorded, the policy made of it rejects what is recommended to
//! be denied and nothing else.

use std::collections::BTreeSet;

use sluice_policy::{Policy, Surroundings};

use super::super::{Recommendation, policy_of};
use super::*;
use crate::recording::{Sighting, Visibility};

const HOSTS: [&str; 32] = [
    "example.com",
    "www.example.com",
    "a.example.com",
    "b.example.com",
    "deep.a.example.com",
    "x.y.z.example.org",
    "y.z.example.org",
    "z.example.org",
    "a.z.example.org",
    "example.co.uk",
    "a.example.co.uk",
    "b.co.uk",
    "a.me.github.io",
    "b.github.io",
    "index.example.net",
    "files.example.net",
    "a.files.example.net",
    "b.files.example.net",
    "c.files.example.net",
    "a.fonts.example.org",
    "b.cdn.example.org",
    "myip.example.org",
    "a.myip.example.org",
    "a.hosting.example",
    "self",
    "192.0.2.1",
    "192.0.2.254",
    "[2001:db8::1]",
    "[64:ff9b::c000:201]",
    "[::ffff:192.0.2.254]",
    "127.0.0.1",
    "user@example.com",
];
const PORTS: [&str; 4] = ["", ":80", ":443", ":8443"];
const METHODS: [&str; 5] = ["GET", "POST", "get", "G T", "CONNECT"];
const PATHS: [&str; 10] = [
    "/",
    "/v1/a",
    "/v1/b?x=1",
    "/v1/a/b/c/d",
    "/v1//a",
    "/a%2fb",
    "/v1/*",
    "/%C3%A9",
    "*",
    "",
];

/// A sequence that looks random and is the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % bound as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn recorded(&mut self, hosts: &[&str]) -> Recorded {
        let host = self.pick(hosts);
        let authority = format!("{host}{}", self.pick(&PORTS)).into_bytes();
        let traffic = match self.below(8) {
            0 => Traffic::Tunnel { authority },
            1 => Traffic::Connection {
                server_name: host.into(),
                port: 443,
            },
            kind => Traffic::Exchange {
                tls: kind > 5,
                authority,
                method: self.pick(&METHODS).into(),
                path: (self.below(10) > 0).then(|| self.pick(&PATHS).into()),
            },
        };
        let count = [1, 1, 1, 25][self.below(4)];
        Recorded {
            count,
            ..recorded(traffic)
        }
    }
}

#[test]
fn the_policy_rejects_exactly_what_is_to_be_denied() {
    let catalogue = catalogue();
    let (mut allowed, mut denied, mut outside, mut globs, mut wildcards) = (0, 0, 0, 0, 0);
    for seed in 0..400 {
        let mut dice = Dice(seed);
        // Few hosts at times, so that each is seen often and many are in clear.
        let hosts: Vec<&str> = (0..=dice.below(HOSTS.len())).map(|_| dice.pick(&HOSTS)).collect();
        let recording: Vec<Recorded> = (0..dice.below(60)).map(|_| dice.recorded(&hosts)).collect();
        for visibility in [Visibility::Proxy, Visibility::Terminated] {
            let options = Options {
                visibility,
                ..Options::default()
            };
            let mut observed = Observed::new(&catalogue, options);
            recording.iter().for_each(|recorded| observed.add(recorded));
            let found = observed.suggestions();
            let document = policy_of(&found.suggestions);
            let policy = Policy::compile(&document).unwrap_or_else(|problems| panic!("seed {seed}: {problems}"));
            let to_deny: BTreeSet<&String> = found
                .suggestions
                .iter()
                .filter(|suggestion| suggestion.recommendation == Recommendation::Deny)
                .flat_map(|suggestion| &suggestion.members)
                .collect();
            globs += found
                .suggestions
                .iter()
                .filter(|suggestion| suggestion.path_glob.is_some())
                .count();
            wildcards += found
                .suggestions
                .iter()
                .filter(|suggestion| suggestion.pattern.is_some())
                .count();
            let mut total = 0;
            for recorded in &recording {
                let sighting = Sighting::of(&recorded.traffic, visibility);
                let around = Surroundings::new(options.default_port);
                let decision = policy.decide(&sighting.seen(), &around, Timestamp::from_micros(0));
                let record = decision.record();
                let by = record.rejected_by.as_deref();
                let context = format!("seed {seed} {visibility:?} {sighting:?} {record:?}");
                assert_ne!(by, Some("default_deny"), "{context}");
                match (&record.host, by) {
                    (_, Some("self" | "invalid_authority" | "sni_missing")) => outside += 1,
                    (Some(host), by) => {
                        let host = host.clone().into_owned();
                        assert_eq!(by.is_some(), to_deny.contains(&host), "{context}");
                        total += recorded.count;
                        if by.is_some() { denied += 1 } else { allowed += 1 }
                    }
                    (None, _) => panic!("{context}"),
                }
            }
            let suggested: u64 = found
                .suggestions
                .iter()
                .map(|suggestion| suggestion.request_count)
                .sum();
            assert_eq!(suggested, total, "seed {seed}: every request is in one suggestion");
        }
    }
    // The recordings were worth it.
    assert!(
        allowed > 5000 && denied > 500 && outside > 500 && globs > 100 && wildcards > 50,
        "{allowed} {denied} {outside} {globs} {wildcards}"
    );
}
