//! What a collector is started with.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the HTTP API listens.
    pub http: SocketAddr,
    /// Where filters connect.
    pub grpc: SocketAddr,
    /// `sqlite:FILE` or `postgres://USER@HOST/NAME`.
    pub database: String,
    /// A secret that is an admin's from the start.
    pub admin_token: Option<String>,
    /// TLS on both ports.
    pub tls: Option<TlsFiles>,
    /// Whose filters show client certificates: `TYPE=spiffe://TRUST-DOMAIN/PATH` with a segment `{id}`.
    pub spiffe: Option<String>,
    /// How many days raw events are kept.
    pub retention_days: u32,
    /// Services that are known beside the built-in ones.
    pub catalogue: Option<PathBuf>,
    /// Host patterns of the tenant's own infrastructure, which are never suggested.
    pub infrastructure: Vec<String>,
    /// Private blocks that the proxies let any name lead to, by `resolves_to` of their own configuration.
    pub resolves_to: Vec<String>,
    /// Where the first pending request of a host is told, as an HTTP POST.
    pub webhook: Option<String>,
    /// The tenant that `x-tenant-id` must name, if it names one.
    pub tenant: String,
}

/// PEM files.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate and those that lead to its authority.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authority of client certificates, which are then asked for.
    pub client_ca: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            http: SocketAddr::from(([127, 0, 0, 1], 8080)),
            grpc: SocketAddr::from(([127, 0, 0, 1], 4317)),
            database: "sqlite:sluice.db".to_owned(),
            admin_token: None,
            tls: None,
            spiffe: None,
            retention_days: 30,
            catalogue: None,
            infrastructure: Vec::new(),
            resolves_to: Vec::new(),
            webhook: None,
            tenant: "default".to_owned(),
        }
    }
}
