//! One VM with one plugin in it, driven through a stream's callbacks in the
//! order Envoy was observed to call them.

use std::net::{IpAddr, SocketAddr};
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

    const fn stream_kind(self) -> StreamKind {
        match self {
            Self::Http => StreamKind::Http,
            Self::Tcp => StreamKind::Tcp,
        }
    }

    const fn verdict_key(self) -> &'static str {
        match self {
            Self::Http => "sluice_http_verdict",
            Self::Tcp => "sluice_tcp_verdict",
        }
    }
}

/// The root id of the plugin that decides on addresses, in the VM of either of the others.
const ADDRESS: &str = "sluice.address";

/// What our configurations give it: it goes by what the others have.
const ADDRESS_CONFIG: &[u8] = b"{}";

/// A port to dial. Nothing is decided by it here: it is that of the target.
const DIALLED_PORT: u16 = 443;

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
    /// That of `sluice.address`, once an address was to be decided on.
    guard: Option<ContextId>,
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
        let (started, Lent(facts)) = guest.with(lent, |scope| configure(scope, plugin.root_id(), config.bytes()));
        journal.take_into(acts);
        match started {
            Ok(Some(root)) => Ok(Self {
                plugin,
                guest,
                root,
                guard: None,
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

    /// Has addresses decided on from now on, if there are any, as where Envoy
    /// has a filter for that. Before, it would take time of every stream.
    fn expect(&mut self, resolved: &[IpAddr], acts: &mut Vec<Entry>) -> Result<(), EngineError> {
        if resolved.is_empty() || self.guard.is_some() {
            return Ok(());
        }
        let lent = Lent(Box::new(Facts::new(&self.journal)));
        let (started, _) = self.guest.with(lent, |scope| configure(scope, ADDRESS, ADDRESS_CONFIG));
        self.journal.take_into(acts);
        match started {
            Ok(Some(root)) => self.guard = Some(root),
            Ok(None) => {
                return Err(EngineError::Refused {
                    root_id: ADDRESS,
                    log: telling_lines(acts),
                });
            }
            Err(failed) => return Err(failed.with_log(acts)),
        }
        Ok(())
    }

    /// Puts one HTTP request through the filter.
    pub(super) fn request(
        &mut self,
        server_name: &[u8],
        headers: Vec<(Vec<u8>, Vec<u8>)>,
        body: Body,
        resolved: &[IpAddr],
        at: Timestamp,
        acts: &mut Vec<Entry>,
    ) -> Result<DecisionRecord<'static>, EngineError> {
        self.expect(resolved, acts)?;
        let server_name = server_name.to_vec();
        let mut facts = self.begin(Wire::Request { server_name }, at);
        facts.request.fill(headers);
        let no_body = matches!(body, Body::None);
        self.stream(
            facts,
            resolved,
            |scope, stream| http_headers(scope, stream, no_body),
            |scope, stream, action| http_rest(scope, stream, body, action),
            acts,
        )
    }

    /// Puts one TCP connection through the filter.
    pub(super) fn connection(
        &mut self,
        connection: Connection,
        resolved: &[IpAddr],
        at: Timestamp,
        acts: &mut Vec<Entry>,
    ) -> Result<DecisionRecord<'static>, EngineError> {
        self.expect(resolved, acts)?;
        let facts = self.begin(Wire::Connection(connection), at);
        self.stream(facts, resolved, tcp_connection, tcp_rest, acts)
    }

    fn begin(&mut self, wire: Wire, at: Timestamp) -> Box<Facts> {
        self.clock.set(at);
        self.streams = self.streams.wrapping_add(1);
        let mut facts = self.facts.take().unwrap_or_else(|| Box::new(Facts::new(&self.journal)));
        facts.begin(wire, self.streams, self.clock.nanos());
        facts
    }

    /// The ABI crate lends what is known of a stream to one context at a time,
    /// and an address is decided on by a context of its own in the midst of it.
    fn stream(
        &mut self,
        facts: Box<Facts>,
        resolved: &[IpAddr],
        begin: impl FnOnce(&mut Scope<'_>, ContextId) -> Result<Action, Failed>,
        rest: impl FnOnce(&mut Scope<'_>, ContextId, Action) -> Result<Did, Failed>,
        acts: &mut Vec<Entry>,
    ) -> Result<DecisionRecord<'static>, EngineError> {
        let (root, plugin) = (self.root, self.plugin);
        let begin = |scope: &mut Scope<'_>| {
            let stream = created(scope, root, plugin.stream_kind())?;
            Ok((stream, begin(scope, stream)?))
        };
        let rest = |scope: &mut Scope<'_>, (stream, action)| {
            let did = rest(scope, stream, action)?;
            in_callback(Callback::Done, scope.on_done(stream))?;
            in_callback(Callback::Log, scope.on_log(stream))?;
            in_callback(Callback::Delete, scope.on_delete(stream))?;
            Ok::<_, Failed>(did)
        };
        let lent = Lent(facts);
        let (did, Lent(facts)) = match self.guard.filter(|_| !resolved.is_empty()) {
            None => self
                .guest
                .with(lent, |scope| begin(scope).and_then(|begun| rest(scope, begun))),
            Some(guard) => {
                let (begun, lent) = self.guest.with(lent, begin);
                match begun {
                    Ok((stream, action)) => {
                        let (action, lent) = self.dial(guard, resolved, action, lent);
                        let rest = |scope: &mut Scope<'_>| rest(scope, (stream, action?));
                        self.guest.with(lent, rest)
                    }
                    Err(failed) => (Err(failed), lent),
                }
            }
        };
        self.facts = Some(facts);
        self.journal.take_into(acts);
        match did {
            Ok(did) => verdict::checked(acts, plugin.verdict_key(), did),
            Err(failed) => Err(failed.with_log(acts)),
        }
    }

    /// Has addresses decided on that are about to be dialled, one after the
    /// other, as attempts of Envoy's router are: by a context that shows the
    /// properties of the stream that it is for.
    fn dial(
        &mut self,
        guard: ContextId,
        resolved: &[IpAddr],
        mut action: Action,
        mut lent: Lent,
    ) -> (Result<Action, Failed>, Lent) {
        for ip in resolved {
            if action != Action::Continue || lent.0.closed || lent.0.response_status.is_some() {
                break;
            }
            lent.0.upstream = Some(SocketAddr::new(*ip, DIALLED_PORT));
            let (answer, back) = self.guest.with(lent, |scope| attempt(scope, guard));
            lent = back;
            action = match answer {
                Ok(action) => action,
                Err(failed) => return (Err(failed), lent),
            };
        }
        (Ok(action), lent)
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
fn configure(scope: &mut Scope<'_>, root_id: &'static str, config: &[u8]) -> Result<Option<ContextId>, Failed> {
    let root = in_callback(Callback::ContextCreate, scope.on_context_create(None))?;
    if !in_callback(Callback::VmStart, scope.on_vm_start(root))? {
        return Ok(None);
    }
    let config = PluginConfig::new()
        .with_name(*b"sluice")
        .with_root_id(root_id)
        .with_configuration(config);
    let accepted = in_callback(Callback::Configure, scope.on_configure(root, config))?;
    Ok(accepted.then_some(root))
}

fn created(scope: &mut Scope<'_>, root: ContextId, kind: StreamKind) -> Result<ContextId, Failed> {
    let context = in_callback(Callback::ContextCreate, scope.on_context_create(Some(root)))?;
    in_callback(Callback::ContextCreate, scope.expect_stream_kind(context, kind))?;
    Ok(context)
}

/// One attempt to dial an address.
fn attempt(scope: &mut Scope<'_>, guard: ContextId) -> Result<Action, Failed> {
    let count = scope.stream().0.request.count();
    let attempt = created(scope, guard, StreamKind::Http)?;
    let answer = scope.on_request_headers(attempt, count, false);
    let action = answered(scope, Callback::RequestHeaders, answer)?;
    in_callback(Callback::Done, scope.on_done(attempt))?;
    in_callback(Callback::Delete, scope.on_delete(attempt))?;
    Ok(action)
}

fn http_headers(scope: &mut Scope<'_>, stream: ContextId, no_body: bool) -> Result<Action, Failed> {
    let count = scope.stream().0.request.count();
    let answer = scope.on_request_headers(stream, count, no_body);
    answered(scope, Callback::RequestHeaders, answer)
}

fn http_rest(scope: &mut Scope<'_>, stream: ContextId, body: Body, mut action: Action) -> Result<Did, Failed> {
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

fn tcp_connection(scope: &mut Scope<'_>, stream: ContextId) -> Result<Action, Failed> {
    let answer = scope.on_new_connection(stream);
    answered(scope, Callback::NewConnection, answer)
}

fn tcp_rest(scope: &mut Scope<'_>, stream: ContextId, action: Action) -> Result<Did, Failed> {
    let facts = &scope.stream().0;
    let (did, peer) = match action {
        // It goes on as a CONNECT within Envoy: once that is refused, it is closed.
        _ if facts.closed || facts.response_status.is_some() => (Did::Closed, PeerType::Local),
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
