//! A client of `sluice.policy.v1`, as a proxy is one.

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};

use crate::policy_v1::policy_service_client::PolicyServiceClient;
use crate::policy_v1::watch_request::Message as Asked;
use crate::policy_v1::watch_response::Message as Answered;
use crate::policy_v1::{Hello, Resource, Subscribe, WatchRequest, WatchResponse};
use crate::{RUNTIME, wait};

/// An open stream that is subscribed to one resource.
#[derive(Debug)]
pub struct Watching {
    answers: Streaming<WatchResponse>,
    _requests: mpsc::Sender<WatchRequest>,
}

impl Watching {
    /// Opens one, of a filter with this token, for `TYPE/ID`. Must not be used from asynchronous code.
    ///
    /// # Errors
    /// With the status that it was answered with.
    ///
    /// # Panics
    /// If that is no resource.
    pub fn start(port: u16, token: &str, resource: &str) -> Result<Self, Status> {
        let (kind, id) = resource.split_once('/').expect("a resource is TYPE/ID");
        let hello = Hello {
            schemas: vec![1],
            build: "test".to_owned(),
            instance: "watching/1".to_owned(),
            held: Vec::new(),
        };
        let subscribe = Subscribe {
            resource: Some(Resource {
                r#type: kind.to_owned(),
                id: id.to_owned(),
            }),
        };
        RUNTIME.block_on(async {
            let (requests, receiver) = mpsc::channel(4);
            for message in [Asked::Hello(hello), Asked::Subscribe(subscribe)] {
                let request = WatchRequest { message: Some(message) };
                requests.send(request).await.expect("there is room for two");
            }
            let client = PolicyServiceClient::connect(format!("http://127.0.0.1:{port}")).await;
            let mut request = Request::new(ReceiverStream::new(receiver));
            let value = format!("Bearer {token}").parse().expect("tests use tokens of ASCII");
            request.metadata_mut().insert("authorization", value);
            let mut client = client.map_err(|error| Status::unavailable(error.to_string()))?;
            Ok(Self {
                answers: client.watch(request).await?.into_inner(),
                _requests: requests,
            })
        })
    }

    /// The revision and the content of the next policy, waited for; no content for none.
    ///
    /// # Errors
    /// With the status that the stream ended with.
    pub fn heard(&mut self) -> Result<(u64, String), Status> {
        let next = RUNTIME.block_on(async { tokio::time::timeout(wait::PATIENCE, self.answers.message()).await });
        let next = next.map_err(|_| Status::deadline_exceeded("no policy came"))??;
        let message = next.and_then(|answer| answer.message);
        match message.ok_or_else(|| Status::cancelled("the stream ended"))? {
            Answered::Policy(policy) => {
                let content = String::from_utf8_lossy(&policy.content).into_owned();
                Ok((policy.version.unwrap_or_default().revision, content))
            }
            Answered::None(none) => Ok((none.version.unwrap_or_default().revision, String::new())),
        }
    }
}
