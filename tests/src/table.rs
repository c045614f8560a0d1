//! Reads `behaviour.md`: documentation whose tables are run.

use std::net::SocketAddr;

use sluice_harness::recording::Sighting;
use sluice_policy::{Action, DecisionRecord};

/// One policy and the requests that it decides.
#[derive(Debug)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// The policy document, as JSON.
    pub policy: String,
    /// Its requests.
    pub rows: Vec<Row>,
}

/// One request and what becomes of it.
#[derive(Debug)]
pub struct Row {
    /// The row as it stands in the file, with its line number.
    pub text: String,
    /// How it is sent.
    pub form: Form,
    /// The authority or server name, byte for byte.
    pub authority: Vec<u8>,
    /// The method; for what is no request, what stands in its place: the
    /// address that was dialled, the target of the tunnel, else nothing.
    pub method: Vec<u8>,
    /// The path; none where there is none to see.
    pub path: Option<Vec<u8>>,
    /// The decision, in the words of [`words`].
    pub decision: String,
    /// What was decided on, in the words of [`target`].
    pub target: String,
    /// What is different in Envoy.
    pub envoy: InEnvoy,
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
    /// A TLS connection known by its server name.
    Tls,
    /// A TLS connection that goes where it was dialled.
    Dialled,
    /// The inside of a tunnel.
    Inside,
}

/// What becomes of a row in Envoy, which has its own opinion of some requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InEnvoy {
    /// The filter decides what was sent.
    Same,
    /// The filter decides this authority, or this path if it begins with `/`, instead of
    /// the one that was sent.
    Sees(Vec<u8>),
    /// Envoy answers before the filter is asked.
    Answers(u16),
    /// Envoy closes the stream or connection.
    Resets,
}

/// The sections of the file.
///
/// # Panics
/// If the file is not what its introduction says.
#[must_use]
pub fn read(markdown: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut in_policy = false;
    for (number, line) in (1..).zip(markdown.lines()) {
        if let Some(title) = line.strip_prefix("## ") {
            sections.push(Section {
                title: title.to_owned(),
                policy: String::new(),
                rows: Vec::new(),
            });
        }
        let Some(section) = sections.last_mut() else { continue };
        match line {
            "```json" => in_policy = true,
            "```" => in_policy = false,
            _ if in_policy => section.policy.extend([line, "\n"]),
            _ if line.starts_with("| sent as") || line.starts_with("|---") => {}
            _ if line.starts_with('|') => section.rows.push(Row::read(number, line)),
            _ => {}
        }
    }
    sections
}

impl Row {
    fn read(number: usize, line: &str) -> Self {
        let text = format!("behaviour.md:{number}: {line}");
        let inner = line.trim_matches('|').split('|').map(str::trim);
        let cells: Vec<&str> = inner.collect();
        let [form, authority, method, path, decision, target, envoy] = cells[..] else {
            panic!("seven columns are expected: {text}");
        };
        let path = code(path);
        Self {
            form: match form {
                "h1" => Form::Http1,
                "host" => Form::Host,
                "h2" => Form::Http2,
                "tls" => Form::Tls,
                "dialled" => Form::Dialled,
                "inside" => Form::Inside,
                _ => panic!("h1, host, h2, tls, dialled or inside is expected: {text}"),
            },
            authority: bytes(code(authority)),
            method: bytes(code(method)),
            path: (!path.is_empty()).then(|| bytes(path)),
            decision: decision.to_owned(),
            target: target.to_owned(),
            envoy: match envoy.strip_prefix("sees ") {
                Some(other) => InEnvoy::Sees(bytes(code(other))),
                None if envoy == "same" => InEnvoy::Same,
                None if envoy == "reset" => InEnvoy::Resets,
                None => InEnvoy::Answers(envoy.parse().unwrap_or_else(|_| panic!("{text}"))),
            },
            text,
        }
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
        let mut authority = self.authority.clone();
        let mut path = self.path.clone();
        match &self.envoy {
            InEnvoy::Sees(other) if other.starts_with(b"/") => path = Some(other.clone()),
            InEnvoy::Sees(other) => authority = other.clone(),
            _ => {}
        }
        match self.form {
            Form::Tls => Sighting::Connection {
                server_name: authority,
                port: 443,
            },
            Form::Dialled => Sighting::Dialled {
                server_name: authority,
                destination: self.dialled(),
            },
            Form::Inside => Sighting::Inside {
                authority: self.method.clone(),
                server_name: (authority != PLAINTEXT).then_some(authority),
            },
            _ => Sighting::Request {
                authority,
                method: self.method.clone(),
                path,
            },
        }
    }
}

/// What stands for a server name where the bytes are no ClientHello.
pub const PLAINTEXT: &[u8] = b"(no TLS)";

/// A decision in the words of the table.
#[must_use]
pub fn words(record: &DecisionRecord<'_>) -> String {
    let by = match (&record.rejected_by, &record.rule_id) {
        (Some(reason), _) => reason.to_string(),
        (None, Some(rule)) => rule.to_string(),
        (None, None) => "default".to_owned(),
    };
    let nearest = record.nearest.as_ref().map_or_else(String::new, |nearest| {
        let why = serde_json::to_value(nearest.why).expect("a word serialises");
        format!(" ({}: {})", nearest.rule_id, why.as_str().unwrap_or_default())
    });
    let action = match (record.action, record.would_reject) {
        (Action::Allow, true) => "allow, would reject",
        (Action::Allow, false) => "allow",
        (Action::Warn, _) => "warn",
        (Action::Reject, _) => "reject",
    };
    format!("{action} {by}{nearest}")
}

/// What was decided on, as host and port; empty for what is no target.
#[must_use]
pub fn target(record: &DecisionRecord<'_>) -> String {
    match (&record.host, record.port) {
        (Some(host), Some(port)) if host.contains(':') => format!("[{host}]:{port}"),
        (Some(host), Some(port)) => format!("{host}:{port}"),
        _ => String::new(),
    }
}

fn code(cell: &str) -> &str {
    cell.strip_prefix('`')
        .and_then(|cell| cell.strip_suffix('`'))
        .unwrap_or(cell)
}

/// `\xNN` stands for a byte; everything else for itself.
fn bytes(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or_else(|| panic!("\\xNN in {text}"));
        bytes.push(u8::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("\\xNN in {text}")));
        bytes.extend(rest.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_policies_and_rows() {
        let sections = read(concat!(
            "# Title\n| not | a | row |\n## One\ntext\n```json\n{}\n```\n| sent as | … |\n|---|---|\n",
            "| host | `a\\xffb` | `GET` | | reject x | | 400 |\n## Two\n```json\n{\"rules\": []}\n```\n",
            "| tls | | | | allow y | a:1 | sees `c` |\n",
        ));
        assert_eq!(sections.len(), 2);
        assert_eq!(
            (sections[0].title.as_str(), sections[0].policy.as_str()),
            ("One", "{}\n")
        );
        let row = &sections[0].rows[0];
        assert_eq!(
            row.text,
            r"behaviour.md:10: | host | `a\xffb` | `GET` | | reject x | | 400 |"
        );
        assert_eq!((row.form, row.envoy.clone()), (Form::Host, InEnvoy::Answers(400)));
        assert_eq!((row.authority.as_slice(), &row.path), (b"a\xffb".as_slice(), &None));
        let row = &sections[1].rows[0];
        assert_eq!((row.form, row.envoy.clone()), (Form::Tls, InEnvoy::Sees(b"c".to_vec())));
        assert!(row.authority.is_empty());
    }
}
