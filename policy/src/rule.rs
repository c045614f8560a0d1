//! One rule, compiled.

use ipnet::IpNet;

use crate::document::{RuleDocument, rule_name};
use crate::glob::PathGlob;
use crate::path::Path;
use crate::pattern::{self, HostPattern, Specificity};
use crate::problem::{Problem, shown};
use crate::target::RequestLine;
use crate::timestamp::Timestamp;
use crate::words::{Effect, Reason, Scope, Why};

/// A compiled rule. What few rules have is kept behind one pointer, so that a
/// list of a million plain ones stays small.
#[derive(Debug, Clone)]
pub struct Rule {
    id: Box<str>,
    host: Box<str>,
    limits: Option<Box<Limits>>,
    specificity: Specificity,
    effect: Effect,
    scope: Scope,
    warn_only: bool,
    terminated_only: bool,
}

/// What narrows a rule down beyond its host.
#[derive(Debug, Clone, Default)]
struct Limits {
    methods: Box<[Box<str>]>,
    ports: Box<[u16]>,
    path: Option<PathGlob>,
    expires_at: Option<Timestamp>,
    resolves_to: Box<[IpNet]>,
}

impl Rule {
    /// The id, as written.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The host pattern in canonical form.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Allow or deny.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whose policy it is from.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether it allows on trial.
    #[must_use]
    pub fn warn_only(&self) -> bool {
        self.warn_only
    }

    /// Whether its author knows that it does not reach opaque connections.
    #[must_use]
    pub fn terminated_only(&self) -> bool {
        self.terminated_only
    }

    /// How specific its host pattern is.
    #[must_use]
    pub fn specificity(&self) -> Specificity {
        self.specificity
    }

    /// Where it stands among rules of its effect that match the same target:
    /// the smallest wins, and of equal ones the first listed.
    pub(crate) fn rank(&self) -> (std::cmp::Reverse<Specificity>, bool, Scope) {
        (std::cmp::Reverse(self.specificity), self.warn_only, self.scope)
    }

    /// The time at and after which it does not exist.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.limits.as_ref()?.expires_at
    }

    /// The methods it is about; empty for any.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        let methods = self.limits.as_ref().map(|limits| &limits.methods);
        methods.into_iter().flatten().map(AsRef::as_ref)
    }

    /// The ports it is about; empty for any.
    #[must_use]
    pub fn ports(&self) -> &[u16] {
        self.limits.as_ref().map_or(&[], |limits| &limits.ports)
    }

    /// The pattern its paths must match.
    #[must_use]
    pub fn path_glob(&self) -> Option<&PathGlob> {
        self.limits.as_ref()?.path.as_ref()
    }

    /// Whether it looks at what an opaque connection hides.
    #[must_use]
    pub fn needs_request(&self) -> bool {
        self.limits
            .as_ref()
            .is_some_and(|limits| !limits.methods.is_empty() || limits.path.is_some())
    }

    /// The blocks that the name it is about may resolve to although they are not public.
    #[must_use]
    pub fn resolves_to(&self) -> &[IpNet] {
        self.limits.as_ref().map_or(&[], |limits| &limits.resolves_to)
    }

    /// Whether the name it is about may resolve to this address.
    #[must_use]
    pub fn may_resolve_to(&self, address: std::net::IpAddr) -> bool {
        let address = crate::address::unmapped(address);
        self.limits
            .as_ref()
            .is_some_and(|limits| limits.resolves_to.iter().any(|net| net.contains(&address)))
    }

    /// Checks everything but the host, in the order of [`Why`].
    pub(crate) fn check(&self, port: u16, request: Option<&Visible<'_>>, now: Timestamp) -> Result<(), Why> {
        let Some(limits) = &self.limits else {
            return Ok(());
        };
        let over = |end| match now {
            Timestamp::UNKNOWN => self.effect == Effect::Allow,
            now => now >= end,
        };
        if limits.expires_at.is_some_and(over) {
            return Err(Why::Expired);
        }
        if !limits.ports.is_empty() && !limits.ports.contains(&port) {
            return Err(Why::Port);
        }
        if limits.methods.is_empty() && limits.path.is_none() {
            return Ok(());
        }
        let request = request.ok_or(Why::Opaque)?;
        let named = |method: &str| method.as_bytes() == request.line.method;
        if !limits.methods.is_empty() && !limits.methods.iter().any(|method| named(method)) {
            return Err(Why::Method);
        }
        let Some(glob) = &limits.path else {
            return Ok(());
        };
        let matches = match request.path() {
            Path::Clean(path) => glob.matches(path),
            // Doubt never widens: it denies, and does not allow.
            Path::Ambiguous => self.effect == Effect::Deny,
        };
        if matches { Ok(()) } else { Err(Why::Path) }
    }

    /// Compiles a rule, or says everything that is wrong with it.
    pub(crate) fn compile(
        document: &RuleDocument,
        scope: Scope,
        at: usize,
        problems: &mut Vec<Problem>,
    ) -> Option<(Self, HostPattern)> {
        let before = problems.len();
        let mut check = Checker { document, at, problems };
        check.words();
        let host = check.host();
        let limits = check.limits();
        if problems.len() > before {
            return None;
        }
        let host = host?;
        let rule = Self {
            id: document.id.as_str().into(),
            host: host.to_string().into(),
            limits,
            specificity: host.specificity(),
            effect: document.effect,
            scope,
            warn_only: document.warn_only,
            terminated_only: document.terminated_only,
        };
        Some((rule, host))
    }
}

