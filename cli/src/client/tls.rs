//! Whom the client trusts, and as whom it shows itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

use crate::failure::name;

/// Files of `--ca`, `--client-cert` and `--client-key`.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    pub(super) ca: Option<PathBuf>,
    pub(super) client: Option<(PathBuf, PathBuf)>,
}

/// A file that does not hold what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// It cannot be read.
    #[error("{}: cannot be read: {error}", name(path))]
    Unreadable {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    /// It has something else in it.
    #[error("{}: expected {expected} in PEM form", name(path))]
    Empty { path: PathBuf, expected: &'static str },
}

impl Files {
    /// What the agent needs.
    pub(super) fn config(&self) -> Result<TlsConfig, TlsError> {
        let mut config = TlsConfig::builder();
        if let Some(path) = &self.ca {
            config = config.root_certs(RootCerts::new_with_certs(&certificates(path)?));
        }
        if let Some((chain, key)) = &self.client {
            let identity = ClientCert::new_with_certs(&certificates(chain)?, private_key(key)?);
            config = config.client_cert(Some(identity));
        }
        Ok(config.build())
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, TlsError> {
    let items = read(path)?;
    let certificates = parse_pem(&items).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = certificates.collect();
    if certificates.is_empty() {
        return Err(empty(path, "a certificate"));
    }
    Ok(certificates)
}

fn private_key(path: &Path) -> Result<PrivateKey<'static>, TlsError> {
    PrivateKey::from_pem(&read(path)?).map_err(|_| empty(path, "a private key"))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::Unreadable {
        path: path.to_owned(),
        error,
    })
}

fn empty(path: &Path, expected: &'static str) -> TlsError {
    TlsError::Empty {
        path: path.to_owned(),
        expected,
    }
}
