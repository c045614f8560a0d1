//! The far side of what is measured: it acknowledges events, reads access logs, and answers who may pass.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use prost::Message;
use prost::bytes::{Buf, BufMut};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{BoxFuture, Context, Poll, Service, http};
use tonic::server::{ClientStreamingService, Grpc, UnaryService};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

const EVENTS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const ACCESS_LOGS: &str = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";
const LARGEST: usize = 64 << 20;

/// Serves until the process ends.
pub(crate) async fn serve(allowed: HashSet<String>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        let sink = Sink(Arc::new(allowed));
        let served = Server::builder().serve_with_incoming(sink, TcpListenerStream::new(listener));
        served.await.expect("a listener on loopback goes on listening");
    });
    address
}

/// All three, by their paths.
#[derive(Clone)]
struct Sink(Arc<HashSet<String>>);

impl Service<http::Request<Body>> for Sink {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let mut grpc = Grpc::new(Bytes).max_decoding_message_size(LARGEST);
            Ok(match request.uri().path() {
                EVENTS => grpc.unary(Acknowledge, request).await,
                ACCESS_LOGS => grpc.client_streaming(Acknowledge, request).await,
                CHECK => grpc.unary(this, request).await,
                _ => Status::unimplemented("nobody measures this").into_http(),
            })
        })
    }
}

struct Acknowledge;

impl UnaryService<Vec<u8>> for Acknowledge {
    type Response = Vec<u8>;
    type Future = BoxFuture<Response<Vec<u8>>, Status>;

    fn call(&mut self, _: Request<Vec<u8>>) -> Self::Future {
        Box::pin(async { Ok(Response::new(Vec::new())) })
    }
}

impl ClientStreamingService<Vec<u8>> for Acknowledge {
    type Response = Vec<u8>;
    type Future = BoxFuture<Response<Vec<u8>>, Status>;

    fn call(&mut self, request: Request<Streaming<Vec<u8>>>) -> Self::Future {
        Box::pin(async move {
            let mut messages = request.into_inner();
            while messages.message().await?.is_some() {}
            Ok(Response::new(Vec::new()))
        })
    }
}

impl UnaryService<Vec<u8>> for Sink {
    type Response = Vec<u8>;
    type Future = BoxFuture<Response<Vec<u8>>, Status>;

    fn call(&mut self, request: Request<Vec<u8>>) -> Self::Future {
        let asked = CheckRequest::decode(request.into_inner().as_slice());
        let host = asked
            .ok()
            .and_then(|asked| asked.attributes?.request?.http)
            .map(|http| http.host);
        let is_allowed = host.is_some_and(|host| self.0.contains(&host));
        let code = if is_allowed {
            tonic::Code::Ok
        } else {
            tonic::Code::PermissionDenied
        };
        let answer = CheckResponse {
            status: Some(CheckStatus { code: code.into() }),
        };
        Box::pin(async move { Ok(Response::new(answer.encode_to_vec())) })
    }
}

/// What is looked at of `envoy.service.auth.v3.CheckRequest`.
#[derive(Clone, PartialEq, Message)]
struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, Message)]
struct Attributes {
    #[prost(message, optional, tag = "4")]
    request: Option<CheckedRequest>,
}

#[derive(Clone, PartialEq, Message)]
struct CheckedRequest {
    #[prost(message, optional, tag = "2")]
    http: Option<CheckedHttp>,
}

#[derive(Clone, PartialEq, Message)]
struct CheckedHttp {
    #[prost(string, tag = "5")]
    host: String,
}

/// What is said of `envoy.service.auth.v3.CheckResponse`.
#[derive(Clone, PartialEq, Message)]
struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    status: Option<CheckStatus>,
}

#[derive(Clone, PartialEq, Message)]
struct CheckStatus {
    #[prost(int32, tag = "1")]
    code: i32,
}

/// Messages as they are.
#[derive(Clone, Copy)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; source.remaining()];
        source.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, bytes: Vec<u8>, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put_slice(&bytes);
        Ok(())
    }
}
