//! What the place of the plugin in the proxy shows of a connection.

use super::InvalidConfig;
use super::members::Members;

/// Where the plugin stands: what it can rely on, and what it leaves to others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    /// Whose choice the address is that a connection goes to.
    pub destination: Destination,
    /// Whether TLS ended before the requests that `sluice.http` is shown.
    pub tls: Tls,
    /// Whose task bytes are that are no TLS.
    pub plaintext: Plaintext,
    /// Ports of protocols whose server speaks first, so that nobody waits for
    /// a ClientHello: decided by address at once.
    pub opaque_ports: Box<[u16]>,
    /// Whether the first bytes of tunnels are looked at.
    pub tunnels: Tunnels,
}

/// Whether the first bytes of tunnels are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tunnels {
    /// Yes: a ClientHello has to name the host that the tunnel was opened for.
    #[default]
    Inspect,
    /// No: a tunnel carries anything.
    Opaque,
}

/// Whose choice the address is that a connection goes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Destination {
    /// The proxy's: it resolves the name that was decided.
    #[default]
    Proxy,
    /// The client's: bytes go where it dialled (`ORIGINAL_DST`), and Envoy's
    /// `destination.address` says where that is.
    Original,
    /// The proxy's, which knows services by the addresses that clients dial
    /// (Istio's registry). An address that the registry made up stands for its
    /// name; any other is what the name resolved to, as with `Original`, because
    /// a service that is registered by its address gets whatever names it.
    Registered,
}

/// Whether TLS ended before the requests that `sluice.http` is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tls {
    /// No: there is no server name beside an authority.
    #[default]
    Opaque,
    /// Yes, at this proxy, and the server name has to fit the authority.
    Terminated,
}

/// Whose task bytes are that are no TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plaintext {
    /// `sluice.tcp`'s: by address and port.
    #[default]
    Decide,
    /// That of an HTTP connection manager with `sluice.http`, which follows in
    /// the same filter chain.
    Defer,
}

impl Topology {
    /// Takes its members out of the configuration.
    pub(super) fn take(members: &mut Members<'_>) -> Result<Self, InvalidConfig> {
        let mut topology = Self::default();
        if let Some(member) = members.take("destination") {
            let words = [
                ("proxy", Destination::Proxy),
                ("original", Destination::Original),
                ("registered", Destination::Registered),
            ];
            topology.destination = member.word(&words, "proxy, original or registered")?;
        }
        if let Some(member) = members.take("tls") {
            let words = [("opaque", Tls::Opaque), ("terminated", Tls::Terminated)];
            topology.tls = member.word(&words, "opaque or terminated")?;
        }
        if let Some(member) = members.take("plaintext") {
            let words = [("decide", Plaintext::Decide), ("defer", Plaintext::Defer)];
            topology.plaintext = member.word(&words, "decide or defer")?;
        }
        if let Some(member) = members.take("opaque_ports") {
            topology.opaque_ports = member.ports()?.into();
        }
        if let Some(member) = members.take("tunnels") {
            let words = [("inspect", Tunnels::Inspect), ("opaque", Tunnels::Opaque)];
            topology.tunnels = member.word(&words, "inspect or opaque")?;
        }
        Ok(topology)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Plan};
    use super::*;

    fn topology(json: &str) -> Result<Topology, String> {
        let plan = Plan::from_json(json.as_bytes(), Kind::Tcp);
        plan.map(|plan| plan.topology).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_said_is_a_proxy_that_decides_all_it_sees() {
        assert_eq!(topology("{}"), Ok(Topology::default()));
    }

    #[test]
    fn everything_can_be_said() {
        let said = topology(
            r#"{"destination": "original", "tls": "terminated", "plaintext": "defer", "opaque_ports": [22, 25],
                "tunnels": "opaque"}"#,
        );
        let expected = Topology {
            destination: Destination::Original,
            tls: Tls::Terminated,
            plaintext: Plaintext::Defer,
            opaque_ports: [22, 25].into(),
            tunnels: Tunnels::Opaque,
        };
        assert_eq!(said, Ok(expected));
    }

    #[test]
    fn nonsense_is_refused_by_its_name() {
        for (json, parts) in [
            (
                r#"{"destination": "upstream"}"#,
                &["destination", "proxy, original or registered"][..],
            ),
            (r#"{"tls": true}"#, &["tls", "opaque or terminated"]),
            (r#"{"plaintext": "allow"}"#, &["plaintext", "decide or defer"]),
            (r#"{"tunnels": true}"#, &["tunnels", "inspect or opaque"]),
            (r#"{"opaque_ports": [0]}"#, &["opaque_ports", "1 to 65535"]),
            (r#"{"opaque_ports": [70000]}"#, &["opaque_ports", "70000"]),
        ] {
            let error = topology(json).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{json}: {part:?} is not in {error:?}");
            }
        }
    }
}
