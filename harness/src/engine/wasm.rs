//! The filter as it is deployed, with this host in Envoy's place.

use std::collections::VecDeque;

use sluice_policy::{DecisionRecord, Timestamp};

use super::acts::Entry;
use super::setup::PluginJson;
use super::vm::{Plugin, Vm};
use super::{CompiledFilter, Engine, EngineError, Setup};
use crate::recording::Sighting;

/// VMs kept for connections. Each serves one port, because a plugin dials one
/// default port; recordings know few, and a hostile one shall not know more.
const TCP_VMS: usize = 8;

/// Decides by running the real `.wasm`.
pub struct WasmEngine {
    filter: CompiledFilter,
    config: PluginJson,
    http: Vm,
    /// Per port, the one used last at the back.
    tcp: VecDeque<(u16, Vm)>,
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
            http: Vm::start(filter, Plugin::Http, &config, &mut acts)?,
            filter: filter.clone(),
            config,
            tcp: VecDeque::new(),
            acts,
        })
    }

    /// Everything the filter did in the last decision, in order; before the
    /// first one, in starting.
    #[must_use]
    pub fn acts(&self) -> &[Entry] {
        &self.acts
    }

    fn tcp(&mut self, port: u16) -> Result<&mut Vm, EngineError> {
        let vm = match self.tcp.iter().position(|(served, _)| *served == port) {
            Some(at) => self.tcp.remove(at),
            None => None,
        };
        let vm = match vm {
            Some(vm) => vm,
            None => {
                let config = self.config.dialling(port);
                (port, Vm::start(&self.filter, Plugin::Tcp, &config, &mut self.acts)?)
            }
        };
        if self.tcp.len() == TCP_VMS {
            self.tcp.pop_front();
        }
        self.tcp.push_back(vm);
        let (_, vm) = self.tcp.back_mut().expect("it was just pushed");
        Ok(vm)
    }
}

impl Engine for WasmEngine {
    fn decide(&mut self, sighting: &Sighting, at: Timestamp) -> Result<DecisionRecord<'_>, EngineError> {
        match sighting {
            Sighting::Request {
                authority,
                method,
                path,
            } => {
                let headers = request_headers(authority, method, path.as_deref());
                // A tunnel's bytes are still to come when its headers are decided.
                let end_of_stream = method != b"CONNECT";
                self.http.request(headers, end_of_stream, at, &mut self.acts)
            }
            Sighting::Connection { server_name, port } => {
                let mut acts = std::mem::take(&mut self.acts);
                let decided = self.tcp(*port)?.connection(server_name, *port, at, &mut acts);
                self.acts = acts;
                decided
            }
        }
    }
}

/// The pseudo-headers in Envoy's order; `CONNECT` has no path.
fn request_headers(authority: &[u8], method: &[u8], path: Option<&[u8]>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pair = |name: &str, value: &[u8]| (name.as_bytes().to_vec(), value.to_vec());
    let mut headers = Vec::with_capacity(4);
    headers.push(pair(":authority", authority));
    headers.extend(path.map(|path| pair(":path", path)));
    headers.push(pair(":method", method));
    headers.push(pair(":scheme", b"http"));
    headers
}
