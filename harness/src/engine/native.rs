//! The deciding crate called directly, without a VM between.

use std::sync::Arc;

use sluice_policy::{Circumstances, DecisionRecord, Policy, Surroundings, Timestamp};

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
    /// [`EngineError::Policy`] with every problem of the policy.
    pub fn new(setup: &Setup) -> Result<Self, EngineError> {
        let policy = Policy::compile(&setup.policy).map_err(EngineError::Policy)?;
        Ok(Self {
            policy: Arc::new(policy),
            surroundings: Surroundings::new(setup.default_port),
        })
    }
}

impl Engine for NativeEngine {
    fn decide(&mut self, sighting: &Sighting, at: Timestamp) -> Result<DecisionRecord<'_>, EngineError> {
        let circumstances = Circumstances {
            destination: sighting.destination(),
            ..at.into()
        };
        let decision = self.policy.decide(&sighting.seen(), &self.surroundings, circumstances);
        Ok(decision.record())
    }
}
