//! What stands side by side: each subject has a listener of its own in one Envoy.

use serde_json::{Value, json};

/// The hosts that are asked for, spread over all of the list.
const ASKED: usize = 64;

/// How a subject is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Requests, decided by their authority.
    Http,
    /// TLS connections that go on as they are, decided by their server name.
    Tls,
}

/// One way to decide, with a list of one size.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) protocol: Protocol,
    /// What belongs on one line of the chart.
    pub(crate) family: &'static str,
    pub(crate) hosts: usize,
    /// The filter before the router or the TCP proxy, if there is one.
    pub(crate) filter: Option<Value>,
    pub(crate) access_log: Option<Value>,
}

/// What they need of the bench.
pub(crate) struct Modules<'m> {
    pub(crate) sluice: &'m str,
    pub(crate) reader: &'m str,
}

/// Whose rules nothing but their number tells apart.
pub(crate) fn host(at: usize) -> String {
    format!("h{at}.example.com")
}

/// The largest list. Longer ones than [`INLINE`] come from the policy service.
pub(crate) const MOST: usize = 100_000;
/// What an operator would write into a configuration.
const INLINE: usize = 10_000;

/// A policy that allows so many hosts.
pub(crate) fn policy(hosts: usize) -> Value {
    let rule = |at: usize| json!({"id": format!("r{at}"), "effect": "allow", "host": host(at)});
    json!({"mode": "enforce", "rules": (0..hosts).map(rule).collect::<Vec<_>>()})
}

/// The resource whose policy that is.
pub(crate) fn resource(hosts: usize) -> String {
    format!("r{hosts}")
}

impl Subject {
    fn http(family: &'static str, hosts: usize, filter: Option<Value>) -> Self {
        let size = if hosts == 0 {
            String::new()
        } else {
            format!(", {hosts} hosts")
        };
        Self {
            name: format!("{family}{size}"),
            protocol: Protocol::Http,
            family,
            hosts,
            filter,
            access_log: None,
        }
    }

    fn tls(family: &'static str, hosts: usize, filter: Option<Value>) -> Self {
        Self {
            protocol: Protocol::Tls,
            ..Self::http(family, hosts, filter)
        }
    }

    /// The hosts to ask for.
    pub(crate) fn asked(&self) -> Vec<String> {
        let of = if self.hosts == 0 { ASKED } else { self.hosts };
        let count = of.min(ASKED);
        (0..count).map(|at| host(at * of / count)).collect()
    }
}

/// Every subject; the first is what the others are measured by.
pub(crate) fn all(modules: &Modules<'_>) -> Vec<Subject> {
    let mut all = vec![
        Subject::http("proxy-wasm that reads :authority", 0, Some(reader(modules))),
        Subject::http("no filter", 0, None),
    ];
    for hosts in [10, INLINE, MOST] {
        all.push(Subject::http(
            "Sluice",
            hosts,
            Some(sluice(modules, "http", hosts, false)),
        ));
        all.push(Subject::http(
            "Sluice with events",
            hosts,
            Some(sluice(modules, "http", hosts, true)),
        ));
    }
    for hosts in [10, 1_000, INLINE] {
        all.push(Subject::http("RBAC", hosts, Some(rbac(hosts))));
    }
    all.push(Subject::http("Lua table", INLINE, Some(lua(INLINE))));
    all.push(Subject {
        access_log: Some(grpc_access_log()),
        ..Subject::http("Lua table and gRPC access log", INLINE, Some(lua(INLINE)))
    });
    all.push(Subject::http("ext_authz", INLINE, Some(ext_authz())));
    all.push(Subject::tls("TLS, no filter", 0, None));
    for hosts in [10, INLINE] {
        all.push(Subject::tls(
            "TLS, Sluice",
            hosts,
            Some(sluice(modules, "tcp", hosts, false)),
        ));
        all.push(Subject::tls(
            "TLS, Sluice with events",
            hosts,
            Some(sluice(modules, "tcp", hosts, true)),
        ));
        all.push(Subject::tls("TLS, RBAC", hosts, Some(network_rbac(hosts))));
    }
    all
}

fn wasm(module: &str, kind: &str, vm_id: &str, root_id: &str, configuration: &Value) -> Value {
    let place = if kind == "tcp" { "network" } else { "http" };
    json!({"name": root_id, "typed_config": {
        "@type": format!("type.googleapis.com/envoy.extensions.filters.{place}.wasm.v3.Wasm"),
        "config": {
            "name": root_id,
            "root_id": root_id,
            "failure_policy": "FAIL_RELOAD",
            // A VM for each, so that none pays for another one's policy.
            "vm_config": {"vm_id": vm_id, "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module}}},
            "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration.to_string()},
        },
    }})
}

fn reader(modules: &Modules<'_>) -> Value {
    wasm(modules.reader, "http", "reader", "reader", &json!({}))
}

fn sluice(modules: &Modules<'_>, kind: &str, hosts: usize, events: bool) -> Value {
    let mut configuration = json!({"resource": {"type": "sandbox", "id": resource(hosts)}, "default_port": 80});
    if hosts <= INLINE {
        configuration["policy"] = policy(hosts);
    } else {
        configuration["policy_service"] = json!({"cluster": "policies"});
        configuration["hold_ms"] = json!(60_000);
    }
    if events {
        configuration["events"] = json!({"cluster": "sink"});
    }
    let vm_id = format!("{kind}-{hosts}-{events}");
    wasm(modules.sluice, kind, &vm_id, &format!("sluice.{kind}"), &configuration)
}

/// A permission for each host, of which any will do.
fn rbac_rules(permissions: Vec<Value>) -> Value {
    json!({"action": "ALLOW", "policies": {"hosts": {
        "permissions": [{"or_rules": {"rules": permissions}}],
        "principals": [{"any": true}],
    }}})
}

fn rbac(hosts: usize) -> Value {
    let permission = |at| json!({"header": {"name": ":authority", "string_match": {"exact": host(at)}}});
    json!({"name": "rbac", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": rbac_rules((0..hosts).map(permission).collect()),
    }})
}

fn network_rbac(hosts: usize) -> Value {
    let permission = |at| json!({"requested_server_name": {"exact": host(at)}});
    json!({"name": "rbac", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC",
        "stat_prefix": format!("rbac_{hosts}"),
        "rules": rbac_rules((0..hosts).map(permission).collect()),
    }})
}

fn lua(hosts: usize) -> Value {
    let entries: Vec<String> = (0..hosts).map(|at| format!("[\"{}\"]=true", host(at))).collect();
    let code = format!(
        "local allowed = {{{}}}\n\
         function envoy_on_request(handle)\n\
           if not allowed[handle:headers():get(\":authority\")] then\n\
             handle:respond({{[\":status\"] = \"403\"}}, \"\")\n\
           end\n\
         end\n",
        entries.join(",")
    );
    json!({"name": "lua", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
        "default_source_code": {"inline_string": code},
    }})
}

fn grpc_access_log() -> Value {
    json!({"name": "grpc", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
        "common_config": {
            "log_name": "bench",
            "transport_api_version": "V3",
            "grpc_service": {"envoy_grpc": {"cluster_name": "sink"}},
        },
    }})
}

fn ext_authz() -> Value {
    json!({"name": "ext_authz", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
        "transport_api_version": "V3",
        "grpc_service": {"envoy_grpc": {"cluster_name": "sink"}, "timeout": "2s"},
    }})
}
