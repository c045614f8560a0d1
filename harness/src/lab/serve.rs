//! Traffic: requests and connections come, are answered, and end.

use super::traffic::{Connection, Ending, Request, State, Stream};
use super::{Lab, Root};

impl Lab {
    /// A request arrives at a plugin; it stays open unless the filter answers or resets it.
    pub fn open_http(&mut self, root: impl Into<Root>, request: Request) -> Stream {
        let root = root.into();
        let stream = self.next(root);
        self.drive(root.vm, |vm| vm.open_http(root.index, stream.number, request));
        stream
    }

    /// A connection arrives at a plugin; it stays open unless the filter closes it.
    pub fn open_tcp(&mut self, root: impl Into<Root>, connection: Connection) -> Stream {
        let root = root.into();
        let stream = self.next(root);
        self.drive(root.vm, |vm| vm.open_tcp(root.index, stream.number, connection));
        stream
    }

    /// A request that Envoy answers itself before the filter sees it, and only logs.
    pub fn reject_early(&mut self, root: impl Into<Root>, request: Request, ending: Ending) -> Stream {
        let root = root.into();
        let stream = self.next(root);
        self.drive(root.vm, |vm| vm.log_only(root.index, stream.number, request, ending));
        stream
    }

    /// The upstream's response headers come; the request goes on.
    pub fn respond_http(&mut self, stream: &Stream, status: u32, headers: &[(&str, &str)]) {
        let own = (b":status".to_vec(), status.to_string().into_bytes());
        let given = headers
            .iter()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        let headers = std::iter::once(own).chain(given).collect();
        self.drive(stream.vm, |vm| vm.respond(stream.number, status, headers));
    }

    /// A request ends: `on_done`, `on_log`, `on_delete`. One that has ended already is left alone.
    pub fn end_http(&mut self, stream: &Stream, ending: Ending) {
        self.drive(stream.vm, |vm| vm.end(stream.number, ending));
    }

    /// The client closes a connection: `on_downstream_connection_close`, then as for a request.
    pub fn end_tcp(&mut self, stream: &Stream, ending: Ending) {
        self.drive(stream.vm, |vm| vm.end(stream.number, ending));
    }

    /// What has become of a stream.
    ///
    /// # Panics
    /// If it is of another lab.
    #[must_use]
    pub fn state(&self, stream: &Stream) -> State {
        self.vms[stream.vm.0].streams[&stream.number].state.clone()
    }

    /// Whether a stream has ended and has been logged, or died with its VM.
    ///
    /// # Panics
    /// If it is of another lab.
    #[must_use]
    pub fn has_ended(&self, stream: &Stream) -> bool {
        self.vms[stream.vm.0].streams[&stream.number].ended
    }

    /// Forgets the streams that have ended: nothing may be asked about them any
    /// more. A million of them would fill the memory of the test.
    pub fn forget_streams(&mut self) {
        for vm in &mut self.vms {
            vm.streams.retain(|_, record| !record.ended);
        }
    }

    fn next(&mut self, root: Root) -> Stream {
        self.last_stream += 1;
        Stream {
            vm: root.vm,
            number: self.last_stream,
        }
    }
}