/// A visible request, whose path is read once and only if a rule asks.
pub(crate) struct Visible<'a> {
    line: RequestLine<'a>,
    path: std::cell::OnceCell<Path<'a>>,
}

impl<'a> Visible<'a> {
    pub(crate) fn new(line: RequestLine<'a>) -> Self {
        Self {
            line,
            path: std::cell::OnceCell::new(),
        }
    }

    fn path(&self) -> &Path<'a> {
        self.path.get_or_init(|| Path::parse(self.line.path))
    }
}

/// Checks one rule document field by field.
struct Checker<'d, 'p> {
    document: &'d RuleDocument,
    at: usize,
    problems: &'p mut Vec<Problem>,
}

impl Checker<'_, '_> {
    fn problem(&mut self, field: &str, value: &impl serde::Serialize, expected: impl ToString) {
        self.problems.push(Problem {
            at: Some(self.at),
            rule: Some(rule_name(Some(&self.document.id), self.at)),
            field: field.to_owned(),
            value: shown(value),
            expected: expected.to_string(),
        });
    }

    fn words(&mut self) {
        let rule = self.document;
        let id_byte = |b: u8| b.is_ascii_alphanumeric() || b"._:-".contains(&b);
        if !(1..=64).contains(&rule.id.len()) || !rule.id.bytes().all(id_byte) {
            self.problem("id", &rule.id, "an id: 1 to 64 of A-Z a-z 0-9 . _ : -");
        } else if Reason::ALL.iter().any(|reason| reason.as_str() == rule.id) {
            self.problem("id", &rule.id, "an id that is no rejected_by word");
        }
        let deny = rule.effect == Effect::Deny;
        if deny && rule.warn_only {
            self.problem("warn_only", &true, "warn_only on an allow rule only");
        }
        if deny && !rule.resolves_to.is_empty() {
            self.problem("resolves_to", &rule.resolves_to, "resolves_to on an allow rule only");
        }
        let constrained = !rule.methods.is_empty() || rule.path_glob.is_some();
        if rule.terminated_only && !(deny && constrained) {
            self.problem(
                "terminated_only",
                &true,
                "terminated_only on a deny rule with methods or path_glob only",
            );
        }
    }

    fn host(&mut self) -> Option<HostPattern> {
        HostPattern::parse(&self.document.host)
            .map_err(|error| self.problem("host", &self.document.host, error))
            .ok()
    }

    fn limits(&mut self) -> Option<Box<Limits>> {
        let rule = self.document;
        for method in &rule.methods {
            if method == "CONNECT" {
                self.problem(
                    "methods",
                    method,
                    "methods without CONNECT, which is a tunnel and matched by host and port",
                );
            } else if method.is_empty() || !method.bytes().all(is_token) {
                self.problem("methods", method, "a method token such as GET (RFC 9110 §5.6.2)");
            }
        }
        if rule.ports.contains(&0) {
            self.problem("ports", &rule.ports, "ports from 1 to 65535");
        }
        let path = rule.path_glob.as_deref().and_then(|glob| {
            PathGlob::parse(glob)
                .map_err(|error| self.problem("path_glob", &glob, error))
                .ok()
        });
        let expires_at = rule.expires_at.as_deref().and_then(|time| {
            Timestamp::parse_rfc3339(time)
                .map_err(|_| {
                    self.problem(
                        "expires_at",
                        &time,
                        "an RFC 3339 time with a zone, such as 2027-01-01T00:00:00Z",
                    )
                })
                .ok()
        });
        let mut resolves_to = Vec::with_capacity(rule.resolves_to.len());
        for block in &rule.resolves_to {
            match pattern::parse_block(block) {
                Ok(net) => resolves_to.push(net),
                Err(error) => self.problem("resolves_to", block, error),
            }
        }
        let limits = Limits {
            methods: rule.methods.iter().map(|method| method.as_str().into()).collect(),
            ports: rule.ports.as_slice().into(),
            path,
            expires_at,
            resolves_to: resolves_to.into(),
        };
        let none = limits.methods.is_empty()
            && limits.ports.is_empty()
            && limits.path.is_none()
            && limits.expires_at.is_none()
            && limits.resolves_to.is_empty();
        (!none).then(|| Box::new(limits))
    }
}

/// A byte of a token (RFC 9110 §5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
