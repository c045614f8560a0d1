//! Where Envoy fetches modules from: a web server on loopback that can be late.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

/// It has a port from the start, refuses connections until it listens, and answers 404 until it has a module.
pub(crate) struct Server {
    port: u16,
    socket: Option<TcpSocket>,
    state: Arc<State>,
    runtime: Runtime,
}

#[derive(Default)]
struct State {
    module: Mutex<Option<Vec<u8>>>,
    asked: AtomicUsize,
}

impl Server {
    /// One that is down.
    pub(crate) fn down() -> Self {
        let socket = TcpSocket::new_v4().expect("the system has sockets");
        let any: SocketAddr = (Ipv4Addr::LOCALHOST, 0).into();
        socket.bind(any).expect("loopback has a free TCP port");
        Self {
            port: socket.local_addr().expect("a bound socket has an address").port(),
            socket: Some(socket),
            state: Arc::default(),
            runtime: Runtime::new().expect("a process can start threads"),
        }
    }

    /// One that serves this module.
    pub(crate) fn with(module: &[u8]) -> Self {
        let mut server = Self::down();
        server.put(module);
        server.listen();
        server
    }

    pub(crate) fn listen(&mut self) {
        let socket = self.socket.take().expect("it is down");
        let state = Arc::clone(&self.state);
        let router = Router::new().fallback(move || {
            state.asked.fetch_add(1, Ordering::SeqCst);
            let module = state.module.lock().expect("no holder of this lock panics").clone();
            async move { module.ok_or(StatusCode::NOT_FOUND) }
        });
        let _context = self.runtime.enter();
        let listener = socket.listen(64).expect("the port is ours");
        self.runtime.spawn(async { axum::serve(listener, router).await });
    }

    /// From now on it serves this module.
    pub(crate) fn put(&self, module: &[u8]) {
        let mut place = self.state.module.lock().expect("no holder of this lock panics");
        *place = Some(module.to_vec());
    }

    /// How many requests there were.
    pub(crate) fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// The cluster that the documented configuration names, with this server in it.
    pub(crate) fn cluster(&self) -> Value {
        let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": self.port}});
        json!({
            "name": "modules",
            "type": "STATIC",
            "connect_timeout": "5s",
            "load_assignment": {
                "cluster_name": "modules",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
            },
        })
    }
}
