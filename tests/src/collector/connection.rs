//! Connections that can be killed: what a client of a process that gets SIGKILL sees is a reset, at any moment.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tonic::transport::server::Connected;

/// An accepted connection.
pub(super) struct Connection {
    stream: TcpStream,
    kill: Kill,
    /// Completes when the connection is killed. Whoever serves the connection always waits
    /// for something to read, so it is woken.
    killed: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Kills one connection; comes with every request as an extension.
#[derive(Debug, Clone)]
pub(super) struct Kill(Arc<watch::Sender<bool>>);

impl Kill {
    /// Resets the connection. What was not written yet is never sent.
    pub(super) fn now(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn is_done(&self) -> bool {
        *self.0.borrow()
    }
}

impl Connection {
    fn new(stream: TcpStream) -> Self {
        let (sender, mut receiver) = watch::channel(false);
        Self {
            stream,
            kill: Kill(Arc::new(sender)),
            killed: Box::pin(async move {
                // The sender lives in `kill`, beside this future.
                let _ = receiver.wait_for(|killed| *killed).await;
            }),
        }
    }

    fn poll_alive(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let killed = self.kill.is_done() || self.killed.as_mut().poll(context).is_ready();
        if killed {
            // Closing then sends a reset instead of waiting for what is in the buffers.
            self.stream.set_zero_linger()?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl Connected for Connection {
    type ConnectInfo = Kill;

    fn connect_info(&self) -> Kill {
        self.kill.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_alive(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_alive(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_alive(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_alive(context)?;
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        Poll::Ready(Ok(()))
    }
}

/// The connections of one life of the collector.
#[derive(Debug, Default)]
pub(super) struct Connections(Mutex<Vec<Kill>>);

impl Connections {
    /// Takes one in.
    pub(super) fn accept(&self, stream: TcpStream) -> io::Result<Connection> {
        stream.set_nodelay(true)?;
        let connection = Connection::new(stream);
        let mut all = self.lock();
        all.retain(is_held_elsewhere);
        all.push(connection.kill.clone());
        Ok(connection)
    }

    /// Kills all of them.
    pub(super) fn kill(&self) {
        self.lock().iter().for_each(Kill::now);
    }

    /// Whether all are closed and none of their calls is running.
    pub(super) fn are_gone(&self) -> bool {
        !self.lock().iter().any(is_held_elsewhere)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Kill>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

/// Each connection and each of its calls holds its [`Kill`] too.
fn is_held_elsewhere(kill: &Kill) -> bool {
    Arc::strong_count(&kill.0) > 1
}
