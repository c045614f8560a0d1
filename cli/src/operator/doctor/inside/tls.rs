//! TLS as far as the checks need it: a ClientHello, and the certificates that a server shows.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConnection, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use x509_parser::parse_x509_certificate;

use super::dial::Stopped;

/// The certificates of a server, its own first.
pub(super) type Chain = Vec<CertificateDer<'static>>;

/// The first flight of a client that wants this name.
pub(super) fn hello(name: &str) -> Result<Vec<u8>, Stopped> {
    let mut hello = Vec::new();
    let (config, _) = config().map_err(not_ours)?;
    let name = ServerName::try_from(name.to_owned()).map_err(|error| Stopped::Other(error.to_string()))?;
    let mut client = ClientConnection::new(config, name).map_err(not_ours)?;
    client.write_tls(&mut hello)?;
    Ok(hello)
}

/// Shakes hands, whoever signed the certificate, and answers what was shown.
pub(super) async fn handshake(stream: TcpStream, name: &str, patience: Duration) -> Result<Chain, Stopped> {
    let (config, shown) = config().map_err(not_ours)?;
    let name = ServerName::try_from(name.to_owned()).map_err(|error| Stopped::Other(error.to_string()))?;
    match timeout(patience, TlsConnector::from(config).connect(name, stream)).await {
        Ok(Ok(_)) => Ok(shown.take()),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Stopped::Silence),
    }
}

/// Whether one of these authorities signed it, and it is in force.
pub(super) fn trusts(authorities: &[CertificateDer<'_>], chain: &[CertificateDer<'_>]) -> Result<(), Error> {
    let mut roots = RootCertStore::empty();
    // Stores of systems have certificates in them that are none by today's rules.
    roots.add_parsable_certificates(authorities.iter().map(|authority| authority.clone().into_owned()));
    let (own, others) = chain.split_first().ok_or(Error::NoCertificatesPresented)?;
    let own = ParsedCertificate::try_from(own)?;
    let algorithms = ring::default_provider().signature_verification_algorithms.all;
    verify_server_cert_signed_by_trust_anchor(&own, &roots, others, UnixTime::now(), algorithms)
}

/// Whether it is for this name.
pub(super) fn is_for(name: &str, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
    let own = ParsedCertificate::try_from(chain.first().ok_or(Error::NoCertificatesPresented)?)?;
    let name = ServerName::try_from(name).map_err(|error| Error::General(error.to_string()))?;
    verify_server_name(&own, &name)
}

/// Who signed it, as it says itself.
pub(super) fn issuer(chain: &[CertificateDer<'_>]) -> String {
    let own = chain.first().and_then(|own| parse_x509_certificate(own).ok());
    own.map_or_else(|| "nobody knows whom".to_owned(), |(_, own)| own.issuer().to_string())
}

fn not_ours(error: Error) -> Stopped {
    Stopped::Other(error.to_string())
}

fn config() -> Result<(Arc<ClientConfig>, Arc<Shown>), Error> {
    let provider = Arc::new(ring::default_provider());
    let shown = Arc::new(Shown {
        provider: Arc::clone(&provider),
        chain: Mutex::default(),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(shown.clone())
        .with_no_client_auth();
    Ok((Arc::new(config), shown))
}

/// Remembers what a server shows. Who signed it is looked at afterwards, by several stores.
#[derive(Debug)]
struct Shown {
    provider: Arc<CryptoProvider>,
    chain: Mutex<Chain>,
}

impl Shown {
    fn take(&self) -> Chain {
        std::mem::take(&mut self.chain.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ServerCertVerifier for Shown {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(own).chain(others);
        let mut shown = self.chain.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = chain.map(|certificate| certificate.clone().into_owned()).collect();
        Ok(ServerCertVerified::assertion())
    }

    /// That the server has the key is checked as always.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, own, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, own, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::*;

    pub(in super::super) type Authority = CertifiedIssuer<'static, KeyPair>;

    pub(in super::super) fn authority(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    pub(in super::super) fn certificate(by: &Authority, name: &str) -> CertificateDer<'static> {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        params.signed_by(&key, by).unwrap().der().clone()
    }

    #[test]
    fn a_chain_is_trusted_by_the_authority_that_signed_it() {
        let (ours, other) = (authority("ours"), authority("other"));
        let chain = [certificate(&ours, "api.example.com")];
        let (ours, other) = (ours.der().clone(), other.der().clone());
        assert_eq!(trusts(std::slice::from_ref(&ours), &chain), Ok(()));
        assert_eq!(trusts(&[other.clone(), ours], &chain), Ok(()));
        assert!(trusts(&[other], &chain).is_err());
        assert!(trusts(&[], &chain).is_err());
        assert_eq!(is_for("api.example.com", &chain), Ok(()));
        assert!(is_for("sluice-doctor.invalid", &chain).is_err());
        assert_eq!(issuer(&chain), "CN=ours");
    }

    #[test]
    fn a_hello_is_one_record_with_the_name() {
        let hello = hello("sluice-doctor.invalid").unwrap();
        assert_eq!(hello.first_chunk(), Some(&[0x16, 3, 1]));
        let name = b"sluice-doctor.invalid";
        assert!(hello.windows(name.len()).any(|window| window == name));
    }
}
