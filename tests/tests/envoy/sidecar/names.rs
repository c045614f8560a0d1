//! TLS by its server name, and what the policy does: the registry ties a name that is allowed to where it leads.

use serde_json::json;
use sluice_tests::world::World;

use super::{RESET_IN_HANDSHAKE, SOMEWHERE, Scene, policy};

/// The address that the client dialled plays no part: here nobody could answer at it.
#[test]
fn what_is_listed_and_registered_goes_where_its_name_leads() {
    let scene = Scene::locked();
    let tls = scene.curl(&format!("{SOMEWHERE}:443"));
    assert_eq!(tls.get("https://api.github.com/").http_code, 418);
    assert_eq!(
        scene.record(1),
        "allow gh api.github.com:443 > outbound|443||api.github.com"
    );
    let logged = scene.envoy.logged("where it went", |_| true);
    let upstream = format!("127.0.0.1:{}", scene.world.teapot.port());
    assert_eq!(logged.upstream_host, Some(upstream));
    assert_eq!((scene.world.teapot.accepted(), scene.dialled()), (1, 1));
}

#[test]
fn a_name_needs_both_the_policy_and_the_registry() {
    let scene = Scene::locked();
    let refused = |dialled: &str, host: &str| {
        let outcome = scene.curl(dialled).get(&format!("https://{host}/"));
        assert_eq!(outcome.exit, RESET_IN_HANDSHAKE, "{host} at {dialled}");
    };
    let upstream = format!("127.0.0.1:{}", scene.world.teapot.port());
    for (number, (dialled, host, record)) in [
        // Registered and not listed, at this port.
        (
            "192.0.2.1:443",
            "api.openai.com",
            "reject default_deny api.openai.com:443 > nowhere",
        ),
        // Listed and not registered.
        (
            "192.0.2.1:443",
            "new.example.com",
            "allow late new.example.com:443 > BlackHoleCluster",
        ),
        (
            "192.0.2.1:443",
            "unlisted.example.com",
            "reject default_deny unlisted.example.com:443 > nowhere",
        ),
        // Registered for another port: one without a listener, one that is plain HTTP's, one that is an address's.
        (
            "192.0.2.1:8443",
            "api.github.com",
            "allow gh api.github.com:8443 > BlackHoleCluster",
        ),
        (
            "192.0.2.1:80",
            "api.github.com",
            "allow gh api.github.com:80 > BlackHoleCluster",
        ),
        (
            "10.2.0.7:5432",
            "api.github.com",
            "reject private_address api.github.com:5432 > nowhere",
        ),
        // A listed name that is shown to an address of the client's choice.
        (
            &upstream,
            "api.github.com",
            &format!(
                "allow gh api.github.com:{} > BlackHoleCluster",
                scene.world.teapot.port()
            ),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        refused(dialled, host);
        assert_eq!(scene.record(number + 1), record);
    }
    assert_eq!(scene.dialled(), 0, "nothing is dialled");
    assert_eq!(scene.world.dns.queries("new.example.com"), 0, "nothing is looked up");
    assert_eq!(scene.world.dns.queries("unlisted.example.com"), 0);
    let World { tls, teapot, .. } = &scene.world;
    assert_eq!(
        (tls.accepted(), teapot.accepted(), scene.database.accepted()),
        (0, 0, 0)
    );
}

/// `audit_only`, without a rule: what is registered passes, and what is not still goes nowhere.
#[test]
fn as_shipped_it_observes_what_is_registered() {
    let scene = Scene::shipped();
    let tls = scene.curl(&format!("{SOMEWHERE}:443"));
    let http = scene.curl(&format!("{SOMEWHERE}:80"));
    assert_eq!(tls.get("https://api.github.com/").http_code, 418);
    scene.record(1);
    assert_eq!(tls.get("https://api.openai.com/").http_code, 200);
    scene.record(2);
    assert_eq!(http.get("http://api.github.com/").http_code, 200);
    scene.record(3);
    assert_eq!(tls.get("https://unlisted.example.com/").exit, RESET_IN_HANDSHAKE);
    scene.record(4);
    assert_eq!(http.get("http://unlisted.example.com/").http_code, 502);
    let records: Vec<String> = (1..=5).map(|number| scene.record(number)).collect();
    assert_eq!(
        records,
        [
            "allow default_deny api.github.com:443 > outbound|443||api.github.com",
            "allow default_deny api.openai.com:443 > outbound|443||api.openai.com",
            "allow default_deny api.github.com:80 > outbound|80||api.github.com",
            "allow default_deny unlisted.example.com:443 > BlackHoleCluster",
            "allow default_deny unlisted.example.com:80 > nowhere",
        ]
    );
    for entry in scene.envoy.access_log() {
        assert_eq!(entry.decision()["would_reject"], true, "{entry:?}");
    }
    assert_eq!(scene.dialled(), 3);
}

/// One watched file rules every chain that names it.
#[test]
fn a_new_policy_rules_in_every_chain() {
    let mut scene = Scene::shipped();
    let [tls, http] = [443, 80].map(|port| scene.curl(&format!("{SOMEWHERE}:{port}")));
    let configuration = json!({"destination": "registered", "policy": policy("enforce"), "generation": 2});
    scene.envoy.switch(&configuration);
    assert_eq!(tls.get("https://api.openai.com/").exit, RESET_IN_HANDSHAKE);
    assert_eq!(tls.get("https://unlisted.example.com/").exit, RESET_IN_HANDSHAKE);
    assert_eq!(http.get("http://unlisted.example.com/").http_code, 403);
    assert_eq!(scene.dialled(), 0);
    assert_eq!(tls.get("https://api.github.com/").http_code, 418);
    scene.envoy.switch_refused(r#"{"destination": "nowhere"}"#);
    assert_eq!(tls.get("https://api.openai.com/").exit, RESET_IN_HANDSHAKE);
    assert_eq!(tls.get("https://api.github.com/").http_code, 418);
}
