//! Events over gRPC: OTLP's `LogsService`, as filters and any OpenTelemetry Collector send them.

mod exhausted;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use prost::Message;
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status};

use crate::access::{Credential, Gate};
use crate::error::Error;
use crate::ingest::Ingest;

/// The largest export that is read, uncompressed. A filter sends 1 MiB at most, a relay may put several together.
const MAX_MESSAGE: usize = 8 << 20;

/// Receives exports.
#[derive(Debug)]
pub struct Logs {
    ingest: Ingest,
    gate: Gate,
}

impl Logs {
    /// Of what it receives `ingest` takes in what the credentials behind `gate` allow.
    #[must_use]
    pub fn new(gate: Gate, ingest: Ingest) -> Self {
        Self { ingest, gate }
    }

    /// The service, with its limits and compression.
    #[must_use]
    pub fn into_service(self) -> LogsServiceServer<Self> {
        LogsServiceServer::new(self)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(MAX_MESSAGE)
    }
}

#[tonic::async_trait]
impl LogsService for Logs {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let (metadata, extensions, request) = request.into_parts();
        let caller = Credential::of(metadata.into_headers(), &extensions)
            .caller(&self.gate)
            .await?;
        let bytes = request.encoded_len();
        let accepted = match self.ingest.export(&caller, request, bytes).await {
            Err(Error::RateLimited { retry_after_ms }) => return Err(exhausted::status(retry_after_ms)),
            other => other?,
        };
        let partial_success = (accepted.rejected > 0).then(|| ExportLogsPartialSuccess {
            rejected_log_records: accepted.rejected.try_into().unwrap_or(i64::MAX),
            error_message: accepted.reason,
        });
        Ok(Response::new(ExportLogsServiceResponse { partial_success }))
    }
}
