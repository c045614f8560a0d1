//! The collector with TLS on both ports, and filters that show a certificate instead of a token.

use std::fs;
use std::sync::LazyLock;

use sluice_collector::{Collector, Running, Settings, TlsFiles};
use sluice_tests::policy_v1::policy_service_client::PolicyServiceClient;
use sluice_tests::policy_v1::{Hello, Resource, Subscribe, WatchRequest, watch_request, watch_response};
use sluice_tests::upstream::Authority;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};
use tonic::{Code, Status};
use ureq::tls::{Certificate as Trusted, RootCerts, TlsConfig};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

struct Scene {
    running: Running,
    authority: Authority,
    _folder: TempDir,
}

impl Scene {
    fn start() -> Self {
        let folder = TempDir::with_prefix("sluice-").unwrap();
        let path = |name: &str| folder.path().join(name);
        let authority = Authority::generate();
        let (cert, key) = authority.issue(&["localhost"], &[]);
        for (name, content) in [("ca.pem", &authority.pem()), ("cert.pem", &cert), ("key.pem", &key)] {
            fs::write(path(name), content).unwrap();
        }
        let settings = Settings {
            http: ([127, 0, 0, 1], 0).into(),
            grpc: ([127, 0, 0, 1], 0).into(),
            database: format!("sqlite:{}", path("sluice.db").display()),
            tls: Some(TlsFiles {
                cert: path("cert.pem"),
                key: path("key.pem"),
                client_ca: Some(path("ca.pem")),
            }),
            spiffe: Some("sandbox=spiffe://example.org/ns/*/sa/{id}".to_owned()),
            ..Settings::default()
        };
        let running = RUNTIME.block_on(Collector::start(settings)).unwrap();
        Self {
            running,
            authority,
            _folder: folder,
        }
    }

    /// What a proxy with this SPIFFE ID, or without a certificate, hears of a sandbox.
    fn watch(&self, spiffe: Option<&str>, sandbox: &str) -> Result<Resource, Status> {
        let mut tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.authority.pem()))
            .domain_name("localhost");
        if let Some(uri) = spiffe {
            let (cert, key) = self.authority.issue(&[], &[uri]);
            tls = tls.identity(Identity::from_pem(cert, key));
        }
        let endpoint = Channel::from_shared(format!("https://localhost:{}", self.running.grpc.port())).unwrap();
        let say = |message| WatchRequest { message: Some(message) };
        let resource = Some(Resource {
            r#type: "sandbox".to_owned(),
            id: sandbox.to_owned(),
        });
        let hello = Hello {
            schemas: vec![1],
            instance: "p/1".to_owned(),
            ..Hello::default()
        };
        let requests = [
            say(watch_request::Message::Hello(hello)),
            say(watch_request::Message::Subscribe(Subscribe { resource })),
        ];
        RUNTIME.block_on(async {
            let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
            let open = tokio_stream::StreamExt::chain(tokio_stream::iter(requests), tokio_stream::pending());
            let mut answers = PolicyServiceClient::new(channel).watch(open).await?.into_inner();
            match answers.message().await?.and_then(|answer| answer.message) {
                Some(watch_response::Message::None(none)) => Ok(none.resource.unwrap()),
                other => panic!("{other:?}"),
            }
        })
    }
}

#[test]
fn a_certificate_says_whose_filter_it_is() {
    let scene = Scene::start();
    let own = scene
        .watch(Some("spiffe://example.org/ns/any/sa/sb_1"), "sb_1")
        .unwrap();
    assert_eq!((own.r#type.as_str(), own.id.as_str()), ("sandbox", "sb_1"));
    for (spiffe, sandbox, code) in [
        (
            Some("spiffe://example.org/ns/any/sa/sb_1"),
            "sb_2",
            Code::PermissionDenied,
        ),
        (
            Some("spiffe://other.example/ns/any/sa/sb_1"),
            "sb_1",
            Code::Unauthenticated,
        ),
        (None, "sb_1", Code::Unauthenticated),
    ] {
        let refused = scene.watch(spiffe, sandbox).unwrap_err();
        assert_eq!(refused.code(), code, "{spiffe:?} {sandbox}: {refused}");
    }
    RUNTIME.block_on(scene.running.shutdown());
}

#[test]
fn the_api_is_served_over_tls_only() {
    let scene = Scene::start();
    let port = scene.running.http.port();
    let trusted = Trusted::from_pem(scene.authority.pem().as_bytes()).unwrap();
    let tls = TlsConfig::builder().root_certs(RootCerts::from([trusted])).build();
    let agent: ureq::Agent = ureq::Agent::config_builder().tls_config(tls).proxy(None).build().into();
    let mut answer = agent.get(format!("https://localhost:{port}/healthz")).call().unwrap();
    assert_eq!(answer.body_mut().read_to_string().unwrap(), "ok\n");
    let plain: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    assert!(plain.get(format!("http://127.0.0.1:{port}/healthz")).call().is_err());
    RUNTIME.block_on(scene.running.shutdown());
}

/// Over TLS no other host, and nobody without TLS, can make a browser take another cookie for it.
#[test]
fn a_session_over_tls_has_a_cookie_of_its_own_kind() {
    let scene = Scene::start();
    let port = scene.running.http.port();
    let trusted = Trusted::from_pem(scene.authority.pem().as_bytes()).unwrap();
    let tls = TlsConfig::builder().root_certs(RootCerts::from([trusted])).build();
    let agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .http_status_as_error(false);
    let agent: ureq::Agent = agent.build().into();
    let url = |path: &str| format!("https://localhost:{port}/api/v1/{path}");
    let token = scene.running.first_admin_token.clone().unwrap();
    let request = agent
        .post(url("sessions"))
        .header("content-type", "application/json")
        .header("origin", format!("https://localhost:{port}"));
    let answer = request.send(format!(r#"{{"token": "{token}"}}"#)).unwrap();
    assert_eq!(answer.status(), 201);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    let parts: Vec<&str> = cookie.split("; ").collect();
    assert!(parts[0].starts_with("__Host-sluice_session="), "{cookie}");
    for flag in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(parts.contains(&flag), "{flag}: {cookie}");
    }
    for (sent, status) in [(parts[0], 200), (parts[0].trim_start_matches("__Host-"), 401)] {
        let answer = agent.get(url("sessions/self")).header("cookie", sent).call().unwrap();
        assert_eq!(answer.status(), status, "{sent}");
    }
    RUNTIME.block_on(scene.running.shutdown());
}
