//! `sluice serve`: a collector in this process.

mod logs;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sluice_collector::moment::{DAY, span};
use sluice_collector::{Collector, Running, Settings, StartError, TlsFiles};
use sluice_policy::HostPattern;
use tokio::signal;
use url::Url;

use crate::arguments::parse_block;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::output;

/// Run a collector
///
/// Takes the events of filters and hands them their policies on the gRPC port, and serves the API, the console and the other
/// commands, on the HTTP port. What it knows is in the database: an SQLite file, or PostgreSQL, which several collectors
/// can share. The first start prints an admin's token, once, unless SLUICE_ADMIN_TOKEN gives one. SIGINT and SIGTERM end
/// it when what it took in is stored.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Where the API listens
    #[arg(long, env = "SLUICE_HTTP", value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// Where filters send events and get policies
    #[arg(long, env = "SLUICE_GRPC", value_name = "ADDRESS", default_value = "127.0.0.1:4317")]
    grpc: SocketAddr,
    /// The database: sqlite:FILE, or postgres://USER@HOST/NAME
    #[arg(
        long,
        env = "SLUICE_DATABASE",
        value_name = "URL",
        default_value = "sqlite:sluice.db",
        hide_env_values = true
    )]
    database: String,
    /// The certificate of both ports and what leads to its authority, a PEM file
    #[arg(long, env = "SLUICE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of that certificate, a PEM file
    #[arg(long, env = "SLUICE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The authority of clients' certificates, which are then asked for, a PEM file
    #[arg(long, env = "SLUICE_CLIENT_CA", value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Whose filters show client certificates: TYPE=spiffe://TRUST-DOMAIN/PATH, with a segment {id} and * for any other
    #[arg(long, env = "SLUICE_SPIFFE", value_name = "PATTERN", requires = "client_ca")]
    spiffe: Option<String>,
    /// The tenant that an x-tenant-id header must name, if it names one
    #[arg(long, env = "SLUICE_TENANT", value_name = "NAME", default_value = "default")]
    tenant: String,
    /// How long single events are kept, in days; what was counted from them stays
    #[arg(long, env = "SLUICE_RETENTION", value_name = "SPAN", default_value = "30d", value_parser = parse_days)]
    retention: u32,
    /// Known services beside those built in, a JSON file
    #[arg(long, env = "SLUICE_CATALOGUE", value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Hosts of your own that are never suggested; can be given again
    #[arg(long, env = "SLUICE_INFRASTRUCTURE", value_name = "PATTERN", value_delimiter = ',', value_parser = parse_pattern)]
    infrastructure: Vec<String>,
    /// Private blocks that the proxies let any name lead to, by resolves_to of their configuration; can be given again
    #[arg(long, env = "SLUICE_RESOLVES_TO", value_name = "BLOCK", value_delimiter = ',', value_parser = parse_block)]
    resolves_to: Vec<String>,
    /// Where the first rejection of a host is told, as an HTTP POST
    #[arg(long, env = "SLUICE_WEBHOOK", value_name = "URL", hide_env_values = true)]
    webhook: Option<String>,
    /// How the log is written, on stderr
    #[arg(
        long,
        env = "SLUICE_LOG_FORMAT",
        value_enum,
        value_name = "FORMAT",
        default_value = "text"
    )]
    log_format: LogFormat,
    /// What is logged: a level, or levels by module
    #[arg(long, env = "SLUICE_LOG", value_name = "FILTER", default_value = "info")]
    log: String,
    /// A secret that is an admin's from the start
    #[arg(skip = admin_token())]
    admin_token: Option<String>,
}

const EXAMPLES: &str = r"EXAMPLES
  On this machine, with a file:
    sluice serve --database sqlite:/var/lib/sluice/sluice.db

  For a network, with TLS and client certificates, beside others on one PostgreSQL:
    sluice serve --http 0.0.0.0:8080 --grpc 0.0.0.0:4317 --database postgres://sluice@db.example.com/sluice \
      --tls-cert cert.pem --tls-key key.pem --client-ca clients.pem

  With a log for machines:
    sluice serve --log-format json --log info,sluice_collector=debug";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One object a line
    Json,
}

