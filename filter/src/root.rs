//! The root context of every root id: configuration, and what its streams share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::config::{Kind, Plan};
use crate::ground::Standing;
use crate::host;
use crate::metrics::Decisions;
use crate::places::{Place, Plugin};
use crate::vm::{FIRST_TICK_MS, Ruling, TICK_MS, vm};

/// A root context. It decides nothing before it is configured, and rules no
/// more once the proxy is done with it.
pub(crate) struct Root {
    id: u32,
    serving: RefCell<Option<Rc<Serving>>>,
    ticked: Cell<bool>,
}

/// What the streams of a root context share.
pub(crate) struct Serving {
    pub(crate) kind: Kind,
    pub(crate) decisions: Decisions,
    pub(crate) standing: Standing,
    place: Place<Ruling>,
}

impl Serving {
    /// What is in force for a stream whose callback is running.
    pub(crate) fn ruling(&self) -> Rc<Ruling> {
        self.place.plan(|| host::stream::number("connection\0id"))
    }
}

impl Root {
    pub(crate) fn new(id: u32) -> Self {
        Self {
            id,
            serving: RefCell::default(),
            ticked: Cell::default(),
        }
    }

    pub(crate) fn serving(&self) -> Option<Rc<Serving>> {
        self.serving.borrow().clone()
    }

    /// Reads the configuration; whether it can be carried out.
    pub(crate) fn configure(&self) -> bool {
        match self.try_configure() {
            Ok(()) => true,
            Err(problems) => {
                for problem in problems.lines() {
                    log::error!("configuration refused: {problem}");
                }
                false
            }
        }
    }

    fn try_configure(&self) -> Result<(), String> {
        // Envoy knows the plugin in the constructor already; other hosts from here on.
        let root_id = plugin_property("plugin_root_id")?;
        let kind = Kind::of_root_id(&String::from_utf8_lossy(&root_id)).map_err(|unknown| unknown.to_string())?;
        let bytes =
            host::plugin_configuration().map_err(|status| format!("configuration: cannot be read: {status}"))?;
        let plan = Plan::from_plugin_configuration(&bytes, kind).map_err(|error| error.to_string())?;
        match &plan.inline {
            // It goes by the policies of others.
            _ if kind == Kind::Address => {}
            Some(policy) => log::info!(
                "policy in force: mode={} default_effect={} rules={}",
                policy.mode(),
                policy.default_effect(),
                policy.rules().len()
            ),
            None => log::info!("policies come from the policy service"),
        }
        let plugin = Plugin {
            // Taken for another, a plugin would be ruled by another's policy.
            name: plugin_property("plugin_name")?,
            root_id,
        };
        let place = vm()
            .configure(self.id, plugin, plan)
            .map_err(|problem| problem.to_string())?;
        if kind == Kind::Address {
            vm().guard();
        }
        // All that others would notice waits for a tick: a VM that only tries
        // the configuration is configured too, and does not tick.
        host::set_tick_period(FIRST_TICK_MS)
            .map_err(|status| format!("configuration: no ticks to be had: {status}"))?;
        let serving = Serving {
            kind,
            decisions: Decisions::define(),
            standing: Standing::default(),
            place,
        };
        *self.serving.borrow_mut() = Some(Rc::new(serving));
        Ok(())
    }

    /// The time between two ticks is over.
    pub(crate) fn tick(&self) {
        if !self.ticked.replace(true)
            && let Err(status) = host::set_tick_period(TICK_MS)
        {
            log::warn!("it ticks more often than it need: {status}");
        }
        vm().tick(self.id);
    }

    /// The proxy is done with it; whether it may be deleted now.
    pub(crate) fn done(&self) -> bool {
        if let Some(serving) = &*self.serving.borrow() {
            serving.place.leave();
        }
        vm().root_done(self.id)
    }
}

fn plugin_property(name: &str) -> Result<Vec<u8>, String> {
    host::stream::property(name).map_err(|status| format!("{name}: cannot be read: {status}"))
}
