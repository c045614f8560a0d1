//! `sluice.policy.v1.PolicyService/Watch`: hands effective policies to filters,
//! at once and with every change, and notes what is in force where.

mod board;
mod epoch;
mod intended;
mod notes;
mod stream;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::access::{Credential, Gate};
use crate::policy_v1::policy_service_server::{PolicyService, PolicyServiceServer};
use crate::policy_v1::{WatchRequest, WatchResponse};
use crate::store::Store;
use board::Board;
use stream::Stream;

pub use intended::Intended;
pub use notes::{Subscription, subscriptions};

/// Larger than any policy that can be saved.
const MESSAGE_LIMIT: usize = 64 << 20;
/// How many answers wait for a slow proxy before the collector waits for it too.
const WAITING: usize = 16;

/// The service.
#[derive(Debug, Clone)]
pub struct Watch {
    store: Store,
    gate: Gate,
    board: Arc<Board>,
    ending: watch::Receiver<bool>,
}

impl Watch {
    /// Serves from a store until `ending` says so.
    #[must_use]
    pub fn new(store: Store, gate: Gate, ending: watch::Receiver<bool>) -> Self {
        let board = Arc::new(Board::new(store.clone()));
        Self {
            store,
            gate,
            board,
            ending,
        }
    }

    /// For a gRPC server.
    #[must_use]
    pub(crate) fn service(self) -> PolicyServiceServer<Self> {
        PolicyServiceServer::new(self)
            .max_decoding_message_size(1 << 20)
            .max_encoding_message_size(MESSAGE_LIMIT)
            .accept_compressed(tonic::codec::CompressionEncoding::Gzip)
    }
}

#[tonic::async_trait]
impl PolicyService for Watch {
    type WatchStream = ReceiverStream<Result<WatchResponse, Status>>;

    async fn watch(&self, request: Request<Streaming<WatchRequest>>) -> Result<Response<Self::WatchStream>, Status> {
        let (metadata, extensions, requests) = request.into_parts();
        let credential = Credential::of(metadata.into_headers(), &extensions);
        let caller = credential.caller(&self.gate).await?;
        if !caller.role.watches() {
            let problem = format!(
                "{} is a {}: only a filter watches policies",
                caller.name,
                caller.role.as_str()
            );
            return Err(Status::permission_denied(problem));
        }
        let (answers, receiver) = mpsc::channel(WAITING);
        let stream = Stream::new(
            self.store.clone(),
            Arc::clone(&self.board),
            self.gate.clone(),
            credential,
            caller,
            answers,
        );
        // Subscribed before anything is read, so that no change falls in between.
        let changes = stream.listen();
        tokio::spawn(stream.serve(requests, changes, self.ending.clone()));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}
