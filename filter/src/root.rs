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
use crate::vm::{self, Plugin, Slot};

/// A root context. It decides nothing before it is configured.
#[derive(Default)]
pub(crate) struct Root {
    kind: Option<Kind>,
    serving: Option<Rc<Serving>>,
}

/// What the streams of a root context share.
pub(crate) struct Serving {
    pub(crate) slot: Rc<Slot>,
    pub(crate) decisions: Decisions,
}

impl Root {
    fn configure(&mut self) -> Result<(), String> {
        // Envoy knows the plugin in the constructor already; other hosts from here on.
        let root_id = host::property("plugin_root_id").unwrap_or_default();
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
            name: host::property("plugin_name").unwrap_or_default(),
            root_id,
            resource: plan.resource.clone(),
        };
        self.serving = Some(Rc::new(Serving {
            slot: vm::put_in_force(plugin, plan),
            decisions: Decisions::define(),
        }));
        Ok(())
    }
}

impl Context for Root {}

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
    let nanos = if plan.policy.depends_on_time() {
        host::now_nanos().unwrap_or_else(|status| {
            log::error!("the time cannot be read ({status}): rules that expire count as expired");
            u64::MAX
        })
    } else {
        0
    };
    Timestamp::from_micros(i64::try_from(nanos / 1_000).unwrap_or(i64::MAX))
}
