//! A running collector: its listeners, its tasks, and how it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sluice_harness::suggest::{Catalogue, CatalogueError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::{Interceptor, InterceptorLayer};
use tonic::transport::Server;
use tonic::{Request, Status};

use crate::access::{self, Gate, SessionCookie, SpiffeIds};
use crate::addresses;
use crate::api::{self, ApiSettings, App};
use crate::error::Error;
use crate::ingest::{Ingest, Limits};
use crate::moment::{DAY, Moment};
use crate::otlp::Logs;
use crate::policies;
use crate::retention::{self, Keep};
use crate::review::Infrastructure;
use crate::settings::Settings;
use crate::store::{OpenError, Store};
use crate::tls::{self, TlsError, TlsListener};
use crate::watch::Watch;
use crate::webhook;

/// How often it is looked for policies whose time to observe is over.
const RELOCK: Duration = Duration::from_secs(1);
/// How long calls that run may take after the collector was told to end.
const GRACE: Duration = Duration::from_secs(10);

/// Why a collector does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no database to work with.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database does not do what it must.
    #[error(transparent)]
    Store(#[from] Error),
    /// The catalogue is none.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A port cannot be had.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
}

/// Starts collectors.
#[derive(Debug)]
pub struct Collector;

/// A collector that runs until [`Running::shutdown`].
#[derive(Debug)]
pub struct Running {
    /// Where the HTTP API listens.
    pub http: SocketAddr,
    /// Where filters connect.
    pub grpc: SocketAddr,
    /// The secret of the first admin, if one was made: it is not to be had again.
    pub first_admin_token: Option<String>,
    store: Store,
    ingest: Ingest,
    ending: watch::Sender<bool>,
    servers: JoinSet<()>,
    tasks: Vec<JoinHandle<()>>,
}

impl Collector {
    /// Opens the database, listens, and serves.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(settings: Settings) -> Result<Running, StartError> {
        crate::metrics::install();
        let tls = settings.tls.as_ref().map(tls::load).transpose()?;
        let spiffe: Option<SpiffeIds> = settings.spiffe.as_deref().map(str::parse).transpose()?;
        let api_settings = ApiSettings {
            tenant: settings.tenant.clone(),
            catalogue: match &settings.catalogue {
                Some(path) => Catalogue::with_file(path)?,
                None => Catalogue::built_in(),
            },
            infrastructure: Infrastructure::new(&settings.infrastructure)?,
            resolves_to: {
                addresses::blocks("resolves_to", &settings.resolves_to)?;
                settings.resolves_to.clone()
            },
        };
        let (http_listener, http) = listen(settings.http).await?;
        let (grpc_listener, grpc) = listen(settings.grpc).await?;
        let store = Store::open(&settings.database).await?;
        // Nothing can fail from here on: a token that was made and never shown would lock everybody out.
        let first_admin_token = access::first_admin(&store, settings.admin_token.as_deref()).await?;
        let (ending, ends) = watch::channel(false);
        let cookie = match tls {
            Some(_) => SessionCookie::Secure,
            None => SessionCookie::Plain,
        };
        let gate = Gate::new(store.clone()).with_cookie(cookie);
        let mut servers = JoinSet::new();

        let app = App::new(store.clone(), gate.clone(), api_settings, ends.clone());
        let http_ends = ends.clone();
        let http_tls = tls.clone();
        servers.spawn(async move {
            if let Err(error) = api::serve(http_listener, http_tls, api::router(app), http_ends).await {
                tracing::error!(%error, "the HTTP API ended");
            }
        });

