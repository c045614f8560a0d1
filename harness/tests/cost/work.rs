//! What is counted: decisions of one kind, by a policy of one size.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use sluice_harness::lab::{Connection, Counts, Ending, Lab, LabFilter, Plugin, Request, VmId, VmSetup};

/// How many requests or connections are counted.
pub(crate) const REQUESTS: u64 = 100;
const VM: VmId = VmId::from_number(0);

/// One kind of work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    kind: Kind,
    rules: usize,
    events: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing but the start.
    Start,
    /// Requests in clear that a rule allows.
    Allow,
    /// Those that a rule with methods and a path allows.
    AllowPath,
    /// Those that nothing allows.
    Reject,
    /// Tunnels that a rule allows.
    Tunnel,
    /// TLS connections that a rule allows.
    Connection,
}

/// Every work.
pub(crate) fn all() -> impl Iterator<Item = Work> {
    let kinds = [
        Kind::Allow,
        Kind::AllowPath,
        Kind::Reject,
        Kind::Tunnel,
        Kind::Connection,
    ];
    let start = [10, 10_000].map(|rules| (Kind::Start, rules, false));
    let decisions = kinds.into_iter().flat_map(|kind| {
        let sizes = [(10, false), (10, true), (10_000, false)];
        sizes.map(|(rules, events)| (kind, rules, events))
    });
    let all = start.into_iter().chain(decisions);
    all.map(|(kind, rules, events)| Work { kind, rules, events })
}

impl Work {
    pub(crate) fn name(&self) -> String {
        let kind = match self.kind {
            Kind::Start => return format!("start with {} rules", self.rules),
            Kind::Allow => "allowed request",
            Kind::AllowPath => "request allowed by method and path",
            Kind::Reject => "rejected request",
            Kind::Tunnel => "allowed tunnel",
            Kind::Connection => "allowed connection",
        };
        let events = if self.events { "on" } else { "off" };
        format!("{kind}, {} rules, events {events}", self.rules)
    }

    /// What [`REQUESTS`] of them cost a filter that counts, events sent and acknowledged included; or what the
    /// start does. And the bytes of its memory at the end.
    pub(crate) fn costs(&self, filter: &LabFilter) -> (Counts, usize) {
        let plugin = match self.kind {
            Kind::Connection => Plugin::tcp(self.configuration().to_string()),
            _ => Plugin::http(self.configuration().to_string()),
        };
        let mut lab = Lab::with_vms(filter, &VmSetup::new(plugin), 1).unwrap();
        let sent = Rc::new(Cell::new(0_usize));
        let acknowledged = Rc::clone(&sent);
        lab.respond_with(move |call| {
            acknowledged.set(acknowledged.get() + call.message.len());
            Some(Ok(Vec::new()))
        });
        let mut counts = lab.counted(VM).unwrap();
        if self.kind != Kind::Start {
            // What is done once, as for the first request of a host, is no part of it.
            self.run(&mut lab);
            let (before, bytes) = (lab.counted(VM).unwrap(), sent.get());
            self.run(&mut lab);
            assert_eq!(sent.get() > bytes, self.events, "what was recorded is sent");
            counts = lab.counted(VM).unwrap().since(&before);
        }
        assert_eq!(lab.traps(), []);
        (counts, lab.memory(VM).unwrap())
    }

    fn configuration(&self) -> Value {
        let mut rules: Vec<Value> = (0..self.rules)
            .map(|at| {
                let host = match at % 2 {
                    0 => format!("host{at}.example.com"),
                    _ => format!("*.zone{at}.example.com"),
                };
                json!({"id": format!("r{at}"), "effect": "allow", "host": host})
            })
            .collect();
        if self.kind == Kind::AllowPath {
            for rule in &mut rules {
                rule["methods"] = json!(["GET", "POST"]);
                rule["path_glob"] = json!("/v1/**");
            }
        }
        let mut configuration = json!({
            "resource": {"type": "sandbox", "id": "sb_1"},
            "policy": {"mode": "enforce", "rules": rules},
            "default_port": 443,
        });
        if self.events {
            configuration["events"] = json!({"cluster": "collector", "flush_ms": 1000});
        }
        configuration
    }

    fn host(&self, at: usize) -> String {
        match (self.kind, at % 2) {
            (Kind::Reject, _) => format!("unlisted{}.example.net", at % 10),
            // Among all of the rules.
            (_, 0) => format!("host{}.example.com", (at * 101 % self.rules) & !1),
            _ => format!("a.zone{}.example.com", (at * 101 % self.rules) | 1),
        }
    }

    fn run(&self, lab: &mut Lab) {
        for at in 0..usize::try_from(REQUESTS).unwrap() {
            let host = self.host(at);
            if self.kind == Kind::Connection {
                let stream = lab.open_tcp(VM, Connection::new(host, 443));
                lab.end_tcp(&stream, Ending::default());
                continue;
            }
            let request = match self.kind {
                Kind::Tunnel => Request::connect(&format!("{host}:443")),
                _ => Request::new("GET", &host, Some("/v1/items/7?page=2")),
            };
            let stream = lab.open_http(VM, request);
            if self.kind == Kind::Reject {
                lab.end_http(&stream, Ending::default());
            } else {
                lab.respond_http(&stream, 200, &[]);
                lab.end_http(&stream, Ending::response(200));
            }
        }
        if self.events {
            lab.advance(Duration::from_secs(1));
        }
    }
}
