//! A scripted collector: answers by method and path, and records what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::run::{Ran, command};

/// A request, as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query behind `/api/v1`, if that is where it went.
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Value,
}

impl Request {
    /// Method and target.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn of(status: u16, body: &Value) -> Self {
        Self::text(status, &body.to_string())
    }

    pub(super) fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As API.md writes errors.
    pub(super) fn error(status: u16, code: &str, message: &str, details: Value) -> Self {
        let error =
            json!({"code": code, "message": message, "details": details, "retryable": false, "retry_after_ms": null});
        Self::of(status, &json!({"error": error}))
    }
}

struct Route {
    method: String,
    /// Path without query, or with, which is then compared too.
    target: String,
    answers: Vec<Answer>,
    used: usize,
}

/// A collector that knows nothing but its script.
pub(super) struct Collector {
    pub(super) url: String,
    routes: Arc<Mutex<Vec<Route>>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Collector {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let collector = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            routes: Arc::default(),
            requests: Arc::default(),
        };
        let (routes, requests) = (Arc::clone(&collector.routes), Arc::clone(&collector.requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (routes, requests) = (Arc::clone(&routes), Arc::clone(&requests));
                thread::spawn(move || serve(stream.unwrap(), &routes, &requests));
            }
        });
        collector
    }

    /// Answers a call with this, each time.
    pub(super) fn on(&self, call: &str, body: Value) -> &Self {
        self.answers(call, vec![Answer::of(200, &body)])
    }

    /// Answers a call with a list.
    pub(super) fn list(&self, call: &str, rows: &[Value]) -> &Self {
        self.on(call, json!({"data": rows, "next_cursor": null}))
    }

    /// Answers a call with an object.
    pub(super) fn object(&self, call: &str, object: Value) -> &Self {
        self.on(call, json!({"data": object}))
    }

    /// Answers a call with these in turn, and with the last one from then on.
    pub(super) fn answers(&self, call: &str, answers: Vec<Answer>) -> &Self {
        let (method, target) = call.split_once(' ').unwrap();
        let mut routes = self.routes.lock().unwrap();
        routes.insert(
            0,
            Route {
                method: method.to_owned(),
                target: target.to_owned(),
                answers,
                used: 0,
            },
        );
        self
    }

    /// Runs the binary with this collector and a token.
    pub(super) fn sluice(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// As [`Collector::sluice`], to be changed before it runs.
    pub(super) fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = clean(arguments);
        command.env("SLUICE_URL", &self.url).env("SLUICE_TOKEN", "sluice_test");
        command
    }

    /// What was asked so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// What was asked so far, each in a line.
    pub(super) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(Request::line).collect()
    }

    /// The body of the last request that was a call of this kind.
    #[track_caller]
    pub(super) fn body(&self, call: &str) -> Value {
        let requests = self.requests();
        let found = requests.iter().rev().find(|request| request.line() == call);
        found
            .unwrap_or_else(|| panic!("{call} is not in {:?}", self.lines()))
            .body
            .clone()
    }
}

/// The binary without anything of the machine's configuration.
pub(super) fn clean(arguments: &[&str]) -> std::process::Command {
    let mut command = command(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SLUICE_") {
            command.env_remove(name);
        }
    }
    command
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("HOME", "/nonexistent");
    command
}

fn serve(mut stream: TcpStream, routes: &Mutex<Vec<Route>>, requests: &Mutex<Vec<Request>>) {
    let Some(request) = read(&stream) else {
        return;
    };
    let answer = answer(&request, &mut routes.lock().unwrap());
    requests.lock().unwrap().push(request);
    let mut head = format!(
        "HTTP/1.1 {} x\r\nconnection: close\r\ncontent-length: {}\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    // A client that leaves early has seen what it wanted.
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&answer.body));
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut from = BufReader::new(stream);
    let mut line = String::new();
    from.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let target = target.strip_prefix("/api/v1").unwrap_or(target).to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: u64 = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = Vec::new();
    from.take(length).read_to_end(&mut body).ok()?;
    Some(Request {
        method,
        target,
        headers,
        body: if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap()
        },
    })
}

fn answer(request: &Request, routes: &mut [Route]) -> Answer {
    let path = request.target.split('?').next().unwrap_or_default();
    let fits = |route: &&mut Route| {
        let target = if route.target.contains('?') {
            &*request.target
        } else {
            path
        };
        route.method == request.method && route.target == target
    };
    match routes.iter_mut().find(fits) {
        Some(route) => {
            let answer = route.answers[route.used.min(route.answers.len() - 1)].clone();
            route.used += 1;
            answer
        }
        None => Answer::error(404, "NOT_FOUND", &format!("there is no {}", request.line()), json!({})),
    }
}
