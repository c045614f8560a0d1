//! What the reference collector answers over gRPC: two calls, each behind the bearer token.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::codegen::{BoxFuture, Context, Poll, Service, http};
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, StreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};

use super::codec::Raw;
use super::connection::Kill;
use super::export::Intake;
use super::watch::Board;
use crate::policy_v1::WatchRequest;

const EXPORT: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const WATCH: &str = "/sluice.policy.v1.PolicyService/Watch";

/// More than any batch or policy.
const MESSAGE_LIMIT: usize = 64 << 20;

/// What outlives stops and restarts.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) intake: Intake,
    pub(super) board: Board,
    /// The bearer token that callers must have.
    pub(super) token: Mutex<Option<String>>,
}

impl State {
    /// The token of a caller that may call.
    fn admit(&self, metadata: &MetadataMap) -> Result<Option<String>, Status> {
        let value = metadata.get("authorization").and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned);
        let required = self.token.lock().expect("no holder of this lock panics");
        match &*required {
            Some(_) if token != *required => Err(Status::unauthenticated("this bearer token is not the right one")),
            _ => Ok(token),
        }
    }
}

/// Both calls.
#[derive(Clone)]
pub(super) struct Front(pub(super) Arc<State>);

impl Service<http::Request<Body>> for Front {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let state = Arc::clone(&self.0);
        Box::pin(async move {
            Ok(match request.uri().path() {
                EXPORT => grpc().unary(Export(state), request).await,
                WATCH => grpc().streaming(Watch(state), request).await,
                _ => Status::unimplemented("this is no call of a collector").into_http(),
            })
        })
    }
}

fn grpc<T: Message + Default + 'static>() -> Grpc<Raw<T>> {
    Grpc::new(Raw::new())
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT)
}

struct Export(Arc<State>);

impl UnaryService<ExportLogsServiceRequest> for Export {
    type Response = Vec<u8>;
    type Future = BoxFuture<Response<Vec<u8>>, Status>;

    fn call(&mut self, request: Request<ExportLogsServiceRequest>) -> Self::Future {
        let state = Arc::clone(&self.0);
        Box::pin(async move {
            state.intake.lock().exports += 1;
            let token = state.admit(request.metadata())?;
            let connection = connection(&request);
            let export = state.intake.export(request.into_inner(), token.as_deref(), &connection);
            export.await.map(Response::new)
        })
    }
}

struct Watch(Arc<State>);

impl StreamingService<WatchRequest> for Watch {
    type Response = Vec<u8>;
    type ResponseStream = UnboundedReceiverStream<Result<Vec<u8>, Status>>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<WatchRequest>>) -> Self::Future {
        let state = Arc::clone(&self.0);
        Box::pin(async move {
            state.admit(request.metadata())?;
            let connection = connection(&request);
            let opened = state.board.open(&connection)?;
            tokio::spawn(async move {
                tokio::select! {
                    () = listen(&state.board, opened.number, request.into_inner(), &connection) => {}
                    _ = opened.closed => {}
                }
                state.board.closed(opened.number);
            });
            Ok(Response::new(UnboundedReceiverStream::new(opened.responses)))
        })
    }
}

/// Until the client has no more to say, or is gone.
async fn listen(board: &Board, number: u64, mut requests: Streaming<WatchRequest>, connection: &Kill) {
    while let Ok(Some(request)) = requests.message().await {
        board.received(number, request, connection);
    }
}

fn connection<T>(request: &Request<T>) -> Kill {
    let kill = request.extensions().get::<Kill>();
    kill.expect("every connection is one of ours").clone()
}
