//! The deciding crate called directly, without a VM between.

use std::net::IpAddr;
use std::sync::Arc;

use sluice_policy::{Blocks, Circumstances, DecisionRecord, Policy, Surroundings, Timestamp};

use super::{Engine, EngineError, Setup};
use crate::recording::Sighting;

/// Decides natively. A clone shares the compiled policy.
#[derive(Debug, Clone)]
pub struct NativeEngine {
    policy: Arc<Policy>,
    surroundings: Surroundings,
}

impl NativeEngine {
    /// Compiles the policy.
    ///
    /// # Errors
    /// [`EngineError::Policy`] with every problem of the policy, [`EngineError::ResolvesTo`].
    pub fn new(setup: &Setup) -> Result<Self, EngineError> {
        let policy = Policy::compile(&setup.policy).map_err(EngineError::Policy)?;
        let resolves_to = Blocks::parse(setup.resolves_to.iter().map(String::as_str));
        let resolves_to = resolves_to.map_err(|(block, why)| EngineError::ResolvesTo {
            block: block.to_owned(),
            why,
        })?;
        Ok(Self {
            policy: Arc::new(policy),
            surroundings: Surroundings {
                resolves_to,
                ..Surroundings::new(setup.default_port)
            },
        })
    }
}

impl Engine for NativeEngine {
    fn decide_resolved(
        &mut self,
        sighting: &Sighting,
        resolved: &[IpAddr],
        at: Timestamp,
    ) -> Result<DecisionRecord<'_>, EngineError> {
        let circumstances = Circumstances {
            destination: sighting.destination(),
            ..at.into()
        };
        let decision = self
            .policy
            .decide_resolved(&sighting.seen(), &self.surroundings, resolved, circumstances);
        Ok(decision.record())
    }
}
