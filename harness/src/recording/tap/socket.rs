//! One connection of a socket tap.

use super::trace::{Data, Direction, Ends, Event, Pieces};
use crate::recording::error::{SkipReason, shortened};
use crate::recording::records::Parsed;
use crate::recording::talk::{Heard, Talk};
use crate::recording::unheard::FlowProblem;
use sluice_policy::Timestamp;

/// One connection, whose pieces come one by one.
#[derive(Debug)]
pub(super) struct Socket {
    /// The first trace of it.
    number: u64,
    ends: Option<Ends>,
    /// Which way the client's bytes go, once there are any, and what is heard.
    talk: Option<(Direction, Talk)>,
}

/// The number of a trace and what it says.
pub(super) type Entry = (u64, Result<Parsed, SkipReason>);

impl Socket {
    /// A connection of which this trace is the first.
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            ends: None,
            talk: None,
        }
    }

    /// Whether its ends are known.
    pub(super) fn has_ends(&self) -> bool {
        self.ends.is_some()
    }

    /// Takes what the trace with this number says.
    pub(super) fn take(&mut self, pieces: Pieces, number: u64) -> Vec<Entry> {
        let mut entries = Vec::new();
        if pieces.ends.is_some() {
            self.ends = pieces.ends;
        }
        for event in pieces.events {
            let mut heard = Vec::new();
            let at = event.at;
            self.hear(&event, &mut heard);
            entries.extend(self.entries(heard, number, at));
        }
        let lacks = |(client, talk): &(Direction, Talk)| {
            let mut ways = pieces.truncated.iter();
            ways.any(|way| way == client || talk.hears_server())
        };
        if self.talk.as_ref().is_some_and(lacks) {
            entries.extend(self.give_up(FlowProblem::Truncated));
        }
        entries
    }

    /// Nothing more is to come.
    pub(super) fn finish(mut self, problem: Option<FlowProblem>) -> Vec<Entry> {
        if let Some(problem) = problem {
            return self.give_up(problem);
        }
        let mut heard = Vec::new();
        if let Some((_, talk)) = &mut self.talk {
            talk.end(&mut heard);
        }
        self.entries(heard, self.number, None).collect()
    }

    /// Says that the rest is missing, if there could have been something in it.
    fn give_up(&mut self, problem: FlowProblem) -> Vec<Entry> {
        let mut heard = Vec::new();
        match &mut self.talk {
            Some((_, talk)) => talk.fail(problem, &mut heard),
            None => return Vec::new(),
        }
        self.entries(heard, self.number, None).collect()
    }

    fn hear(&mut self, event: &Event, heard: &mut Vec<Heard>) {
        let (client, talk) = self.talk.get_or_insert_with(|| {
            // What Envoy reads first comes from a client of its own, what it writes first goes to a server.
            let ends = self.ends.as_ref();
            let server = match event.direction {
                Direction::Read => ends.and_then(|ends| ends.local.as_ref()),
                Direction::Write => ends.and_then(|ends| ends.remote.as_ref()),
            };
            (event.direction, Talk::new(server.map_or(443, |server| server.port)))
        });
        match &event.data {
            Data::Damaged => talk.fail(FlowProblem::Text, heard),
            Data::Bytes(bytes) if event.direction == *client => talk.client(bytes, heard),
            Data::Bytes(bytes) => talk.server(bytes, heard),
        }
        if event.truncated && (event.direction == *client || talk.hears_server()) {
            talk.fail(FlowProblem::Truncated, heard);
        }
    }

    fn entries(&self, heard: Vec<Heard>, number: u64, at: Option<Timestamp>) -> impl Iterator<Item = Entry> {
        let first = self.number;
        let server = self.server();
        heard.into_iter().map(move |heard| match heard {
            Heard::Traffic(traffic) => (
                number,
                Ok(Parsed {
                    at,
                    count: 1,
                    traffic,
                    address: None,
                }),
            ),
            Heard::Problem { inside, problem } => {
                let to = match inside {
                    Some(target) => format!("{target} through {server}"),
                    None => server.clone(),
                };
                (first, Err(SkipReason::Flow { to, problem }))
            }
        })
    }

    /// The server, as far as it is known, ready to be shown.
    fn server(&self) -> String {
        let ends = self.ends.as_ref();
        let address = match &self.talk {
            Some((Direction::Write, _)) => ends.and_then(|ends| ends.remote.as_ref()),
            _ => ends.and_then(|ends| ends.local.as_ref()),
        };
        match address {
            Some(address) => {
                let host = shortened(&address.host.escape_debug().to_string());
                match host.contains(':') {
                    true => format!("[{host}]:{}", address.port),
                    false => format!("{host}:{}", address.port),
                }
            }
            None => "an unknown address".to_owned(),
        }
    }
}
