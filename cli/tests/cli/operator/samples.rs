//! Rows as API.md §3 names them.

use serde_json::{Value, json};

use super::collector::Collector;

/// A host name no table may show as it is.
pub(super) const HOSTILE: &str = "a\u{1b}[2J\u{9b}\u{202e}moc.elpmaxe\n.example.com";

const TIME: &str = "2026-03-02T08:00:00.000001Z";

pub(super) fn resource(kind: &str, id: &str) -> Value {
    json!({"resource_type": kind, "resource_id": id, "name": null, "template": "python", "created_at": TIME, "last_seen": null})
}

pub(super) fn rule(id: &str, host: &str) -> Value {
    json!({"id": id, "name": id, "host": host, "effect": "allow", "methods": ["GET"], "path_glob": "/v1/**", "ports": [443],
           "warn_only": false, "expires_at": null, "resolves_to": [], "note": "n", "policy_id": "pol_1",
           "resource_id": "sb_1", "resource_type": "sandbox", "created_at": TIME, "warnings": []})
}

pub(super) fn policy(id: &str, resource: (&str, &str), mode: &str, revision: u64) -> Value {
    json!({"id": id, "name": "p", "mode": mode, "default_effect": "deny", "description": "", "resource_type": resource.0,
           "resource_id": resource.1, "rules": [rule("rul_1", "api.example.com")], "allow_rules": [], "deny_rules": [],
           "revision": revision, "relock_at": null, "created_at": TIME, "updated_at": TIME})
}

pub(super) fn proxy(id: &str, instance: &str, intended: u64, live: u64) -> Value {
    json!({"resource_type": "sandbox", "resource_id": id, "instance": instance,
           "intended": {"revision": intended}, "behind": live < intended,
           "live": {"epoch": 1, "revision": live, "mode": "enforce"},
           "override": null, "policy_error": null, "seq": 7, "gaps": 0, "dropped": 0, "refused": 0, "lost": 0, "state": "live", "last_seen": "2036-03-02T08:00:00.000001Z"})
}

pub(super) fn pending(id: &str, host: &str, resource: &str) -> Value {
    json!({"id": id, "host": host, "overflow": false, "ports": [443, 8443], "methods": [], "attempts": 3, "first_seen": TIME,
           "last_seen": TIME, "example": null, "rejected_by": "default_deny", "nearest": {"rule_id": "rul_1", "why": "port"},
           "last_allowed_at": null, "changed_by": null, "state": "pending", "resource_type": "sandbox", "resource_id": resource})
}

pub(super) fn decision(number: u64, host: &str) -> Value {
    json!({"id": format!("aud_{number}"), "inserted_at": format!("2026-03-02T08:00:00.{number:06}Z"), "timestamp": TIME,
           "host": host, "port": 443, "raw": null, "method": "GET", "path": "/v1/models", "action": "reject",
           "effect": "deny", "would_reject": true, "status_code": 403, "duration_ms": 1, "bytes_in": 1, "bytes_out": 1,
           "rule_id": null, "rule_host": null, "rule_scope": null, "rejected_by": "default_deny", "nearest": null,
           "policy_id": "pol_1", "revision": 7, "mode": "enforce", "sni": null, "client": "10.0.0.1", "outcome": "ok",
           "resource_id": "sb_1", "resource_type": "sandbox", "metadata": {}})
}

/// A simulation in which one host would be rejected that passes today.
pub(super) fn simulation(host: &str, recent: bool) -> Value {
    let row = json!({"host": host, "port": 443, "members": [], "count": 12, "uncertain": 0, "last_seen": TIME,
                     "action": "reject", "rule_id": null, "rejected_by": "default_deny", "nearest": null,
                     "examples": [], "seen_in": 1, "allowed_today": true});
    let mut trial = row.clone();
    trial["action"] = json!("warn");
    trial["host"] = json!("trial.example.com");
    let breaks: Vec<&Value> = recent.then_some(&row).into_iter().collect();
    json!({"since": TIME, "at": TIME, "totals": {"requests": 30, "allowed": 6, "warned": 12, "rejected": 12, "uncertain": 0},
           "destinations": [row, trial], "breaks": breaks})
}

