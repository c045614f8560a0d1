//! Load: keep-alive connections that ask as fast as they are answered, cheap enough to share two cores with Envoy.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// When enough was asked.
#[derive(Debug, Clone, Copy)]
pub enum Limit {
    /// After that many requests.
    Requests(u64),
    /// After that long; what has been asked by then is still answered.
    Time(Duration),
}

/// What was asked, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many answers had this status.
    pub answers: BTreeMap<u16, u64>,
    /// Requests whose connection broke before they were answered.
    pub unanswered: u64,
}

impl Totals {
    /// Every answer.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answers.values().sum()
    }

    fn add(&mut self, other: &Self) {
        for (status, count) in &other.answers {
            *self.answers.entry(*status).or_default() += count;
        }
        self.unanswered += other.unanswered;
    }
}

/// Asks over that many connections at once; `request` makes the bytes of the request of each number, from 0.
///
/// # Panics
/// If the proxy stops accepting connections, or stays silent.
pub fn run(proxy: SocketAddr, connections: usize, limit: Limit, request: impl Fn(u64) -> Vec<u8> + Sync) -> Totals {
    let (next, totals) = (AtomicU64::new(0), Mutex::new(Totals::default()));
    let end = match limit {
        Limit::Requests(_) => None,
        Limit::Time(time) => Some(Instant::now() + time),
    };
    let most = match limit {
        Limit::Requests(count) => count,
        Limit::Time(_) => u64::MAX,
    };
    let take = || {
        let over = end.is_some_and(|end| Instant::now() >= end);
        let number = next.fetch_add(1, Ordering::Relaxed);
        (!over && number < most).then_some(number)
    };
    thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut own = Totals::default();
                let mut stream = connect(proxy);
                while let Some(number) = take() {
                    match exchange(&mut stream, &request(number)) {
                        Ok(status) => *own.answers.entry(status).or_default() += 1,
                        Err(error) => {
                            assert!(crate::raw::is_close(&error), "no answer under load: {error}");
                            own.unanswered += 1;
                            stream = connect(proxy);
                        }
                    }
                }
                totals.lock().expect("no holder of this lock panics").add(&own);
            });
        }
    });
    totals.into_inner().expect("no holder of this lock panics")
}

fn connect(proxy: SocketAddr) -> BufReader<TcpStream> {
    BufReader::new(crate::raw::connect(proxy))
}

/// Sends one request, reads its response to the end and gives the status.
///
/// One at a time: Envoy 1.40 closes a connection on which a third request waits behind answers of its own.
fn exchange(stream: &mut BufReader<TcpStream>, request: &[u8]) -> io::Result<u16> {
    stream.get_mut().write_all(request)?;
    let mut line = String::new();
    let mut next = |line: &mut String| {
        line.clear();
        match stream.read_line(line)? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            _ => Ok(()),
        }
    };
    next(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.unwrap_or_else(|| panic!("not an HTTP response: {line:?}"));
    let mut length = 0;
    while line != "\r\n" {
        next(&mut line)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().expect("a length is a number");
        }
    }
    io::copy(&mut stream.take(length), &mut io::sink())?;
    Ok(status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::h1;
    use crate::upstream::Upstream;

    #[test]
    fn every_request_is_made_once_and_every_answer_counted() {
        let upstream = Upstream::plain(418);
        let address = ([127, 0, 0, 1], upstream.port()).into();
        let totals = run(address, 3, Limit::Requests(101), |number| {
            let path = format!("/{number}");
            h1::request(b"GET", path.as_bytes(), &[(b"host", b"x")])
        });
        assert_eq!(totals.answers, BTreeMap::from([(418, 101)]));
        assert_eq!(totals.unanswered, 0);
        let mut asked = upstream.requests();
        asked.sort();
        asked.dedup();
        assert_eq!(asked.len(), 101);
    }
}