/// Why there is no collector.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The log cannot be written so.
    #[error(
        "--log {filter:?}: {error}; expected a level such as info, or levels by module such as sluice_collector=debug"
    )]
    Log { filter: String, error: String },
    /// The system gives no threads.
    #[error("cannot start threads: {0}")]
    Runtime(#[source] std::io::Error),
    /// The system does not say when to end.
    #[error("cannot listen for signals: {0}")]
    Signal(#[source] std::io::Error),
    /// There is no database to work with.
    #[error("--database {database}: {error}")]
    Database {
        database: String,
        #[source]
        error: StartError,
    },
    /// The collector does not start.
    #[error(transparent)]
    Start(StartError),
}

/// From the environment only: arguments are there for all to see.
fn admin_token() -> Option<String> {
    std::env::var("SLUICE_ADMIN_TOKEN")
        .ok()
        .filter(|token| !token.is_empty())
}

fn parse_days(text: &str) -> Result<u32, &'static str> {
    let days = span(text).filter(|span| span % DAY == 0).map(|span| span / DAY);
    let days = days.and_then(|days| u32::try_from(days).ok()).filter(|days| *days > 0);
    days.ok_or("expected a number of days, such as 30d")
}

fn parse_pattern(text: &str) -> Result<String, sluice_policy::InvalidPattern> {
    HostPattern::parse(text).map(|pattern| pattern.to_string())
}

/// Serves until a signal says to end.
pub(crate) fn run(arguments: &Arguments) -> Result<Outcome, Failure> {
    Ok(serve(arguments)?)
}

fn serve(arguments: &Arguments) -> Result<Outcome, ServeError> {
    logs::begin(arguments.log_format, &arguments.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(ServeError::Runtime)?.block_on(async {
        // Before anything else: who sends a signal early means it too.
        let ended = ended().map_err(ServeError::Signal)?;
        let started = Collector::start(arguments.settings()).await;
        let running = started.map_err(|error| match error {
            StartError::Open(_) => ServeError::Database {
                database: without_password(&arguments.database),
                error,
            },
            error => ServeError::Start(error),
        })?;
        tell(&running, arguments.tls_cert.is_some());
        ended.await;
        tracing::info!("ending: no new calls are taken");
        running.shutdown().await;
        Ok(Outcome::Done)
    })
}

/// A database's address as messages may show it.
fn without_password(database: &str) -> String {
    match Url::parse(database) {
        Ok(mut url) if url.password().is_some() => {
            // What has a password has a host, and so can lose it.
            let _ = url.set_password(None);
            url.into()
        }
        Ok(_) => database.to_owned(),
        // What is no address may be a secret in the wrong place.
        Err(_) => "(no address)".to_owned(),
    }
}

fn tell(running: &Running, tls: bool) {
    let url = format!("{}://{}", if tls { "https" } else { "http" }, running.http);
    if let Some(token) = &running.first_admin_token {
        output::message(format_args!(
            "the first admin's token, shown this once: {token}\n  use it so: export SLUICE_URL={url} SLUICE_TOKEN={token}\n  \
             or sign in with it at {url}/",
        ));
    }
}

#[cfg(unix)]
fn ended() -> std::io::Result<impl Future<Output = ()>> {
    use signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn ended() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without signals there is no other end than being killed.
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

impl Arguments {
    fn settings(&self) -> Settings {
        let tls = self.tls_cert.as_ref().zip(self.tls_key.as_ref());
        Settings {
            http: self.http,
            grpc: self.grpc,
            database: self.database.clone(),
            admin_token: self.admin_token.clone(),
            tls: tls.map(|(cert, key)| TlsFiles {
                cert: cert.clone(),
                key: key.clone(),
                client_ca: self.client_ca.clone(),
            }),
            spiffe: self.spiffe.clone(),
            tenant: self.tenant.clone(),
            retention_days: self.retention,
            catalogue: self.catalogue.clone(),
            infrastructure: self.infrastructure.clone(),
            resolves_to: self.resolves_to.clone(),
            webhook: self.webhook.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_no_password() {
        for (database, shown) in [
            ("sqlite:sluice.db", "sqlite:sluice.db"),
            (
                "postgres://sluice@db.example.com/sluice",
                "postgres://sluice@db.example.com/sluice",
            ),
            (
                "postgres://sluice:s3cret@db.example.com/sluice",
                "postgres://sluice@db.example.com/sluice",
            ),
            ("s3cret", "(no address)"),
        ] {
            assert_eq!(without_password(database), shown);
        }
    }
}
