//! Where events go and policies come from.

use prost::encoding::string;

use super::InvalidConfig;
use super::members::{Member, Members};

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

fn cluster(member: &Member<'_>) -> Result<To, InvalidConfig> {
    const EXPECTED: &str = "the name of a cluster, 1 to 125 bytes";
    let name = member.text(EXPECTED)?;
    // One byte has to say how long the `GrpcService` around the name is.
    if (1..=125).contains(&name.len()) {
        return Ok(To::Cluster(name));
    }
    Err(member.expected(EXPECTED))
}

fn token_env(members: &mut Members<'_>) -> Result<Option<String>, InvalidConfig> {
    const EXPECTED: &str = "the name of an environment variable of the VM";
    let Some(member) = members.take("token_env") else {
        return Ok(None);
    };
    let name = member.text(EXPECTED)?;
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(member.expected(EXPECTED));
    }
    Ok(Some(name))
}

impl PolicyService {
    pub(super) fn read(member: &Member<'_>) -> Result<Self, InvalidConfig> {
        const EXPECTED: &str = "one of cluster and queue";
        let mut members = member.members()?;
        let to = match (members.take("cluster"), members.take("queue")) {
            (Some(name), None) => cluster(&name)?,
            (None, Some(queue)) => match queue.text(EXPECTED)? {
                name if name.is_empty() => return Err(queue.expected("the name of a shared queue")),
                name => To::Queue(name),
            },
            _ => return Err(member.expected(EXPECTED)),
        };
        let token_env = token_env(&mut members)?;
        let max_resources = match members.take("max_resources") {
            Some(member) => member.number(1..=u64::from(u32::MAX), "a number of resources, 1 and more")?,
            None => 4096,
        };
        let idle_ms = match members.take("idle_ms") {
            Some(member) => member.number(1000..=u64::from(u32::MAX), "milliseconds, 1000 and more")?,
            None => 600_000,
        };
        members.done()?;
        Ok(Self {
            endpoint: Endpoint { to, token_env },
            max_resources: usize::try_from(max_resources).unwrap_or(usize::MAX),
            idle_ms,
        })
    }
}

impl Events {
    pub(super) fn read(member: &Member<'_>) -> Result<Self, InvalidConfig> {
        let mut members = member.members()?;
        let Some(to) = members.take("cluster") else {
            return Err(member.expected("cluster, the name of one"));
        };
        let to = cluster(&to)?;
        let token_env = token_env(&mut members)?;
        let flush_ms = match members.take("flush_ms") {
            Some(member) => member.number(10..=60_000, "milliseconds from 10 to 60000")?,
            None => 1000,
        };
        let buffer_bytes = match members.take("buffer_bytes") {
            Some(member) => member.number(65_536..=268_435_456, "bytes from 65536 to 268435456")?,
            None => 8 << 20,
        };
        let paths = match members.take("path") {
            Some(member) => member.word(&[("full", true), ("none", false)], "full or none")?,
            None => true,
        };
        members.done()?;
        Ok(Self {
            endpoint: Endpoint { to, token_env },
            flush_ms: u32::try_from(flush_ms).unwrap_or(u32::MAX),
            buffer_bytes: usize::try_from(buffer_bytes).unwrap_or(usize::MAX),
            paths,
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
        const ENVOY_GRPC: u32 = 1;
        const CLUSTER_NAME: u32 = 1;
        const AUTHORITY: u32 = 2;
        let To::Cluster(name) = &self.to else { return None };
        let mut target = Vec::new();
        string::encode(CLUSTER_NAME, name, &mut target);
        // Envoy calls services by the name of their cluster, and Istio's (`outbound|4317||host`)
        // are no authority: servers that look, as ours does, turn the call away.
        if let Some((_, host)) = name.rsplit_once('|') {
            string::encode(AUTHORITY, &host.to_owned(), &mut target);
        }
        let mut bytes = Vec::new();
        prost::encoding::bytes::encode(ENVOY_GRPC, &target, &mut bytes);
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(cluster: &str) -> Vec<u8> {
        let endpoint = Endpoint {
            to: To::Cluster(cluster.to_owned()),
            token_env: None,
        };
        endpoint.grpc_service().unwrap()
    }

    #[test]
    fn a_cluster_is_called_by_its_name() {
        assert_eq!(service("sluice"), b"\x0a\x08\x0a\x06sluice");
    }

    #[test]
    fn a_cluster_of_istio_is_called_by_its_host() {
        assert_eq!(
            service("outbound|4317||c.example.com"),
            b"\x0a\x2d\x0a\x1coutbound|4317||c.example.com\x12\x0dc.example.com"
        );
        let long = service(&format!("outbound|4317||{}", "c".repeat(110)));
        assert_eq!(long.get(..3), Some(&b"\x0a\xef\x01"[..]), "a length of two bytes");
    }
}
