//! A decision as JSON, written for every request: what is in it needs no escaping, so nothing looks for what does.

use crate::decision::{Decision, Rejection, Verdict};
use crate::host::Host;
use crate::target::escape_raw;

impl Decision<'_, '_> {
    /// Writes it, byte for byte as [`DecisionRecord`](super::DecisionRecord) is written.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let mut object = Object { out, next: b'{' };
        match &self.target {
            Ok(target) => {
                match &target.host {
                    Host::Name(name) => object.plain("host", name.as_str()),
                    Host::Ip(ip) => object.plain("host", &ip.to_string()),
                }
                object.value("port", itoa::Buffer::new().format(target.port));
            }
            Err(raw) => object.escaped("raw", &escape_raw(raw)),
        }
        object.plain("action", self.action.as_str());
        object.value("would_reject", if self.would_reject() { "true" } else { "false" });
        object.plain("mode", self.mode.as_str());
        if let Some(rule) = self.verdict.rule() {
            object.plain("rule_id", rule.id());
        }
        if let Some(scope) = self.rule_scope() {
            object.plain("rule_scope", scope.as_str());
        }
        if let Verdict::Reject(rejection) = &self.verdict {
            object.plain("rejected_by", rejection.rejected_by());
            if let Rejection::Default(Some(nearest)) = rejection {
                object.name("nearest");
                let mut inner = Object {
                    out: object.out,
                    next: b'{',
                };
                inner.plain("rule_id", nearest.rule.id());
                inner.plain("why", nearest.why.as_str());
                inner.out.push(b'}');
            }
        }
        out.push(b'}');
    }
}

/// An object that is being written.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    /// What stands before the next member.
    next: u8,
}

impl Object<'_> {
    fn name(&mut self, name: &str) {
        self.out.extend_from_slice(&[self.next, b'"']);
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.next = b',';
    }

    fn value(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out.extend_from_slice(value.as_bytes());
    }

    /// A text that needs no escaping: a canonical host, the id of a rule, a word.
    fn plain(&mut self, name: &str, text: &str) {
        debug_assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')),
            "{text:?} needs to be escaped"
        );
        self.name(name);
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
    }

    fn escaped(&mut self, name: &str, text: &str) {
        // A text in memory can always be written.
        let json = serde_json::to_string(text).unwrap_or_default();
        self.value(name, &json);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use crate::words::Mode;
    use crate::{Circumstances, Policy, Seen, Surroundings, Timestamp};

    const POLICY: &str = r#"{"rules": [
        {"id": "gh", "effect": "allow", "host": "api.github.com", "methods": ["GET"], "path_glob": "/repos/**", "ports": [443]},
        {"id": "a.b:c_d-E", "effect": "allow", "host": "*.example.com", "warn_only": true},
        {"id": "net", "effect": "deny", "host": "192.0.2.0/24"},
        {"id": "six", "effect": "allow", "host": "2001:db8::1"}
    ]}"#;

    #[test]
    fn it_is_what_the_record_says() {
        let policy = Policy::from_json(POLICY.as_bytes()).unwrap();
        let authorities: [&[u8]; 12] = [
            b"api.github.com:443",
            b"API.GitHub.com",
            b"api.github.com:80",
            b"a.example.com",
            b"example.com",
            b"192.0.2.7:8080",
            b"[2001:db8::1]:443",
            b"[2001:db8::2]",
            b"localhost",
            b"us\"er\\@\x01\xff<\n",
            b"",
            b"127.1",
        ];
        for mode in [Mode::Enforce, Mode::AuditOnly] {
            for authority in authorities {
                for (method, path) in [("GET", "/repos/a"), ("PUT", "/"), ("CONNECT", "")] {
                    let seen = Seen::Request {
                        authority,
                        method: method.as_bytes(),
                        path: Some(path.as_bytes()),
                    };
                    let circumstances = Circumstances {
                        now: Timestamp::from_micros(0),
                        mode: Some(mode),
                        unresolved: false,
                        destination: None,
                    };
                    let decision = policy.decide_resolved(&seen, &Surroundings::new(443), &[], circumstances);
                    let mut written = Vec::new();
                    decision.write_json(&mut written);
                    let expected = serde_json::to_string(&decision.record()).unwrap();
                    assert_eq!(String::from_utf8(written).unwrap(), expected);
                }
            }
        }
    }
}