pub(super) fn suggestion(host: &str, recommendation: &str) -> Value {
    json!({"host": host, "pattern": null, "methods": [], "path_glob": null, "ports": [443], "request_count": 40,
           "denied_count": 0, "first_seen": TIME, "last_seen": TIME, "days_active": 3, "class": "unknown",
           "recommendation": recommendation, "reason": "Seen on 3 days.", "members": [host], "companions": [],
           "seen_in": 1, "resource_id": "sb_1", "resource_type": "sandbox"})
}

pub(super) fn token(id: &str) -> Value {
    json!({"id": id, "name": "anna", "role": "operator", "scope": "tenant", "created_at": TIME, "created_by": "admin",
           "expires_at": null, "revoked_at": null})
}

pub(super) fn user(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name, "role": "operator", "scope": "tenant", "created_at": TIME, "created_by": "admin",
           "changed_at": TIME, "disabled_at": null})
}

pub(super) fn operation() -> Value {
    json!({"id": "7", "at": TIME, "actor": "anna", "address": "192.0.2.1", "operation": "lockdown", "subject": "sandbox/sb_1",
           "details": {"revision": 7}})
}

/// A collector with one of everything.
pub(super) fn stocked() -> Collector {
    let collector = Collector::new();
    let policy = policy("pol_1", ("sandbox", "sb_1"), "enforce", 7);
    let document = json!({"mode": "enforce", "default_effect": "deny",
                          "rules": [{"id": "api", "effect": "allow", "host": "api.example.com", "ports": [443]}]});
    let target = json!({"resource_type": "sandbox", "resource_id": "ci-1", "status": "changed", "policy_id": "pol_2",
                        "revision": 9, "error": null});
    collector
        .list(
            "GET /egress/resources",
            &[
                resource("sandbox", "sb_1"),
                resource("sandbox", "ci-1"),
                resource("computer", "c_1"),
            ],
        )
        .list("GET /egress/policies", std::slice::from_ref(&policy))
        .list("GET /egress/proxies", &[proxy("sb_1", "p/0", 7, 7)])
        .list("GET /egress/pending", &[pending("pen_1", "api.example.com", "sb_1")])
        .list("GET /egress/allowlist", &[rule("rul_1", "api.example.com")])
        .list("GET /egress/audit", &[decision(1, "api.example.com")])
        .list(
            "GET /egress/audit/suggestions",
            &[suggestion("api.example.com", "keep")],
        )
        .list(
            "GET /egress/policies/pol_1/revisions",
            &[revision(7, "lockdown"), revision(6, "create")],
        )
        .list("GET /tokens", &[token("tok_1")])
        .list("GET /users", &[user("usr_1", "anna"), user("usr_2", "bob@example.com")])
        .list("GET /operator-log", &[operation()])
        .on("GET /egress/policies/pol_1/export", document.clone())
        .object(
            "GET /egress/policies/pol_1/revisions/6",
            json!({"mode": "audit_only", "rules": [], "revision": 6}),
        )
        .object("GET /egress/policies/pol_1/revisions/7", document)
        .object(
            "GET /egress/coverage",
            json!({"days": 9, "full_week": true, "growth": [{"day": "2026-03-02", "new": 3}]}),
        )
        .object("POST /egress/simulate", simulation("cdn.example.com", false))
        .object("POST /egress/policies/pol_1/lockdown", policy.clone())
        .object("POST /egress/policies/pol_1/observe", policy.clone())
        .object("POST /egress/policies/pol_1/rollback", policy.clone())
        .object("PATCH /egress/policies/pol_1", policy)
        .object("POST /egress/policies/pol_1/clone", json!({"targets": [target]}))
        .object("POST /egress/policies/-/apply", json!({"targets": [target]}))
        .object(
            "POST /egress/pending/pen_1/approve",
            pending("pen_1", "api.example.com", "sb_1"),
        )
        .object("PUT /egress/resources/sandbox/sb_2", resource("sandbox", "sb_2"))
        .object("GET /egress/resources/sandbox/sb_2", resource("sandbox", "sb_2"));
    collector
}

pub(super) fn revision(number: u64, operation: &str) -> Value {
    json!({"revision": number, "at": TIME, "author": "anna", "operation": operation, "note": "why", "mode": "enforce",
           "rule_count": 1})
}
