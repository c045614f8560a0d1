//! `sluice.policy.v1` as the tests need it: `policy/proto/`.

use prost::{Message, Oneof};

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Resource {
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) id: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Version {
    #[prost(uint64, tag = "1")]
    pub(crate) epoch: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) revision: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WatchRequest {
    #[prost(oneof = "Request", tags = "1, 2, 3, 4, 5")]
    pub(crate) message: Option<Request>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Request {
    #[prost(message, tag = "1")]
    Hello(Hello),
    #[prost(message, tag = "2")]
    Subscribe(Subscription),
    #[prost(message, tag = "3")]
    Unsubscribe(Subscription),
    #[prost(message, tag = "4")]
    Ack(Ack),
    #[prost(message, tag = "5")]
    Nack(Nack),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Hello {
    #[prost(uint32, repeated, tag = "1")]
    pub(crate) schemas: Vec<u32>,
    #[prost(string, tag = "2")]
    pub(crate) build: String,
    #[prost(string, tag = "3")]
    pub(crate) instance: String,
    #[prost(message, repeated, tag = "4")]
    pub(crate) held: Vec<Held>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Held {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, optional, tag = "2")]
    pub(crate) version: Option<Version>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Subscription {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Ack {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, optional, tag = "2")]
    pub(crate) version: Option<Version>,
    #[prost(uint32, tag = "3")]
    pub(crate) vms_in_force: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) vms: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Nack {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, optional, tag = "2")]
    pub(crate) version: Option<Version>,
    #[prost(string, tag = "3")]
    pub(crate) error: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WatchResponse {
    #[prost(oneof = "Content", tags = "1, 2")]
    pub(crate) message: Option<Content>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Content {
    #[prost(message, tag = "1")]
    Policy(EffectivePolicy),
    #[prost(message, tag = "2")]
    None(NoPolicy),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct EffectivePolicy {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, optional, tag = "2")]
    pub(crate) version: Option<Version>,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) digest: Vec<u8>,
    #[prost(int32, tag = "4")]
    pub(crate) encoding: i32,
    #[prost(bytes = "vec", tag = "5")]
    pub(crate) content: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct NoPolicy {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, optional, tag = "2")]
    pub(crate) version: Option<Version>,
}
