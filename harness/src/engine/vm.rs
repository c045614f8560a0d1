//! One VM with one plugin in it, driven through a stream's callbacks in the
//! order Envoy was observed to call them.

use std::sync::Arc;

use proxy_wasm_host::abi::v0_2_1::types::{Action, PeerType};
use proxy_wasm_host::abi::v0_2_1::{
    CallScope, Callback, ContextId, Guest, GuestError, PluginConfig, StreamKind, VmServices,
};
use sluice_policy::{DecisionRecord, Timestamp};

use super::CompiledFilter;
use super::acts::{Entry, Journal, telling_lines};
use super::clock::VirtualClock;
use super::error::{Did, EngineError};
use super::setup::PluginJson;
use super::shared::Shared;
use super::stream::{Connection, Facts, Lent, Wire};
use super::verdict;

/// Which of the filter's plugins a VM runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plugin {
    Http,
    Tcp,
}

impl Plugin {
    const fn root_id(self) -> &'static str {
        match self {
            Self::Http => "sluice.http",
            Self::Tcp => "sluice.tcp",
        }
    }

    const fn verdict_key(self) -> &'static str {
        match self {
            Self::Http => "sluice_http_verdict",
            Self::Tcp => "sluice_tcp_verdict",
        }
    }
}

/// What follows the headers of a request.
#[derive(Debug)]
pub(super) enum Body {
    /// Nothing.
    None,
    /// Something, of which nothing has come.
    Follows,
    /// Something, which begins like this.
    Begins(Vec<u8>),
}

/// A running filter.
pub(super) struct Vm {
    plugin: Plugin,
    guest: Guest,
    root: ContextId,
    clock: VirtualClock,
    journal: Journal,
    streams: u64,
    /// Lent to the guest during a stream, here between streams.
    facts: Option<Box<Facts>>,
}

/// A guest call that failed, and where.
struct Failed(Callback, GuestError);

type Scope<'a> = CallScope<'a, Lent>;

fn in_callback<T>(callback: Callback, result: Result<T, GuestError>) -> Result<T, Failed> {
    result.map_err(|error| Failed(callback, error))
}

impl Vm {
    /// Starts the filter and configures it; what it did goes to `acts`.
    pub(super) fn start(
        filter: &CompiledFilter,
        plugin: Plugin,
        config: &PluginJson,
        acts: &mut Vec<Entry>,
    ) -> Result<Self, EngineError> {
        let journal = Journal::default();
        let clock = VirtualClock::default();
        let services = VmServices::new(Arc::new(journal.clone()))
            .with_clock(Arc::new(clock.clone()))
            .with_shared(Arc::new(Shared::new(journal.clone())))
            .with_vm_id(*b"sluice");
        let mut guest = filter
            .instance(services)
            .map_err(|error| EngineError::Module(Box::new(error)))?;
        let lent = Lent(Box::new(Facts::new(&journal)));
        let (started, Lent(facts)) = guest.with(lent, |scope| configure(scope, plugin, config));
        journal.take_into(acts);
        match started {
            Ok(Some(root)) => Ok(Self {
                plugin,
                guest,
                root,
                clock,
                journal,
                streams: 0,
                facts: Some(facts),
            }),
            Ok(None) => Err(EngineError::Refused {
                root_id: plugin.root_id(),
                log: telling_lines(acts),
            }),
            Err(failed) => Err(failed.with_log(acts)),
        }
    }

    /// Puts one HTTP request through the filter.
    pub(super) fn request(
        &mut self,
        server_name: &[u8],
        headers: Vec<(Vec<u8>, Vec<u8>)>,
        body: Body,
        at: Timestamp,
        acts: &mut Vec<Entry>,
    ) -> Result<DecisionRecord<'static>, EngineError> {
        let server_name = server_name.to_vec();
        let mut facts = self.begin(Wire::Request { server_name }, at);
        facts.request.fill(headers);
        self.stream(facts, acts, |scope, stream| http_stream(scope, stream, body))
    }

    /// Puts one TCP connection through the filter.
    pub(super) fn connection(
        &mut self,
        connection: Connection,
        at: Timestamp,
        acts: &mut Vec<Entry>,
    ) -> Result<DecisionRecord<'static>, EngineError> {
        let facts = self.begin(Wire::Connection(connection), at);
        self.stream(facts, acts, tcp_stream)
    }

    fn begin(&mut self, wire: Wire, at: Timestamp) -> Box<Facts> {
        self.clock.set(at);
        self.streams = self.streams.wrapping_add(1);
        let mut facts = self.facts.take().unwrap_or_else(|| Box::new(Facts::new(&self.journal)));
        facts.begin(wire, self.streams, self.clock.nanos());
        facts
    }

    fn stream(
        &mut self,
        facts: Box<Facts>,
        acts: &mut Vec<Entry>,
        callbacks: impl FnOnce(&mut Scope<'_>, ContextId) -> Result<Did, Failed>,
    ) -> Result<DecisionRecord<'static>, EngineError> {
        let (root, plugin) = (self.root, self.plugin);
        let kind = match plugin {
            Plugin::Http => StreamKind::Http,
            Plugin::Tcp => StreamKind::Tcp,
        };
        let (did, Lent(facts)) = self.guest.with(Lent(facts), |scope| {
            let created = scope.on_context_create(Some(root));
            let stream = in_callback(Callback::ContextCreate, created)?;
            in_callback(Callback::ContextCreate, scope.expect_stream_kind(stream, kind))?;
            let did = callbacks(scope, stream)?;
            in_callback(Callback::Done, scope.on_done(stream))?;
            in_callback(Callback::Log, scope.on_log(stream))?;
            in_callback(Callback::Delete, scope.on_delete(stream))?;
            Ok::<_, Failed>(did)
        });
        self.facts = Some(facts);
        self.journal.take_into(acts);
        match did {
            Ok(did) => verdict::checked(acts, plugin.verdict_key(), did),
            Err(failed) => Err(failed.with_log(acts)),
        }
    }
}

