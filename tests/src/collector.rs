//! The reference collector: takes events and hands out policies as a test wants it, and remembers all that came.
//!
//! It shares no code with the filter or with Sluice's own collector, so it is a
//! witness of both. What it remembers and how it answers outlive [`Collector::stop`]
//! and [`Collector::restart`], as a database would.

mod codec;
mod connection;
mod event;
mod export;
mod ledger;
mod policies;
mod service;
mod watch;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;

pub use event::{Attributes, Event};
pub use export::Answer;
pub use ledger::{Account, Heartbeat, Ledger, Process};

use crate::port::Port;
use crate::{RUNTIME, wait};
use connection::Connections;
use service::{Front, State};

/// A collector on loopback. Its port is its own for as long as it exists; it stops when dropped.
#[derive(Debug)]
pub struct Collector {
    port: Port,
    state: Arc<State>,
    life: Mutex<Option<Life>>,
}

/// What a kill ends.
#[derive(Debug)]
struct Life {
    accepting: JoinHandle<()>,
    connections: Arc<Connections>,
}

impl Collector {
    /// Starts one that accepts everything and has no policy for anybody.
    #[must_use]
    pub fn start() -> Self {
        let collector = Self {
            port: Port::reserve(),
            state: Arc::default(),
            life: Mutex::default(),
        };
        collector.restart();
        collector
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address().port()
    }

    /// Ends it like SIGKILL: connections are reset, calls get no answer, new connections are refused.
    ///
    /// Afterwards nothing is recorded any more. Does nothing if it does not run.
    pub fn stop(&self) {
        let Some(life) = self.life().take() else { return };
        life.accepting.abort();
        wait::until("the collector to close its port", || {
            life.accepting.is_finished().then_some(())
        });
        life.connections.kill();
        // Nothing can come after this: who records holds the lock and looks whether it is dead.
        self.state.board.lock().close(None);
        drop(self.state.intake.lock());
        wait::until("the collector to reset its connections", || {
            life.connections.are_gone().then_some(())
        });
    }

    /// Starts it again at the same port, after [`Collector::stop`] if it runs.
    pub fn restart(&self) {
        self.stop();
        let connections = Arc::new(Connections::default());
        let serving = serve(
            self.port.listen(),
            Arc::clone(&connections),
            Front(Arc::clone(&self.state)),
        );
        *self.life() = Some(Life {
            accepting: RUNTIME.spawn(serving),
            connections,
        });
    }

    /// Sets how Exports are answered from now on. A call that waits already is not touched.
    pub fn answer(&self, answer: Answer) {
        self.state.intake.lock().answer = answer;
    }

    /// Answers calls that come with another bearer token, or none, with `UNAUTHENTICATED`.
    pub fn require_token(&self, token: Option<&str>) {
        let mut required = self.state.token.lock().expect("no holder of this lock panics");
        *required = token.map(str::to_owned);
    }

    /// All that was recorded, in order of arrival, duplicates included.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.state.intake.lock().events.clone()
    }

    /// The number of calls of Export, however they were answered.
    #[must_use]
    pub fn exports(&self) -> usize {
        self.state.intake.lock().exports
    }

    /// What can be concluded from all that was recorded.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger::of(&self.state.intake.lock().events)
    }

    /// Forgets what was recorded, here and in the log of Watch. Policies and answers stay as they are.
    pub fn clear(&self) {
        let mut intake = self.state.intake.lock();
        intake.events.clear();
        intake.exports = 0;
        drop(intake);
        self.state.board.lock().log.clear();
    }

    /// The first event that fits, waited for.
    pub fn event(&self, what: &str, mut fits: impl FnMut(&Event) -> bool) -> Event {
        let found = wait::within(wait::PATIENCE, || {
            self.state
                .intake
                .lock()
                .events
                .iter()
                .find(|event| fits(event))
                .cloned()
        });
        found.unwrap_or_else(|| {
            let events = self.events();
            let latest: Vec<_> = events.iter().rev().take(20).rev().collect();
            panic!("no event: {what}; {} came, the last ones are {latest:#?}", events.len())
        })
    }

    fn life(&self) -> MutexGuard<'_, Option<Life>> {
        self.life.lock().expect("no holder of this lock panics")
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // Without waiting, which could panic while a test's own panic is under way.
        if let Some(life) = self.life().take() {
            life.accepting.abort();
            life.connections.kill();
        }
    }
}

async fn serve(listener: TcpListener, connections: Arc<Connections>, front: Front) {
    let incoming = TcpListenerStream::new(listener).map(move |stream| connections.accept(stream?));
    let served = Server::builder().serve_with_incoming(front, incoming).await;
    served.expect("a listener on loopback goes on listening");
}
