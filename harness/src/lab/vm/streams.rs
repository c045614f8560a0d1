//! Streams: their beginning, what the guest does to them, their end.

use proxy_wasm_host::abi::v0_2_1::types::{Action, PeerType};
use proxy_wasm_host::abi::v0_2_1::{Callback, ContextId, StreamKind};

use super::{Gone, Record, Vm};
use crate::engine::acts::Act;
use crate::lab::instrument::Question;
use crate::lab::open::Open;
use crate::lab::table::{What, Wish};
use crate::lab::traffic::{Connection, Ending, Reply, Request, State};

/// The response code details of a stream the filter reset.
const CLOSED_BY_FILTER: &str = "wasm_close_stream";

impl Vm {
    /// A request arrives.
    pub(in crate::lab) fn open_http(&mut self, index: usize, number: u64, request: Request) -> Result<(), Gone> {
        self.record(number, State::Failed);
        let end_of_stream = !request.tunnel;
        let now = self.process.clock.now();
        let open = Open::request(request, number, now, &self.journal);
        let headers = open.lent.0.request.count();
        let context = self.create(index, open)?;
        let action = self.call(Callback::RequestHeaders, context, |scope| {
            scope.on_request_headers(context, headers, end_of_stream)
        })?;
        self.answered(Callback::RequestHeaders, action);
        if let Some(open) = self.table()?.streams.get_mut(&context) {
            open.holds_request = action == Action::Pause;
        }
        self.began(number, action);
        self.after()
    }

    /// A connection arrives.
    pub(in crate::lab) fn open_tcp(&mut self, index: usize, number: u64, connection: Connection) -> Result<(), Gone> {
        self.record(number, State::Failed);
        let now = self.process.clock.now();
        let open = Open::connection(connection, number, now, &self.journal);
        let context = self.create(index, open)?;
        let action = self.call(Callback::NewConnection, context, |scope| {
            scope.on_new_connection(context)
        })?;
        self.answered(Callback::NewConnection, action);
        self.began(number, action);
        self.after()
    }

    /// A request that Envoy refused before the filter: it is only logged.
    pub(in crate::lab) fn log_only(
        &mut self,
        index: usize,
        number: u64,
        request: Request,
        ending: Ending,
    ) -> Result<(), Gone> {
        self.record(number, State::Failed);
        let now = self.process.clock.now();
        let open = Open::request(request, number, now, &self.journal);
        let context = self.create(index, open)?;
        self.set_state(number, State::Rejected);
        self.finish(context, ending, PeerType::Remote)?;
        self.after()
    }

