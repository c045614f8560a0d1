//! The streams of a VM as the guest reaches them: by the effective context.

use std::collections::{BTreeMap, BTreeSet};

use proxy_wasm_host::HeaderMap;
use proxy_wasm_host::abi::v0_2_1::types::{MapType, Status, StreamType};
use proxy_wasm_host::abi::v0_2_1::{
    Access, Callback, ContextId, ForeignCall, Invocation, LocalResponse, StreamKind, StreamState,
};

use super::open::Open;
use super::traffic::{Property, Reply, find};
use crate::engine::acts::Journal;
use crate::engine::stream::{Facts, Lent};

/// Something a guest wants of a stream. Envoy carries it out once the callback
/// has returned, and so does the lab.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) context: ContextId,
    pub(super) what: What,
}

/// What a guest wants of a stream.
#[derive(Debug)]
pub(super) enum What {
    Resume,
    Reply(Reply),
    Close,
}

/// All contexts of a VM, lent to the guest in every callback.
pub(super) struct Table {
    /// What all root contexts read: the node.
    root: Lent,
    /// What the test says of the VM, to root contexts and streams alike.
    node: Vec<Property>,
    pub(super) roots: BTreeSet<ContextId>,
    pub(super) streams: BTreeMap<ContextId, Open>,
    /// The context the guest made effective in this callback.
    effective: Option<ContextId>,
    /// Root contexts that are not done yet although `on_done` has run.
    pub(super) pending: BTreeSet<ContextId>,
    /// Pending root contexts that the guest declared done.
    pub(super) declared_done: Vec<ContextId>,
    pub(super) wishes: Vec<Wish>,
    /// Whether a gRPC stream ends with its context, of which Envoy says nothing.
    pub(super) silent: bool,
    /// The number that the module answered last.
    pub(super) told: usize,
}

impl Table {
    pub(super) fn new(journal: &Journal, node: &[Property]) -> Self {
        Self {
            root: Lent(Box::new(Facts::new(journal))),
            node: node.to_vec(),
            roots: BTreeSet::new(),
            streams: BTreeMap::new(),
            effective: None,
            pending: BTreeSet::new(),
            declared_done: Vec::new(),
            wishes: Vec::new(),
            silent: false,
            told: 0,
        }
    }

    /// Every callback begins with its own context.
    pub(super) fn begin_callback(&mut self) {
        self.effective = None;
    }

    /// The call, as the guest means it.
    fn meant(&self, mut call: Invocation) -> Invocation {
        call.context = self.effective.unwrap_or(call.context);
        call
    }

    fn lent(&mut self, context: ContextId) -> &mut Lent {
        match self.streams.get_mut(&context) {
            Some(open) => &mut open.lent,
            None => &mut self.root,
        }
    }

    fn wish(&mut self, context: ContextId, what: What) {
        self.wishes.push(Wish { context, what });
    }

    fn kind(&self, context: ContextId) -> Option<StreamKind> {
        self.streams.get(&context).map(|open| open.kind)
    }

    /// What `proxy_set_effective_context` is in Envoy: any context of the VM.
    /// Zero, which no context has, is the module's question whether to be silent.
    fn set_effective(&mut self, number: usize) -> Result<(), Status> {
        if number == 0 && self.silent {
            return Ok(());
        }
        let context = u32::try_from(number).ok().and_then(|id| ContextId::try_from(id).ok());
        let context = context.filter(|id| self.roots.contains(id) || self.streams.contains_key(id));
        self.effective = Some(context.ok_or(Status::BadArgument)?);
        Ok(())
    }

    /// What `proxy_done` is in Envoy: the word of a root context that had
    /// answered `false` to `on_done`, and nothing to any other.
    fn declare_done(&mut self, context: ContextId) -> Result<(), Status> {
        if !self.pending.remove(&context) {
            return Err(Status::NotFound);
        }
        self.declared_done.push(context);
        Ok(())
    }
}

impl StreamState for Table {
    fn header_map(&mut self, call: Invocation, access: Access, map: MapType) -> Result<&mut dyn HeaderMap, Status> {
        let call = self.meant(call);
        let Some(open) = self.streams.get_mut(&call.context) else {
            return Err(Status::BadArgument);
        };
        // Envoy lends them to the filter no longer once the request has gone on.
        let lent = match map {
            MapType::HttpRequestHeaders => open.holds_request || call.callback == Some(Callback::Log),
            _ => matches!(call.callback, Some(Callback::ResponseHeaders | Callback::Log)),
        };
        if !lent || (access == Access::Write && call.callback == Some(Callback::Log)) {
            return Err(Status::BadArgument);
        }
        open.lent.header_map(call, access, map)
    }

    fn property(&mut self, call: Invocation, path: &[&[u8]], out: &mut Vec<u8>) -> Result<(), Status> {
        let call = self.meant(call);
        let told = self.streams.get(&call.context).and_then(|open| open.property(path));
        match told.or_else(|| find(&self.node, path)) {
            Some(value) => {
                *out = value;
                Ok(())
            }
            None => self.lent(call.context).property(call, path, out),
        }
    }

    fn set_property(&mut self, call: Invocation, path: &[&[u8]], value: &[u8]) -> Result<(), Status> {
        if path.is_empty() {
            return self.set_effective(value.len());
        }
        let call = self.meant(call);
        self.lent(call.context).set_property(call, path, value)
    }

    /// Means nothing to a root context or a TCP stream, which Envoy answers `OK` all the same.
    fn send_local_response(&mut self, call: Invocation, response: LocalResponse<'_>) -> Result<(), Status> {
        let call = self.meant(call);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let reply = Reply {
            status: response.status_code,
            details: text(&response.status_code_details),
            headers: response
                .headers
                .iter()
                .map(|(name, value)| (text(name), value.to_vec()))
                .collect(),
            body: response.body.to_vec(),
        };
        if self.kind(call.context) == Some(StreamKind::Http) {
            self.wish(call.context, What::Reply(reply));
        }
        self.lent(call.context).send_local_response(call, response)
    }

    fn close_stream(&mut self, call: Invocation, stream: StreamType) -> Result<(), Status> {
        let call = self.meant(call);
        let closes = matches!(
            (self.kind(call.context), stream),
            (
                Some(StreamKind::Http),
                StreamType::HttpRequest | StreamType::HttpResponse
            ) | (Some(StreamKind::Tcp), StreamType::Downstream | StreamType::Upstream)
        );
        if closes {
            self.wish(call.context, What::Close);
        }
        self.lent(call.context).close_stream(call, stream)
    }

    fn continue_stream(&mut self, call: Invocation, stream: StreamType) -> Result<(), Status> {
        let call = self.meant(call);
        let resumes = matches!(
            (self.kind(call.context), stream),
            (Some(StreamKind::Http), StreamType::HttpRequest) | (Some(StreamKind::Tcp), StreamType::Downstream)
        );
        if resumes {
            self.wish(call.context, What::Resume);
        }
        self.lent(call.context).continue_stream(call, stream)
    }

    fn call_foreign_function(
        &mut self,
        call: Invocation,
        request: ForeignCall<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Status> {
        let call = self.meant(call);
        if !request.name.is_empty() {
            return self.lent(call.context).call_foreign_function(call, request, out);
        }
        match request.arguments.len() {
            0 => self.declare_done(call.context),
            number => {
                self.told = number;
                Ok(())
            }
        }
    }
}
