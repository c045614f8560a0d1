//! What stands around Envoy in a test: names, upstreams, and the certificate authority behind them.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tempfile::TempDir;

use crate::curl::Curl;
use crate::dns::Dns;
use crate::upstream::{Authority, Upstream};

/// Names that resolve here. All others do not exist.
pub const NAMES: [&str; 5] = [
    "api.github.com",
    "api.openai.com",
    "brief.example.com",
    "new.example.com",
    "unlisted.example.com",
];

/// A small internet on loopback.
#[derive(Debug)]
pub struct World {
    /// Resolves [`NAMES`].
    pub dns: Dns,
    /// Plain HTTP for every name; answers 200.
    pub plain: Upstream,
    /// TLS for every name; answers 200.
    pub tls: Upstream,
    /// TLS for every name; answers 418, which no proxy would.
    pub teapot: Upstream,
    folder: TempDir,
}

impl World {
    /// Starts everything.
    #[must_use]
    pub fn start() -> Self {
        let authority = Authority::generate();
        let folder = TempDir::with_prefix("sluice-").expect("there is a temporary folder");
        fs::write(folder.path().join("ca.pem"), authority.pem()).expect("it is writable");
        Self {
            dns: Dns::start(NAMES.map(|name| (name, vec![Ipv4Addr::LOCALHOST]))),
            plain: Upstream::plain(200),
            tls: Upstream::tls(200, &authority, &NAMES),
            teapot: Upstream::tls(418, &authority, &NAMES),
            folder,
        }
    }

    /// curl that uses an explicit proxy and trusts the upstreams.
    #[must_use]
    pub fn curl(&self, proxy: SocketAddr) -> Curl {
        Curl::through(proxy, self.ca())
    }

    /// curl whose connections are redirected to a listener, and that trusts the upstreams.
    #[must_use]
    pub fn redirected_curl(&self, listener: SocketAddr) -> Curl {
        Curl::redirected(listener, self.ca())
    }

    /// The certificate authority of the upstreams, as a PEM file.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}
