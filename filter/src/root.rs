//! The root context of every root id: configuration, and streams.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext, StreamContext};
use proxy_wasm::types::ContextType;
use sluice_policy::Timestamp;

use crate::config::{Kind, Plan};
use crate::host;
use crate::http::Http;
use crate::metrics::Decisions;
use crate::tcp::Tcp;
use crate::vm::{self, Place, Plugin};

/// A root context. It decides nothing before it is configured, and rules no
/// more once Envoy is done with it.
#[derive(Default)]
pub(crate) struct Root {
    kind: Option<Kind>,
    serving: Option<Rc<Serving>>,
}

/// What the streams of a root context share.
pub(crate) struct Serving {
    place: Place,
    pub(crate) decisions: Decisions,
}

impl Serving {
    /// The plan in force for a stream whose callback is running.
    pub(crate) fn plan(&self) -> Rc<Plan> {
        self.place.plan(|| {
            // Eight bytes, little-endian in Envoy.
            let id = host::property("connection\0id").ok()?;
            id.try_into().ok().map(u64::from_le_bytes)
        })
    }
}

impl Root {
    fn configure(&mut self) -> Result<(), String> {
        // Envoy knows the plugin in the constructor already; other hosts from here on.
        let root_id = plugin_property("plugin_root_id")?;
        let kind = Kind::of_root_id(&String::from_utf8_lossy(&root_id)).map_err(|unknown| unknown.to_string())?;
        self.kind = Some(kind);
        let bytes =
            host::plugin_configuration().map_err(|status| format!("configuration: cannot be read: {status}"))?;
        let plan = Plan::from_plugin_configuration(&bytes, kind).map_err(|error| error.to_string())?;
        log::info!(
            "policy in force: mode={} default_effect={} rules={}",
            plan.policy.mode(),
            plan.policy.default_effect(),
            plan.policy.rules().len()
        );
        let plugin = Plugin {
            // Taken for another, a plugin would be ruled by another's policy.
            name: plugin_property("plugin_name")?,
            root_id,
        };
        self.serving = Some(Rc::new(Serving {
            place: vm::put_in_force(plugin, plan),
            decisions: Decisions::define(),
        }));
        Ok(())
    }
}

fn plugin_property(name: &str) -> Result<Vec<u8>, String> {
    host::property(name).map_err(|status| format!("{name}: cannot be read: {status}"))
}

impl Context for Root {
    fn on_done(&mut self) -> bool {
        if let Some(serving) = &self.serving {
            serving.place.leave();
        }
        true
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        match self.configure() {
            Ok(()) => true,
            Err(problems) => {
                for problem in problems.lines() {
                    log::error!("configuration refused: {problem}");
                }
                false
            }
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        // The SDK panics on `None`. Envoy makes no stream of a root context
        // whose configuration was refused, and one made all the same rejects.
        Some(match self.kind {
            Some(Kind::Tcp) => ContextType::StreamContext,
            Some(Kind::Http) | None => ContextType::HttpContext,
        })
    }

    fn create_http_context(&self, _id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Http::new(self.serving.clone())))
    }

    fn create_stream_context(&self, _id: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(Tcp::new(self.serving.clone())))
    }
}

/// The time of a decision, read only where the policy depends on it.
pub(crate) fn now(plan: &Plan) -> Timestamp {
    if !plan.policy.depends_on_time() {
        return Timestamp::from_micros(0);
    }
    match host::now_nanos() {
        Ok(nanos) => i64::try_from(nanos / 1_000).map_or(Timestamp::UNKNOWN, Timestamp::from_micros),
        Err(status) => {
            log::error!("the time cannot be read, so rules that expire are taken for the stricter: {status}");
            Timestamp::UNKNOWN
        }
    }
}