impl Failed {
    fn with_log(self, acts: &[Entry]) -> EngineError {
        let Self(callback, error) = self;
        EngineError::Failed {
            callback,
            error: Box::new(error),
            log: telling_lines(acts),
        }
    }
}

/// Brings the plugin up; no root context if the filter refused.
fn configure(scope: &mut Scope<'_>, plugin: Plugin, config: &PluginJson) -> Result<Option<ContextId>, Failed> {
    let root = in_callback(Callback::ContextCreate, scope.on_context_create(None))?;
    if !in_callback(Callback::VmStart, scope.on_vm_start(root))? {
        return Ok(None);
    }
    let config = PluginConfig::new()
        .with_name(*b"sluice")
        .with_root_id(plugin.root_id())
        .with_configuration(config.bytes());
    let accepted = in_callback(Callback::Configure, scope.on_configure(root, config))?;
    Ok(accepted.then_some(root))
}

fn http_stream(scope: &mut Scope<'_>, stream: ContextId, body: Body) -> Result<Did, Failed> {
    let count = scope.stream().0.request.count();
    let answer = scope.on_request_headers(stream, count, matches!(body, Body::None));
    let mut action = answered(scope, Callback::RequestHeaders, answer)?;
    if let (Body::Begins(bytes), Action::Continue) = (body, action) {
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        scope.stream_mut().0.request_body = bytes;
        let answer = scope.on_request_body(stream, size, false);
        action = answered(scope, Callback::RequestBody, answer)?;
    }
    let facts = &scope.stream().0;
    let did = match (facts.response_status, action) {
        // A local reply goes out whatever the callback answers.
        (Some(status), _) => Did::Replied { status },
        (None, _) if facts.closed => Did::Closed,
        (None, Action::Continue) => Did::Passed,
        (None, Action::Pause) => Did::Paused,
    };
    if let Did::Replied { .. } = did {
        local_reply(scope, stream)?;
    }
    Ok(did)
}

/// Envoy sends a local reply through the response callbacks of its filters.
fn local_reply(scope: &mut Scope<'_>, stream: ContextId) -> Result<(), Failed> {
    let facts = &scope.stream().0;
    let (count, size) = (facts.response.count(), facts.response_bytes);
    let headers = scope.on_response_headers(stream, count, size == 0);
    answered(scope, Callback::ResponseHeaders, headers)?;
    if size > 0 {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let body = scope.on_response_body(stream, size, true);
        answered(scope, Callback::ResponseBody, body)?;
    }
    Ok(())
}

fn tcp_stream(scope: &mut Scope<'_>, stream: ContextId) -> Result<Did, Failed> {
    let answer = scope.on_new_connection(stream);
    let action = answered(scope, Callback::NewConnection, answer)?;
    let (did, peer) = match action {
        _ if scope.stream().0.closed => (Did::Closed, PeerType::Local),
        Action::Continue => (Did::Passed, PeerType::Remote),
        Action::Pause => (Did::Paused, PeerType::Remote),
    };
    let closed = scope.on_downstream_connection_close(stream, peer);
    in_callback(Callback::DownstreamConnectionClose, closed)?;
    Ok(did)
}

fn answered(scope: &mut Scope<'_>, callback: Callback, answer: Result<Action, GuestError>) -> Result<Action, Failed> {
    let action = in_callback(callback, answer)?;
    scope.stream_mut().0.answered(callback, action);
    Ok(action)
}
