//! What client and server say to each other on one connection, as far as a filter
//! between them would look at it: a ClientHello, HTTP/1 requests, and what goes
//! through a `CONNECT`.

mod body;
mod hello;
mod opening;
mod request;

use std::mem;

use super::error::shortened;
use super::traffic::{Traffic, port_of};
use super::unheard::FlowProblem;
use body::{Body, Skipped};
use hello::ClientHello;
use opening::Opening;

pub(super) use opening::is_a_beginning;

/// The most that is kept of the head of a request or answer; Envoy takes 60 KiB.
pub(super) const LONGEST_HEAD: usize = 64 << 10;

/// Something that was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// What a filter would have decided.
    Traffic(Traffic),
    /// Why nothing more is heard.
    Problem {
        /// The target of the `CONNECT` it is inside of, ready to be shown.
        inside: Option<String>,
        /// The reason.
        problem: FlowProblem,
    },
}

/// One connection, listened to until there is nothing more to learn from it.
#[derive(Debug)]
pub(super) struct Talk {
    /// The port the client means: the server's, or the one of the `CONNECT` it is inside of.
    port: u16,
    inside: Option<Vec<u8>>,
    /// Whether this level was already told apart as HTTP, by a request of it.
    heard: bool,
    state: State,
    /// What the client sent and was not used yet.
    pending: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// The next bytes say what this is; the first `looked` are known to be no whole line.
    Opening { looked: usize },
    /// In a ClientHello.
    Hello(ClientHello),
    /// In the head of a request; the first `looked` bytes hold no end of it.
    Head { looked: usize },
    /// In the body of a request.
    Body(Body),
    /// A `CONNECT` was sent, and the proxy has not answered yet.
    Answer { target: Vec<u8>, answer: Vec<u8> },
    /// Nothing more is of interest.
    Done,
}

