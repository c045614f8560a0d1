//! The same over a real connection, as a filter sends it.

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use sluice_collector::access::{Gate, Role, Scope, create};
use sluice_collector::otlp::Logs;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request};

use super::support::*;

async fn serve(bed: &Bed) -> Channel {
    let logs = Logs::new(Gate::new(bed.store.clone()), bed.ingest.clone()).into_service();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder().add_service(logs);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

async fn token(bed: &Bed, role: Role, scope: &Scope) -> String {
    let mut tx = bed.store.begin().await.unwrap();
    let (_, secret) = create(&mut tx, "vm", role, scope, None, "test").await.unwrap();
    bed.store.commit(tx, &[]).await.unwrap();
    secret
}

fn request(
    token: &str,
    records: impl IntoIterator<Item = serde_json::Value>,
) -> Request<opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest> {
    let mut request = Request::new(export("sandbox/sb_1", records));
    if !token.is_empty() {
        let value = format!("Bearer {token}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    request
}

#[tokio::test]
async fn exports_are_answered_once_they_are_stored() {
    for bed in beds().await {
        let channel = serve(&bed).await;
        let secret = token(&bed, Role::Filter, &"sandbox/sb_1".parse().unwrap()).await;
        let plain = LogsServiceClient::new(channel.clone());
        let mut packed = LogsServiceClient::new(channel)
            .send_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Gzip);
        let answer = packed
            .export(request(&secret, [audit(1, "a.example.com")]))
            .await
            .unwrap();
        assert_eq!(answer.into_inner().partial_success, None);
        let answer = plain
            .clone()
            .export(request(&secret, [audit(2, "A.example.com"), audit(3, "a.example.com")]))
            .await;
        let partial = answer.unwrap().into_inner().partial_success.unwrap();
        assert_eq!(partial.rejected_log_records, 1);
        assert!(
            partial.error_message.contains("server.address"),
            "{}",
            partial.error_message
        );
        assert_eq!(bed.value("SELECT COUNT(*) FROM audit").await, "2");
    }
}

#[tokio::test]
async fn who_may_not_is_told_so() {
    for bed in beds().await {
        let channel = serve(&bed).await;
        let viewer = token(&bed, Role::Viewer, &Scope::Tenant).await;
        for (secret, code) in [
            ("", Code::Unauthenticated),
            ("wrong", Code::Unauthenticated),
            (viewer.as_str(), Code::PermissionDenied),
        ] {
            let mut client = LogsServiceClient::new(channel.clone());
            let refused = client
                .export(request(secret, [audit(1, "a.example.com")]))
                .await
                .unwrap_err();
            assert_eq!(refused.code(), code, "{secret}: {refused}");
        }
        assert_eq!(bed.value("SELECT COUNT(*) FROM audit").await, "0");
    }
}
