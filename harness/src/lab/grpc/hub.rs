//! The place all guests call, as Envoy's gRPC clients are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proxy_wasm_host::abi::v0_2_1::types::Status;
use proxy_wasm_host::abi::v0_2_1::{CalloutId, Callouts, ContextId, GrpcCall, HeaderPairs, Invocation};

use super::{Call, GrpcStream, Refusal};
use crate::engine::acts::{Act, Journal};
use crate::lab::{VmId, upstream};

/// Where an answer goes: the context and the number it has in its VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lab) struct Address {
    pub(in crate::lab) context: ContextId,
    pub(in crate::lab) callout: CalloutId,
}

/// All calls and streams of a process.
#[derive(Debug, Default)]
pub(in crate::lab) struct Hub(Mutex<Traffic>);

/// What is in a [`Hub`].
#[derive(Debug, Default)]
pub(in crate::lab) struct Traffic {
    last: u64,
    addresses: BTreeMap<u64, (VmId, Address)>,
    pub(in crate::lab) calls: BTreeMap<u64, Call>,
    pub(in crate::lab) streams: BTreeMap<u64, GrpcStream>,
    /// By service; `*` is any.
    pub(in crate::lab) refusals: BTreeMap<String, Refusal>,
}

impl Hub {
    pub(in crate::lab) fn open(&self) -> MutexGuard<'_, Traffic> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Traffic {
    /// Where the answer to an open call or stream goes.
    pub(in crate::lab) fn address(&self, number: u64) -> Option<(VmId, Address)> {
        self.addresses.get(&number).copied()
    }

    /// Ends a call or stream for both sides.
    pub(in crate::lab) fn end(&mut self, number: u64) {
        self.addresses.remove(&number);
        self.calls.remove(&number);
        if let Some(stream) = self.streams.get_mut(&number) {
            stream.open = false;
        }
    }

    /// Ends all that a VM opened: it is gone.
    pub(in crate::lab) fn forget(&mut self, vm: VmId) {
        self.end_where(|owner, _| owner == vm);
    }

    /// Ends what a context of a VM opened: it is deleted.
    pub(in crate::lab) fn forget_context(&mut self, vm: VmId, context: ContextId) {
        self.end_where(|owner, address| owner == vm && address.context == context);
    }

    fn end_where(&mut self, gone: impl Fn(VmId, Address) -> bool) {
        let ended: Vec<u64> = self
            .addresses
            .iter()
            .filter(|(_, (vm, address))| gone(*vm, *address))
            .map(|(number, _)| *number)
            .collect();
        for number in ended {
            self.end(number);
        }
    }

    fn number(&self, vm: VmId, callout: CalloutId) -> Option<u64> {
        self.addresses
            .iter()
            .find_map(|(number, (owner, address))| (*owner == vm && address.callout == callout).then_some(*number))
    }

    fn refusal(&self, service: &str) -> Option<Refusal> {
        self.refusals.get(service).or_else(|| self.refusals.get("*")).copied()
    }
}

/// The hub as one VM reaches it, which notes what the VM does there.
pub(in crate::lab) struct Plug {
    pub(in crate::lab) vm: VmId,
    pub(in crate::lab) hub: Arc<Hub>,
    pub(in crate::lab) journal: Journal,
}

impl Plug {
    /// Takes a call or stream on, and lets `keep` store it under its number.
    fn admit(
        &self,
        call: Invocation,
        callout: CalloutId,
        target: &Target<'_>,
        keep: impl FnOnce(&mut Traffic, u64, String),
    ) -> Result<(), Refusal> {
        let mut traffic = self.hub.open();
        let admitted = match (
            upstream::cluster(target.upstream),
            traffic.refusal(&text(target.service)),
        ) {
            (None, _) => Err(Refusal::UnknownUpstream),
            (Some(_), Some(refusal)) => Err(refusal),
            (Some(cluster), None) => Ok(cluster),
        };
        let number = admitted.is_ok().then_some(traffic.last + 1);
        let opened = Act::GrpcOpen {
            number,
            service: target.service.to_vec(),
            method: target.method.to_vec(),
        };
        self.journal.add(call.callback, opened);
        let cluster = admitted?;
        traffic.last += 1;
        let number = traffic.last;
        let context = call.context;
        traffic
            .addresses
            .insert(number, (self.vm, Address { context, callout }));
        keep(&mut traffic, number, cluster);
        Ok(())
    }
}

struct Target<'a> {
    upstream: &'a [u8],
    service: &'a [u8],
    method: &'a [u8],
}

impl Callouts for Plug {
    fn grpc_call(&self, call: Invocation, callout: CalloutId, request: GrpcCall<'_>) -> Result<(), Refusal> {
        let target = Target {
            upstream: &request.upstream,
            service: &request.service,
            method: &request.method,
        };
        self.admit(call, callout, &target, |traffic, number, cluster| {
            let call = Call {
                number,
                vm: self.vm,
                cluster,
                service: text(&request.service),
                method: text(&request.method),
                metadata: pairs(&request.initial_metadata),
                message: request.message.to_vec(),
                timeout: request.timeout,
            };
            traffic.calls.insert(number, call);
        })
    }

    fn grpc_stream(
        &self,
        call: Invocation,
        callout: CalloutId,
        request: proxy_wasm_host::abi::v0_2_1::GrpcStream<'_>,
    ) -> Result<(), Refusal> {
        let target = Target {
            upstream: &request.upstream,
            service: &request.service,
            method: &request.method,
        };
        self.admit(call, callout, &target, |traffic, number, cluster| {
            let stream = GrpcStream {
                number,
                vm: self.vm,
                cluster,
                service: text(&request.service),
                method: text(&request.method),
                metadata: pairs(&request.initial_metadata),
                sent: Vec::new(),
                half_closed: false,
                open: true,
            };
            traffic.streams.insert(number, stream);
        })
    }

    fn grpc_send(&self, call: Invocation, callout: CalloutId, message: &[u8], last: bool) -> Result<(), Status> {
        let mut traffic = self.hub.open();
        let number = traffic.number(self.vm, callout).ok_or(Status::NotFound)?;
        let message = message.to_vec();
        if let Some(stream) = traffic.streams.get_mut(&number) {
            stream.sent.push(message.clone());
            stream.half_closed |= last;
        }
        let sent = Act::GrpcSend { number, message, last };
        self.journal.add(call.callback, sent);
        Ok(())
    }

    fn grpc_cancel(&self, call: Invocation, callout: CalloutId) {
        let mut traffic = self.hub.open();
        if let Some(number) = traffic.number(self.vm, callout) {
            traffic.end(number);
            self.journal.add(call.callback, Act::GrpcCancel { number });
        }
    }

    fn grpc_close(&self, call: Invocation, callout: CalloutId) {
        let mut traffic = self.hub.open();
        if let Some(number) = traffic.number(self.vm, callout) {
            if let Some(stream) = traffic.streams.get_mut(&number) {
                stream.half_closed = true;
            }
            self.journal.add(call.callback, Act::GrpcClose { number });
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn pairs(pairs: &HeaderPairs<'_>) -> Vec<(String, Vec<u8>)> {
    pairs.iter().map(|(name, value)| (text(name), value.to_vec())).collect()
}
