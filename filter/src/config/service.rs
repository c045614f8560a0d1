//! Where events go and policies come from.

use serde::Deserialize;

use super::InvalidConfig;

/// Somebody to talk to: what tells one from another, and no more.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Where it is.
    pub to: To,
    /// The name of the environment variable of the VM that holds a bearer token
    /// (`vm_config.environment_variables`). The configuration itself is no place
    /// for one: whoever reaches the admin interface can read it.
    pub token_env: Option<String>,
}

/// How it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum To {
    /// gRPC, to a cluster of this name.
    Cluster(String),
    /// No network: another plugin of the same `vm_id` puts policies into the
    /// shared queue of this name.
    Queue(String),
}

/// Where policies come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyService {
    /// Who has them.
    pub endpoint: Endpoint,
    /// How many resources one proxy asks for.
    pub max_resources: usize,
    /// How long a resource that is not seen any more is still asked for.
    pub idle_ms: u64,
}

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// Who takes them.
    pub endpoint: Endpoint,
    /// How long a record waits for others to be sent with.
    pub flush_ms: u32,
    /// How much may wait, in bytes.
    pub buffer_bytes: usize,
    /// Whether events say which path was asked for.
    pub paths: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyServiceSource {
    cluster: Option<String>,
    queue: Option<String>,
    token_env: Option<String>,
    #[serde(default = "max_resources")]
    max_resources: u32,
    #[serde(default = "idle_ms")]
    idle_ms: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsSource {
    cluster: String,
    token_env: Option<String>,
    #[serde(default = "flush_ms")]
    flush_ms: u32,
    #[serde(default = "buffer_bytes")]
    buffer_bytes: u32,
    #[serde(default)]
    path: PathDetail,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PathDetail {
    #[default]
    Full,
    None,
}

const fn max_resources() -> u32 {
    4096
}

const fn idle_ms() -> u32 {
    600_000
}

const fn flush_ms() -> u32 {
    1000
}

const fn buffer_bytes() -> u32 {
    8 << 20
}

fn out_of_range(field: &'static str, value: u32, expected: &'static str) -> InvalidConfig {
    InvalidConfig::Value {
        field,
        value: value.to_string(),
        expected,
    }
}

fn cluster(field: &'static str, name: String) -> Result<To, InvalidConfig> {
    // One byte has to say how long the `GrpcService` around the name is.
    if (1..=125).contains(&name.len()) {
        return Ok(To::Cluster(name));
    }
    Err(InvalidConfig::Value {
        field,
        value: format!("{name:?}"),
        expected: "the name of a cluster, 1 to 125 bytes",
    })
}

fn token_env(field: &'static str, name: Option<String>) -> Result<Option<String>, InvalidConfig> {
    match name {
        Some(name) if name.is_empty() || name.contains(['=', '\0']) => Err(InvalidConfig::Value {
            field,
            value: format!("{name:?}"),
            expected: "the name of an environment variable of the VM",
        }),
        name => Ok(name),
    }
}

impl PolicyServiceSource {
    pub(super) fn compile(self) -> Result<PolicyService, InvalidConfig> {
        let to = match (self.cluster, self.queue) {
            (Some(name), None) => cluster("policy_service.cluster", name)?,
            (None, Some(name)) if !name.is_empty() => To::Queue(name),
            (cluster, queue) => {
                return Err(InvalidConfig::Value {
                    field: "policy_service",
                    value: format!("cluster {cluster:?} and queue {queue:?}"),
                    expected: "one of cluster and queue",
                });
            }
        };
        if self.max_resources == 0 {
            return Err(out_of_range(
                "policy_service.max_resources",
                0,
                "a number of resources, 1 and more",
            ));
        }
        if self.idle_ms < 1000 {
            return Err(out_of_range(
                "policy_service.idle_ms",
                self.idle_ms,
                "milliseconds, 1000 and more",
            ));
        }
        Ok(PolicyService {
            endpoint: Endpoint {
                to,
                token_env: token_env("policy_service.token_env", self.token_env)?,
            },
            max_resources: usize::try_from(self.max_resources).unwrap_or(usize::MAX),
            idle_ms: self.idle_ms.into(),
        })
    }
}

impl EventsSource {
    pub(super) fn compile(self) -> Result<Events, InvalidConfig> {
        if !(10..=60_000).contains(&self.flush_ms) {
            return Err(out_of_range(
                "events.flush_ms",
                self.flush_ms,
                "milliseconds from 10 to 60000",
            ));
        }
        if !(65_536..=268_435_456).contains(&self.buffer_bytes) {
            return Err(out_of_range(
                "events.buffer_bytes",
                self.buffer_bytes,
                "bytes from 65536 to 268435456",
            ));
        }
        Ok(Events {
            endpoint: Endpoint {
                to: cluster("events.cluster", self.cluster)?,
                token_env: token_env("events.token_env", self.token_env)?,
            },
            flush_ms: self.flush_ms,
            buffer_bytes: usize::try_from(self.buffer_bytes).unwrap_or(usize::MAX),
            paths: matches!(self.path, PathDetail::Full),
        })
    }
}

impl Endpoint {
    /// What the proxy needs to call the cluster: a serialised
    /// `envoy.config.core.v3.GrpcService` with `envoy_grpc.cluster_name`.
    ///
    /// A bare name will not do. Envoy first tries to read it as this message,
    /// and aborts the process on some names that happen to parse (Envoy 1.40:
    /// `envoy`, `analytics`).
    #[must_use]
    pub fn grpc_service(&self) -> Option<Vec<u8>> {
        let To::Cluster(name) = &self.to else { return None };
        let size = u8::try_from(name.len()).ok()?;
        let mut bytes = vec![b'\n', size.checked_add(2)?, b'\n', size];
        bytes.extend_from_slice(name.as_bytes());
        Some(bytes)
    }
}