    /// The upstream answers a request.
    pub(in crate::lab) fn respond(
        &mut self,
        number: u64,
        status: u32,
        headers: Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Result<(), Gone> {
        let Some(context) = self.context(number) else {
            return Ok(());
        };
        let Some(open) = self.table()?.streams.get_mut(&context) else {
            return Ok(());
        };
        let facts = &mut open.lent.0;
        facts.response.fill(headers);
        facts.response_status = Some(status);
        self.response_headers(context, false)?;
        self.after()
    }

    /// A stream ends by the client or the upstream.
    pub(in crate::lab) fn end(&mut self, number: u64, ending: Ending) -> Result<(), Gone> {
        if let Some(context) = self.context(number) {
            self.finish(context, ending, PeerType::Remote)?;
            self.after()?;
        }
        Ok(())
    }

    fn record(&mut self, number: u64, state: State) {
        let ended = !self.is_live();
        let record = Record {
            state,
            ended,
            context: None,
        };
        self.streams.insert(number, record);
    }

    fn context(&self, number: u64) -> Option<ContextId> {
        self.streams.get(&number).and_then(|record| record.context)
    }

    fn set_state(&mut self, number: u64, state: State) {
        if let Some(record) = self.streams.get_mut(&number) {
            record.state = state;
        }
    }

    fn began(&mut self, number: u64, action: Action) {
        let state = match action {
            Action::Continue => State::Passed,
            Action::Pause => State::Paused,
        };
        self.set_state(number, state);
    }

    fn answered(&self, callback: Callback, action: Action) {
        self.journal.add(Some(callback), Act::Answer(action));
    }

    fn create(&mut self, index: usize, open: Open) -> Result<ContextId, Gone> {
        let root = self.root(index)?;
        let (kind, number) = (open.kind, open.number);
        let context = self.run(Callback::ContextCreate, |scope| {
            let context = scope.on_context_create(Some(root))?;
            scope.expect_stream_kind(context, kind)?;
            Ok(context)
        })?;
        self.table()?.streams.insert(context, open);
        if let Some(record) = self.streams.get_mut(&number) {
            record.context = Some(context);
        }
        Ok(context)
    }

    /// Does what the guest wanted of a stream, if it has not ended since.
    pub(super) fn grant(&mut self, wish: Wish) -> Result<(), Gone> {
        let Wish { context, what } = wish;
        let Some(open) = self.table()?.streams.get_mut(&context) else {
            return Ok(());
        };
        let number = open.number;
        match what {
            What::Resume => {
                open.holds_request = false;
                if self
                    .streams
                    .get(&number)
                    .is_some_and(|record| record.state == State::Paused)
                {
                    self.set_state(number, State::Passed);
                }
                Ok(())
            }
            What::Reply(reply) => self.reply(context, number, reply),
            What::Close => {
                let ending = Ending {
                    details: Some(CLOSED_BY_FILTER.to_owned()),
                    ..Ending::default()
                };
                self.set_state(number, State::Closed);
                self.finish(context, ending, PeerType::Local)
            }
        }
    }

    /// A local reply goes through the response callbacks, and ends the request.
    fn reply(&mut self, context: ContextId, number: u64, reply: Reply) -> Result<(), Gone> {
        let ending = Ending {
            status: Some(reply.status),
            details: Some(reply.details.clone()),
            response_bytes: reply.body.len() as u64,
            ..Ending::default()
        };
        let body = u32::try_from(reply.body.len()).unwrap_or(u32::MAX);
        self.set_state(number, State::Replied(reply));
        if let Some(open) = self.table()?.streams.get_mut(&context) {
            open.holds_request = false;
        }
        self.response_headers(context, body == 0)?;
        if body > 0 {
            let action = self.call(Callback::ResponseBody, context, |scope| {
                scope.on_response_body(context, body, true)
            })?;
            self.answered(Callback::ResponseBody, action);
        }
        self.finish(context, ending, PeerType::Local)
    }

    fn response_headers(&mut self, context: ContextId, end_of_stream: bool) -> Result<(), Gone> {
        let headers = match self.table()?.streams.get(&context) {
            Some(open) => open.lent.0.response.count(),
            None => return Ok(()),
        };
        let action = self.call(Callback::ResponseHeaders, context, |scope| {
            scope.on_response_headers(context, headers, end_of_stream)
        })?;
        self.answered(Callback::ResponseHeaders, action);
        Ok(())
    }

    /// Ends a stream. Envoy does not ask whether `on_done` wants to wait.
    fn finish(&mut self, context: ContextId, ending: Ending, by: PeerType) -> Result<(), Gone> {
        let now = self.process.clock.now();
        let Some(open) = self.table()?.streams.get_mut(&context) else {
            return Ok(());
        };
        open.ends(ending, now);
        let (kind, number) = (open.kind, open.number);
        if kind == StreamKind::Tcp {
            self.call(Callback::DownstreamConnectionClose, context, |scope| {
                scope.on_downstream_connection_close(context, by)
            })?;
        }
        if !self.call(Callback::Done, context, |scope| scope.on_done(context))? {
            self.ask(context, Question::Done)?;
        }
        self.call(Callback::Log, context, |scope| scope.on_log(context))?;
        self.delete(context)?;
        self.table()?.streams.remove(&context);
        if let Some(record) = self.streams.get_mut(&number) {
            record.ended = true;
            record.context = None;
        }
        Ok(())
    }
}
