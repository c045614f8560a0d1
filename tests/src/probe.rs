//! Connections that ask one question again and again, and note when which answer came.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::raw::h1;

/// One answered question.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// When it was asked.
    pub asked: Instant,
    /// When the answer was there.
    pub answered: Instant,
    /// The status; none if the connection was closed.
    pub status: Option<u16>,
}

/// What one change of policy did to the connections.
#[derive(Debug, Clone)]
pub struct Changed {
    /// When the last answer by the policy before it came, if one did.
    pub last_old: Option<Instant>,
    /// How long each answer took meanwhile.
    pub took: Vec<Duration>,
}

/// Longer than any change of policy may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Keep-alive connections, each asking at its own pace. They stop when dropped.
#[derive(Debug)]
pub struct Probe {
    stop: Arc<AtomicBool>,
    answers: Vec<Arc<Mutex<Vec<Answered>>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Probe {
    /// Opens `connections` and asks a plain GET for `authority` on each, with a pause after each answer.
    #[must_use]
    pub fn start(proxy: SocketAddr, authority: &str, connections: usize, pause: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answers: Vec<_> = (0..connections).map(|_| Arc::<Mutex<Vec<_>>>::default()).collect();
        let ask = |answers: &Arc<Mutex<Vec<Answered>>>| {
            let (stop, answers, request) = (Arc::clone(&stop), Arc::clone(answers), h1::get(authority));
            thread::spawn(move || {
                let mut connection = h1::Connection::open(proxy);
                while !stop.load(Ordering::Relaxed) {
                    let asked = Instant::now();
                    let status = connection.send(&request).status();
                    let answered = Instant::now();
                    let answer = Answered {
                        asked,
                        answered,
                        status,
                    };
                    answers.lock().expect("no holder of this lock panics").push(answer);
                    if status.is_none() {
                        connection = h1::Connection::open(proxy);
                    }
                    thread::sleep(pause);
                }
            })
        };
        Self {
            threads: answers.iter().map(ask).collect(),
            stop,
            answers,
        }
    }

    /// Takes out what each connection was answered since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<Vec<Answered>> {
        let take = |answers: &Arc<Mutex<Vec<Answered>>>| {
            std::mem::take(&mut *answers.lock().expect("no holder of this lock panics"))
        };
        self.answers.iter().map(take).collect()
    }
}

impl Probe {
    /// Waits until every connection is answered by a newer policy, whose status is `new`.
    ///
    /// # Panics
    /// If a request is decided by neither policy, by the older one after the newer one, or not at all; or if it
    /// takes longer than a minute.
    #[must_use]
    pub fn until_changed(&self, old: u16, new: u16) -> Changed {
        let start = Instant::now();
        let mut changed = Changed {
            last_old: None,
            took: Vec::new(),
        };
        let mut done = vec![false; self.answers.len()];
        while !done.iter().all(|done| *done) {
            assert!(start.elapsed() < PATIENCE, "the newer policy is in force");
            thread::sleep(Duration::from_millis(5));
            for (done, answers) in done.iter_mut().zip(self.take()) {
                for answer in answers {
                    let status = answer.status.expect("no connection is closed");
                    changed.took.push(answer.answered - answer.asked);
                    if status == old {
                        assert!(!*done, "the policy before ruled again");
                        changed.last_old = changed.last_old.max(Some(answer.answered));
                    } else {
                        assert_eq!(status, new, "decided by neither policy");
                        *done = true;
                    }
                }
            }
        }
        changed
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A panic there has been printed.
            let _ = thread.join();
        }
    }
}