impl Talk {
    /// A connection to this port of a server.
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            inside: None,
            heard: false,
            state: State::Opening { looked: 0 },
            pending: Vec::new(),
        }
    }

    /// Whether nothing more can come of it.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether what the server says next matters.
    pub(super) fn hears_server(&self) -> bool {
        match self.state {
            State::Answer { .. } => true,
            State::Opening { .. } => self.inside.is_some() && !self.heard && self.pending.is_empty(),
            _ => false,
        }
    }

    /// Whether it has bytes that it does not know the meaning of yet.
    pub(super) fn has_pending(&self) -> bool {
        matches!(self.state, State::Hello(_) | State::Head { .. }) || !self.pending.is_empty()
    }

    /// How many bytes it holds.
    pub(super) fn held(&self) -> usize {
        let of_state = match &self.state {
            State::Hello(hello) => hello.held(),
            State::Answer { target, answer } => target.len() + answer.len(),
            _ => 0,
        };
        self.pending.capacity() + of_state + self.inside.as_ref().map_or(0, Vec::len)
    }

    /// The client's next bytes.
    pub(super) fn client(&mut self, mut bytes: &[u8], heard: &mut Vec<Heard>) {
        if let State::Body(body) = &mut self.state {
            match body.skip(bytes) {
                Skipped::All => return,
                Skipped::Broken => return self.finish(),
                Skipped::Ends(after) => {
                    bytes = &bytes[after..];
                    self.state = State::Opening { looked: 0 };
                }
            }
        }
        if self.is_done() {
            return;
        }
        self.pending.extend_from_slice(bytes);
        while self.advance(heard) {}
    }

    /// The server's next bytes; needed only while [`Self::hears_server`], or when
    /// it may be the first to speak.
    pub(super) fn server(&mut self, bytes: &[u8], heard: &mut Vec<Heard>) {
        match &mut self.state {
            State::Opening { .. } if !self.heard && self.pending.is_empty() => {
                self.fail(FlowProblem::ServerFirst, heard);
            }
            State::Answer { answer, .. } => {
                answer.extend_from_slice(bytes);
                self.answered(heard);
            }
            _ => {}
        }
    }

    /// Nothing more is to come.
    pub(super) fn end(&mut self, heard: &mut Vec<Heard>) {
        let problem = match &self.state {
            State::Opening { .. } if !self.heard && !self.pending.is_empty() => Some(FlowProblem::CutOff),
            State::Hello(_) | State::Head { .. } => Some(FlowProblem::CutOff),
            State::Answer { .. } if !self.pending.is_empty() => Some(FlowProblem::NoAnswer),
            _ => None,
        };
        match problem {
            Some(problem) => self.fail(problem, heard),
            None => self.finish(),
        }
    }

    /// Something went wrong around it, so that nothing more is heard.
    pub(super) fn fail(&mut self, problem: FlowProblem, heard: &mut Vec<Heard>) {
        if !self.is_done() {
            let inside = self
                .inside
                .as_ref()
                .map(|target| shortened(&target.escape_ascii().to_string()));
            heard.push(Heard::Problem { inside, problem });
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.state = State::Done;
        self.pending = Vec::new();
    }

    /// Goes as far as the client's bytes reach; whether it may go further.
    fn advance(&mut self, heard: &mut Vec<Heard>) -> bool {
        match &mut self.state {
            State::Opening { looked } => {
                if self.heard {
                    // Some clients put an empty line behind a body that they send.
                    let blank = self.pending.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
                    let blank = blank.count();
                    self.pending.drain(..blank);
                }
                let opening = Opening::of(&self.pending, looked);
                match (opening, self.heard) {
                    (None, _) => return self.bounded(heard),
                    (Some(Opening::Request), _) => self.state = State::Head { looked: 0 },
                    // After an upgrade, a WebSocket for one, the bytes are no requests.
                    (Some(_), true) => self.finish(),
                    (Some(Opening::Tls), _) => self.state = State::Hello(ClientHello::default()),
                    (Some(Opening::Http2), _) => self.fail(FlowProblem::PlainHttp2, heard),
                    (Some(Opening::Unknown), _) => {
                        let first = self.pending.iter().take(8).map(|byte| format!("{byte:02x}"));
                        let first = first.collect();
                        self.fail(FlowProblem::Bytes { first }, heard);
                    }
                }
                true
            }
            State::Hello(hello) => match hello.read(&mut self.pending) {
                Ok(None) => false,
                Ok(Some(server_name)) => {
                    let port = self.port;
                    heard.push(Heard::Traffic(Traffic::Connection { server_name, port }));
                    self.finish();
                    false
                }
                Err(problem) => {
                    self.fail(FlowProblem::ClientHello { problem }, heard);
                    false
                }
            },
            State::Head { looked } => match request::end_of_head(&self.pending, looked) {
                Some(end) => {
                    self.request(end, heard);
                    true
                }
                None => self.bounded(heard),
            },
            State::Answer { .. } => self.bounded(heard),
            // Reached with the bytes behind a head.
            State::Body(body) => match body.skip(&self.pending) {
                Skipped::Ends(after) => {
                    self.pending.drain(..after);
                    self.state = State::Opening { looked: 0 };
                    !self.pending.is_empty()
                }
                Skipped::All => {
                    self.pending = Vec::new();
                    false
                }
                Skipped::Broken => {
                    self.finish();
                    false
                }
            },
            State::Done => false,
        }
    }

    /// Waits for more, unless that is too much already.
    fn bounded(&mut self, heard: &mut Vec<Heard>) -> bool {
        if self.pending.len() > LONGEST_HEAD {
            let problem = match self.state {
                State::Answer { .. } => FlowProblem::NoAnswer,
                _ => FlowProblem::TooLong { limit: LONGEST_HEAD },
            };
            self.fail(problem, heard);
        }
        false
    }

    /// A request whose head ends at `end`.
    fn request(&mut self, end: usize, heard: &mut Vec<Heard>) {
        match request::read(&self.pending[..end], self.port) {
            Ok(request) => {
                self.pending.drain(..end);
                self.heard = true;
                self.state = match (&request.traffic, request.body) {
                    (Traffic::Tunnel { authority }, _) => State::Answer {
                        target: authority.clone(),
                        answer: Vec::new(),
                    },
                    (_, Some(body)) => State::Body(body),
                    (_, None) => State::Done,
                };
                heard.push(Heard::Traffic(request.traffic));
            }
            // It may also be the inside of an upgrade that only looks like a request.
            Err(_) if self.heard => self.finish(),
            Err(problem) => self.fail(problem, heard),
        }
    }

    /// The proxy has said something about a `CONNECT`.
    fn answered(&mut self, heard: &mut Vec<Heard>) {
        let State::Answer { target, answer } = &mut self.state else {
            return;
        };
        loop {
            match request::status(answer) {
                Ok(None) if answer.len() <= LONGEST_HEAD => return,
                Ok(None) | Err(()) => return self.fail(FlowProblem::NoAnswer, heard),
                Ok(Some((100..=199, end))) => {
                    answer.drain(..end);
                }
                Ok(Some((200..=299, end))) => {
                    let more = answer.len() > end;
                    self.port = port_of(target).unwrap_or(443);
                    self.inside = Some(mem::take(target));
                    self.heard = false;
                    self.state = State::Opening { looked: 0 };
                    if more {
                        self.server(&[], heard);
                    }
                    break;
                }
                // Refused, perhaps to be asked again with a password.
                Ok(Some(_)) => {
                    self.state = State::Opening { looked: 0 };
                    break;
                }
            }
        }
        while !self.pending.is_empty() && self.advance(heard) {}
    }
}

#[cfg(test)]
mod tests;