        let (health, health_service) = tonic_health::server::health_reporter();
        health
            .set_service_status("", tonic_health::ServingStatus::Serving)
            .await;
        let ingest = Ingest::start(store.clone(), Limits::default());
        let logs = Logs::new(gate.clone(), ingest.clone()).into_service();
        let watch = Watch::new(store.clone(), gate, ends.clone()).service();
        let server = Server::builder()
            .http2_keepalive_interval(Some(Duration::from_secs(20)))
            .tcp_nodelay(true)
            .layer(InterceptorLayer::new(Certified(spiffe.map(Arc::new))))
            .add_service(health_service)
            .add_service(logs)
            .add_service(watch);
        let mut grpc_ends = ends.clone();
        servers.spawn(async move {
            let ended = async move {
                let _ = grpc_ends.wait_for(|ending| *ending).await;
            };
            let served = match tls {
                None => {
                    server
                        .serve_with_incoming_shutdown(TcpListenerStream::new(grpc_listener), ended)
                        .await
                }
                Some(tls) => match TlsListener::new(grpc_listener, tls) {
                    Ok(listener) => server.serve_with_incoming_shutdown(listener.into_stream(), ended).await,
                    Err(error) => return tracing::error!(%error, "the gRPC server did not start"),
                },
            };
            if let Err(error) = served {
                tracing::error!(%error, "the gRPC server ended");
            }
        });
        let keep = Keep {
            events: i64::from(settings.retention_days).max(1).saturating_mul(DAY),
            ..Keep::default()
        };
        let mut tasks = vec![
            tokio::spawn(relock(store.clone(), ends.clone())),
            tokio::spawn(until(ends, retention::run(store.clone(), keep))),
        ];
        if let Some(url) = settings.webhook {
            tasks.push(tokio::spawn(webhook::run(store.clone(), url, ending.subscribe())));
        }
        tracing::info!(%http, %grpc, database = ?store.kind(), "serving");
        Ok(Running {
            http,
            grpc,
            first_admin_token,
            store,
            ingest,
            ending,
            servers,
            tasks,
        })
    }
}

impl Running {
    /// Takes no new calls, answers those that run, stores what was taken in, and ends.
    pub async fn shutdown(mut self) {
        self.ending.send_replace(true);
        let drained = async { while self.servers.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, drained).await.is_err() {
            tracing::warn!("some calls did not end in time and were cut off");
        }
        self.servers.shutdown().await;
        self.ingest.shutdown().await;
        for task in self.tasks {
            // Each ends with `ending`, between two pieces of work.
            if let Err(error) = task.await {
                tracing::error!(%error, "a task failed");
            }
        }
        self.store.close().await;
    }
}

/// Puts who shows a client certificate beside the call.
#[derive(Debug, Clone)]
struct Certified(Option<Arc<SpiffeIds>>);

impl Interceptor for Certified {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let certificates = request.peer_certs();
        let shown = certificates.as_deref().and_then(|certificates| certificates.first());
        if let (Some(ids), Some(certificate)) = (&self.0, shown)
            && let Some(caller) = ids.caller(certificate)
        {
            request.extensions_mut().insert(caller);
        }
        Ok(request)
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Does what is done again and again, in steps that may be cut off, until the collector ends.
async fn until(mut ending: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        _ = ending.wait_for(|ending| *ending) => {}
    }
}

async fn relock(store: Store, mut ending: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(RELOCK) => {}
            _ = ending.wait_for(|ending| *ending) => return,
        }
        if let Err(error) = policies::relock(&store, Moment::now()).await {
            error.log();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_start_that_fails_uses_up_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = Settings {
            http: ([127, 0, 0, 1], 0).into(),
            grpc: ([127, 0, 0, 1], 0).into(),
            database: format!("sqlite:{}", folder.path().join("sluice.db").display()),
            ..Settings::default()
        };
        for wrong in [
            Settings {
                grpc: taken.local_addr().unwrap(),
                ..settings.clone()
            },
            Settings {
                catalogue: Some(folder.path().join("none.json")),
                ..settings.clone()
            },
            Settings {
                infrastructure: vec!["a b".to_owned()],
                ..settings.clone()
            },
        ] {
            assert!(Collector::start(wrong).await.is_err());
        }
        let running = Collector::start(settings.clone()).await.unwrap();
        assert!(running.first_admin_token.is_some());
        running.shutdown().await;
        let again = Collector::start(settings).await.unwrap();
        assert_eq!(again.first_admin_token, None);
        again.shutdown().await;
    }
}
