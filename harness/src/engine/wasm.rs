//! The filter as it is deployed, with this host in Envoy's place.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sluice_policy::{DecisionRecord, Timestamp};

use super::acts::Entry;
use super::setup::{Listener, PluginJson};
use super::stream::Connection;
use super::vm::{Body, Plugin, Vm};
use super::{CompiledFilter, Engine, EngineError, Setup, client_hello};
use crate::recording::Sighting;

/// VMs kept for other listeners than that of a forward proxy. A plugin dials
/// one default port; recordings know few, and a hostile one shall not know more.
const OTHER_VMS: usize = 8;

/// What a client might say first that is no ClientHello.
const NOT_TLS: &[u8] = b"SSH-2.0-client\r\n";

/// What a VM is for: a listener, and whether addresses are decided on for connections there.
type Served = (Listener, bool);

/// Decides by running the real `.wasm`.
pub struct WasmEngine {
    filter: CompiledFilter,
    config: PluginJson,
    proxy: Vm,
    /// The one used last at the back.
    others: VecDeque<(Served, Vm)>,
    acts: Vec<Entry>,
}

impl WasmEngine {
    /// Starts the filter with a policy.
    ///
    /// # Errors
    /// [`EngineError::Refused`] with what the filter says about the policy,
    /// or whatever else kept it from starting.
    pub fn new(filter: &CompiledFilter, setup: &Setup) -> Result<Self, EngineError> {
        Self::start(filter, PluginJson::of(setup))
    }

    /// Starts the filter with a plugin configuration byte for byte, good or bad.
    ///
    /// # Errors
    /// As [`WasmEngine::new`].
    pub fn with_plugin_config(filter: &CompiledFilter, json: &[u8]) -> Result<Self, EngineError> {
        Self::start(filter, PluginJson::raw(json))
    }

    fn start(filter: &CompiledFilter, config: PluginJson) -> Result<Self, EngineError> {
        let mut acts = Vec::new();
        Ok(Self {
            proxy: Vm::start(filter, Plugin::Http, &config, &mut acts)?,
            filter: filter.clone(),
            config,
            others: VecDeque::new(),
            acts,
        })
    }

    /// Everything the filter did in the last decision, in order; before the
    /// first one, in starting.
    #[must_use]
    pub fn acts(&self) -> &[Entry] {
        &self.acts
    }

    fn behind(&mut self, listener: Listener, across_plugins: bool) -> Result<&mut Vm, EngineError> {
        let wanted = (listener, across_plugins);
        let vm = match self.others.iter().position(|(served, _)| *served == wanted) {
            Some(at) => self.others.remove(at),
            None => None,
        };
        let vm = match vm {
            Some(vm) => vm,
            None => {
                let config = self.config.at(listener);
                let rewritten = across_plugins.then(|| self.filter.across_plugins()).transpose()?;
                let filter = rewritten.as_ref().unwrap_or(&self.filter);
                (wanted, Vm::start(filter, listener.plugin(), &config, &mut self.acts)?)
            }
        };
        if self.others.len() == OTHER_VMS {
            self.others.pop_front();
        }
        self.others.push_back(vm);
        let (_, vm) = self.others.back_mut().expect("it was just pushed");
        Ok(vm)
    }

    fn connection(
        &mut self,
        listener: Listener,
        connection: Connection,
        resolved: &[IpAddr],
        at: Timestamp,
    ) -> Result<DecisionRecord<'_>, EngineError> {
        let mut acts = std::mem::take(&mut self.acts);
        // What is told of a connection there is told of a context of sluice.tcp, by one of sluice.address.
        let vm = self.behind(listener, !resolved.is_empty());
        let decided = vm.and_then(|vm| vm.connection(connection, resolved, at, &mut acts));
        self.acts = acts;
        decided
    }
}

impl Engine for WasmEngine {
    fn decide_resolved(
        &mut self,
        sighting: &Sighting,
        resolved: &[IpAddr],
        at: Timestamp,
    ) -> Result<DecisionRecord<'_>, EngineError> {
        let here = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        match sighting {
            Sighting::Request {
                authority,
                method,
                path,
            } => {
                let headers = request_headers(authority, method, path.as_deref(), "http");
                // A tunnel's bytes are still to come when its headers are decided.
                let body = if method == b"CONNECT" {
                    Body::Follows
                } else {
                    Body::None
                };
                self.proxy.request(b"", headers, body, resolved, at, &mut self.acts)
            }
            Sighting::Terminated {
                authority,
                method,
                path,
                server_name,
            } => {
                let headers = request_headers(authority, method, path.as_deref(), "https");
                let mut acts = std::mem::take(&mut self.acts);
                let vm = self.behind(Listener::Terminating, false);
                let decided = vm.and_then(|vm| vm.request(server_name, headers, Body::None, resolved, at, &mut acts));
                self.acts = acts;
                decided
            }
            Sighting::Connection { server_name, port } => {
                let connection = Connection {
                    server_name: server_name.clone(),
                    destination: here(*port),
                };
                self.connection(Listener::Passthrough(*port), connection, resolved, at)
            }
            Sighting::Dialled {
                server_name,
                destination,
            } => {
                let connection = Connection {
                    server_name: server_name.clone(),
                    destination: *destination,
                };
                self.connection(Listener::Original, connection, resolved, at)
            }
            Sighting::Inside { authority, server_name } => {
                let headers = request_headers(authority, b"CONNECT", None, "http");
                let bytes = match server_name {
                    Some(server_name) => client_hello(server_name),
                    None => NOT_TLS.to_vec(),
                };
                self.proxy
                    .request(b"", headers, Body::Begins(bytes), resolved, at, &mut self.acts)
            }
        }
    }
}

/// The pseudo-headers in Envoy's order; `CONNECT` has no path.
fn request_headers(authority: &[u8], method: &[u8], path: Option<&[u8]>, scheme: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pair = |name: &str, value: &[u8]| (name.as_bytes().to_vec(), value.to_vec());
    let mut headers = Vec::with_capacity(4);
    headers.push(pair(":authority", authority));
    headers.extend(path.map(|path| pair(":path", path)));
    headers.push(pair(":method", method));
    headers.push(pair(":scheme", scheme.as_bytes()));
    headers
}
