//! Deciding as the documentation says it, rule by rule, without an index: what
//! the index is compared with.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sluice_policy::{Effect, Host, HostPattern, Path, Policy, Rule, Scope, Seen, Timestamp};

/// A target in parts.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) port: u16,
    /// Method and path; `None` for an opaque connection.
    pub(crate) request: Option<(String, String)>,
    authority: String,
}

impl Target {
    pub(crate) fn new(host: Host, port: u16, request: Option<(String, String)>) -> Self {
        let authority = match host {
            Host::Ip(IpAddr::V6(v6)) => format!("[{v6}]:{port}"),
            host => format!("{host}:{port}"),
        };
        Self {
            host,
            port,
            request,
            authority,
        }
    }

    pub(crate) fn seen(&self) -> Seen<'_> {
        let (method, path) = match &self.request {
            Some((method, path)) => (method.as_str(), Some(path.as_bytes())),
            None => ("CONNECT", None),
        };
        Seen::Request {
            authority: self.authority.as_bytes(),
            method: method.as_bytes(),
            path,
        }
    }
}

/// Every rule that matches.
pub(crate) fn matching<'p>(policy: &'p Policy, target: &Target, now: Timestamp) -> impl Iterator<Item = &'p Rule> {
    policy.rules().iter().filter(move |rule| matches(rule, target, now))
}

/// Deny beats allow. Among equals of one effect: exact name or address, longest
/// wildcard, longest prefix, `*`; then not `warn_only`; then the tenant's; then
/// the first listed.
pub(crate) fn winner<'p>(policy: &'p Policy, target: &Target, now: Timestamp) -> Option<&'p Rule> {
    let best = |effect| {
        let mut best: Option<&Rule> = None;
        for rule in matching(policy, target, now).filter(|rule| rule.effect() == effect) {
            let better = match best {
                None => true,
                Some(best) => strength(rule, target) > strength(best, target),
            };
            if better {
                best = Some(rule);
            }
        }
        best
    };
    best(Effect::Deny).or_else(|| best(Effect::Allow))
}

/// As written, then class and length of the pattern, `warn_only`, scope: the greatest wins.
fn strength(rule: &Rule, target: &Target) -> (bool, u8, usize, bool, bool) {
    let pattern = HostPattern::parse(rule.host()).unwrap();
    let (class, length) = match pattern {
        HostPattern::Any => (0, 0),
        HostPattern::Network(net) => (1, usize::from(net.prefix_len())),
        HostPattern::Below(name) => (2, name.as_str().split('.').count()),
        HostPattern::Exact(_) => (3, 0),
    };
    // A deny of an address inside another one comes after those of the address
    // as written; `*` is last in any case.
    let as_written = names(&pattern, target.host) && class > 0;
    (
        as_written,
        class,
        length,
        !rule.warn_only(),
        rule.scope() == Scope::Tenant,
    )
}

/// Every rule that is about the target's host and port now, whatever it says of method and path.
#[cfg(feature = "authoring")]
pub(crate) fn naming<'p>(policy: &'p Policy, target: &Target, now: Timestamp) -> impl Iterator<Item = &'p Rule> {
    policy.rules().iter().filter(move |rule| is_about(rule, target, now))
}

fn is_about(rule: &Rule, target: &Target, now: Timestamp) -> bool {
    let pattern = HostPattern::parse(rule.host()).unwrap();
    let host = match (rule.effect(), target.host) {
        (Effect::Allow, Host::Ip(_)) if pattern == HostPattern::Any => false,
        (Effect::Allow, host) => names(&pattern, host),
        (Effect::Deny, host) => names(&pattern, host) || inside(host).into_iter().any(|v4| names(&pattern, v4)),
    };
    let alive = rule.expires_at().is_none_or(|end| now < end);
    let port = rule.ports().is_empty() || rule.ports().contains(&target.port);
    host && alive && port
}

fn matches(rule: &Rule, target: &Target, now: Timestamp) -> bool {
    let request = match &target.request {
        None => rule.methods().next().is_none() && rule.path_glob().is_none(),
        Some((method, path)) => {
            let method_matches = rule.methods().next().is_none() || rule.methods().any(|own| own == method);
            let path_matches = match (rule.path_glob(), Path::parse(Some(path.as_bytes()))) {
                (None, _) => true,
                (Some(glob), Path::Clean(path)) => glob_matches(glob.as_str().as_bytes(), &path),
                (Some(_), Path::Ambiguous) => rule.effect() == Effect::Deny,
            };
            method_matches && path_matches
        }
    };
    request && is_about(rule, target, now)
}

fn names(pattern: &HostPattern, host: Host) -> bool {
    match (pattern, host) {
        (HostPattern::Any, _) => true,
        (HostPattern::Exact(own), host) => *own == host,
        (HostPattern::Below(base), Host::Name(name)) => name.as_str().ends_with(&format!(".{base}")),
        (HostPattern::Network(net), Host::Ip(ip)) => net.contains(&ip),
        _ => false,
    }
}

/// The IPv4 addresses inside an IPv6 one, for the forms that are generated:
/// mapped, compatible, NAT64 and 6to4.
fn inside(host: Host) -> Vec<Host> {
    let Host::Ip(IpAddr::V6(v6)) = host else {
        return Vec::new();
    };
    let within = |prefix: &str, len: u8| {
        let net = ipnet::Ipv6Net::new(prefix.parse::<Ipv6Addr>().unwrap(), len).unwrap();
        net.contains(&v6)
    };
    let bits = u128::from(v6);
    let v4 = if within("::ffff:0:0", 96) || within("::", 96) || within("64:ff9b::", 96) {
        bits as u32
    } else if within("2002::", 16) {
        (bits >> 80) as u32
    } else {
        return Vec::new();
    };
    vec![Host::Ip(IpAddr::V4(Ipv4Addr::from(v4)))]
}

/// `?` one byte but `/`; `*` any within a segment; `**` any; `/**` at the end
/// nothing too; `/**/` a single `/` too.
pub(crate) fn glob_matches(glob: &[u8], path: &[u8]) -> bool {
    // One `/**` at the end, or several, which say no more than one.
    if path.is_empty() && !glob.is_empty() && glob.chunks(3).all(|part| part == b"/**") {
        return true;
    }
    if let Some(rest) = glob.strip_prefix(b"/**/")
        && path.first() == Some(&b'/')
        && (glob_matches(rest, &path[1..]) || glob_matches(&glob[3..], path))
    {
        return true;
    }
    if let Some(rest) = glob.strip_prefix(b"**") {
        return (0..=path.len()).any(|skipped| glob_matches(rest, &path[skipped..]));
    }
    if let Some(rest) = glob.strip_prefix(b"*") {
        let segment = path.iter().take_while(|&&byte| byte != b'/').count();
        return (0..=segment).any(|skipped| glob_matches(rest, &path[skipped..]));
    }
    match (glob.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((b'?', glob)), Some((byte, path))) => *byte != b'/' && glob_matches(glob, path),
        (Some((own, glob)), Some((byte, path))) => own == byte && glob_matches(glob, path),
        _ => false,
    }
}
