//! One row: what is sent, and what becomes of it.

use std::net::SocketAddr;

use sluice_harness::recording::Sighting;

use super::text::{bytes, code};
use super::with::With;

/// One request and what becomes of it.
#[derive(Debug)]
pub struct Row {
    /// The row as it stands in the file, with its line number.
    pub text: String,
    /// How it is sent.
    pub form: Form,
    /// The authority or server name, byte for byte; none where the bytes are no TLS.
    pub authority: Option<Vec<u8>>,
    /// The method; for what is no request, what stands in its place: the
    /// address that was dialled, the target of the tunnel, else nothing.
    pub method: Vec<u8>,
    /// The path; none where there is none to see.
    pub path: Option<Vec<u8>>,
    /// What is sent beside that.
    pub with: With,
    /// The decision, in the words of [`words`](super::words()).
    pub decision: String,
    /// What was decided on, in the words of [`target`](super::target()).
    pub target: String,
    /// What is different in Envoy.
    pub envoy: InEnvoy,
    /// What the row stands for.
    pub why: String,
}

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Absolute-form or `CONNECT`, as clients talk to a proxy.
    Http1,
    /// Origin-form with a `Host` header.
    Host,
    /// HTTP/2.
    Http2,
    /// A request out of a TLS connection that ends at the proxy.
    Terminated,
    /// A TLS connection known by its server name.
    Tls,
    /// A TLS connection that goes where it was dialled.
    Dialled,
    /// The inside of a tunnel.
    Inside,
}

impl Form {
    const ALL: [(&str, Self); 7] = [
        ("h1", Self::Http1),
        ("host", Self::Host),
        ("h2", Self::Http2),
        ("terminated", Self::Terminated),
        ("tls", Self::Tls),
        ("dialled", Self::Dialled),
        ("inside", Self::Inside),
    ];

    fn read(cell: &str, row: &str) -> Self {
        let found = Self::ALL.iter().find(|(name, _)| *name == cell);
        let Some((_, form)) = found else {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            panic!("one of {names} is expected: {row}");
        };
        *form
    }
}

/// What becomes of a row in Envoy, which has its own opinion of some requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InEnvoy {
    /// The filter decides what was sent.
    Same,
    /// It does, and Envoy has no route for what it allows.
    Routeless(u16),
    /// It decides something else instead.
    Sees(Shown),
    /// Envoy answers before the filter is asked.
    Answers(u16),
    /// Envoy closes the stream or connection.
    Resets,
}

/// What the filter is shown instead of what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// This authority or server name.
    Name(Vec<u8>),
    /// This method.
    Method(Vec<u8>),
    /// This path.
    Path(Vec<u8>),
}

impl InEnvoy {
    fn read(cell: &str, row: &str) -> Self {
        let sees = |cell: &str| bytes(code(cell));
        match cell.strip_prefix("sees ") {
            Some(method) if method.starts_with("method ") => {
                Self::Sees(Shown::Method(sees(method.trim_start_matches("method "))))
            }
            Some(path) if path.starts_with("`/") => Self::Sees(Shown::Path(sees(path))),
            Some(name) => Self::Sees(Shown::Name(sees(name))),
            None if cell == "same" => Self::Same,
            None if cell == "reset" => Self::Resets,
            None => {
                let (routeless, status) = match cell.strip_prefix("same, then ") {
                    Some(status) => (true, status),
                    None => (false, cell),
                };
                let status = status.parse().unwrap_or_else(|_| panic!("not understood: {row}"));
                if routeless {
                    Self::Routeless(status)
                } else {
                    Self::Answers(status)
                }
            }
        }
    }
}

impl Row {
    pub(super) fn read(number: usize, line: &str, columns: &[&str]) -> Self {
        let text = format!("behaviour.md:{number}: {line}");
        let cells = super::cells(line);
        assert_eq!(cells.len(), columns.len(), "the table has {columns:?}: {text}");
        let optional = |name: &str| columns.iter().position(|column| *column == name).map(|at| cells[at]);
        let cell = |name: &str| optional(name).unwrap_or_else(|| panic!("a column {name:?} is expected: {text}"));
        let form = Form::read(cell("sent as"), &text);
        let authority = cell("authority");
        let path = code(cell("path"));
        Self {
            form,
            authority: (authority != "(no TLS)").then(|| bytes(code(authority))),
            method: bytes(code(cell("method"))),
            path: (!path.is_empty()).then(|| bytes(path)),
            with: With::read(optional("with").unwrap_or_default(), form, &text),
            decision: cell("decision").to_owned(),
            target: String::from_utf8_lossy(&bytes(cell("target"))).into_owned(),
            envoy: InEnvoy::read(cell("Envoy"), &text),
            why: cell("why").to_owned(),
            text,
        }
    }

    /// The authority or server name, empty where there is none.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.authority.as_deref().unwrap_or_default()
    }

    /// Where a connection was dialled.
    ///
    /// # Panics
    /// If the row does not say.
    #[must_use]
    pub fn dialled(&self) -> SocketAddr {
        let text = String::from_utf8_lossy(&self.method);
        text.parse()
            .unwrap_or_else(|_| panic!("address:port is expected: {}", self.text))
    }

    /// What the filter is shown of it.
    #[must_use]
    pub fn sighting(&self) -> Sighting {
        let mut name = self.authority.clone();
        let mut method = self.method.clone();
        let mut path = self.path.clone();
        if let InEnvoy::Sees(shown) = &self.envoy {
            match shown.clone() {
                Shown::Name(other) => name = Some(other),
                Shown::Method(other) => method = other,
                Shown::Path(other) => path = Some(other),
            }
        }
        match self.form {
            Form::Tls => Sighting::Connection {
                server_name: name.unwrap_or_default(),
                port: 443,
            },
            Form::Dialled => Sighting::Dialled {
                server_name: name.unwrap_or_default(),
                destination: self.dialled(),
            },
            Form::Inside => Sighting::Inside {
                authority: method,
                server_name: name,
            },
            Form::Terminated => Sighting::Terminated {
                authority: name.unwrap_or_default(),
                method,
                path,
                server_name: self.with.server_name.clone().unwrap_or_default(),
            },
            Form::Http1 | Form::Host | Form::Http2 => Sighting::Request {
                authority: name.unwrap_or_default(),
                method,
                path,
            },
        }
    }
}
