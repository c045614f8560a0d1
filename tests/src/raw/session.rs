//! TLS connections whose inside is sent byte by byte.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::{connect, h2};

/// Connects to a listener at which TLS ends, and speaks HTTP/2 there.
///
/// # Panics
/// If the proxy has no certificate for the name, or does not speak HTTP/2.
#[must_use]
pub fn h2(listener: SocketAddr, server_name: &str, trusted: &Path) -> h2::Connection {
    let stream = connect(listener);
    let local = stream.local_addr().expect("a connected socket has an address");
    h2::Connection::over(session(stream, server_name, trusted), local)
}

fn session(stream: TcpStream, server_name: &str, trusted: &Path) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(trusted).expect("it is a certificate");
    roots.add(authority).expect("it is an authority");
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from(server_name.to_owned()).expect("it is a name");
    let client = ClientConnection::new(Arc::new(config), name).expect("the name can be asked for");
    StreamOwned::new(client, stream)
}
