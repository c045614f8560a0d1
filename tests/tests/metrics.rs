//! What `collector/README.md` says of metrics is what `/metrics` shows.

use serde_json::json;
use sluice_tests::otlp::Client;
use sluice_tests::playbook::Api;
use sluice_tests::sluice::Sluice;
use sluice_tests::{events, wait};

const README: &str = include_str!("../../collector/README.md");

fn scraped(sluice: &Sluice, token: Option<&str>) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let mut request = agent.get(format!("http://{}/metrics", sluice.addresses().http));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let mut answer = request.call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

#[test]
fn every_metric_of_the_readme_is_there_and_counts() {
    let sluice = Sluice::sqlite();
    let addresses = sluice.addresses();
    let api = Api::new(addresses.http, &addresses.token);
    let token = api
        .post(
            "/tokens",
            &json!({"name": "f", "role": "filter", "scope": "sandbox/sb_1"}),
        )
        .data("token");
    let records = [
        events::record(
            "p/1",
            1,
            json!({"sluice.action": "reject", "sluice.would_reject": true, "sluice.rejected_by": "default_deny", "sluice.policy.mode": "enforce"}),
        ),
        events::pending("p/1", 2, json!({"server.address": "api.example.com"})),
    ];
    let client = Client::of(addresses.grpc.port()).token(token.as_str().unwrap());
    client.export(&events::batch("sandbox/sb_1", "p/1", &records)).unwrap();
    assert_eq!(scraped(&sluice, None).0, 401);

    let text = wait::until("the metrics of what was sent", || {
        let (status, text) = scraped(&sluice, Some(&addresses.token));
        (status == 200 && text.contains("sluice_collector_pending 1")).then_some(text)
    });
    let named: Vec<&str> = README
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(|name| name.split('{').next().unwrap_or(name))
        .collect();
    assert!(named.len() > 12, "{named:?}");
    for name in named {
        assert!(
            text.contains(&format!("\n{name}")) || text.starts_with(name),
            "{name} is not in\n{text}"
        );
    }
    for line in [
        "sluice_collector_records_total{event=\"audit\",result=\"stored\"} ",
        "sluice_collector_decisions_total{action=\"reject\",mode=\"enforce\"} ",
        "sluice_collector_database_up 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
