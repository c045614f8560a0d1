//! Real curl through the proxy: what a user's client sees.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

/// How one curl run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Status of the request itself; 0 if there was none.
    pub http_code: u16,
    /// Status of the CONNECT before it; 0 if there was none.
    pub http_connect: u16,
    /// curl's exit code.
    pub exit: i32,
    /// Response headers as received, those of the CONNECT first.
    pub headers: String,
    /// Response body.
    pub body: String,
}

/// curl, set up to go through one proxy.
#[derive(Debug)]
pub struct Curl {
    arguments: Vec<String>,
    ca: PathBuf,
}

impl Curl {
    /// Sends everything through the explicit proxy at this address.
    #[must_use]
    pub fn through(proxy: SocketAddr, ca: impl Into<PathBuf>) -> Self {
        Self {
            arguments: vec!["--proxy".into(), format!("http://{proxy}")],
            ca: ca.into(),
        }
    }

    /// Dials this address instead of the one in the URL, as a redirected connection would.
    #[must_use]
    pub fn redirected(listener: SocketAddr, ca: impl Into<PathBuf>) -> Self {
        Self {
            arguments: vec!["--connect-to".into(), format!("::{listener}")],
            ca: ca.into(),
        }
    }

    /// Gets one URL.
    #[must_use]
    pub fn get(&self, url: &str) -> Outcome {
        self.run(&[], url)
    }

    /// Runs curl with further arguments.
    ///
    /// # Panics
    /// If curl is not installed, or says something this cannot read.
    #[must_use]
    pub fn run(&self, arguments: &[&str], url: &str) -> Outcome {
        const MARK: &str = "\n--outcome--";
        let output = Command::new("curl")
            // Without the user's settings: neither ~/.curlrc nor a proxy of the machine.
            .arg("--disable")
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .args(["--silent", "--include", "--max-time", "30", "--cacert"])
            .arg(&self.ca)
            .args(["--write-out", &format!("{MARK}%{{http_code}} %{{http_connect}}")])
            .args(&self.arguments)
            .args(arguments)
            .arg(url)
            .output()
            .expect("curl is installed (see the README's list of packages)");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (response, codes) = text.rsplit_once(MARK).unwrap_or_else(|| {
            panic!(
                "curl did not get as far as a result: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        let mut codes = codes.split(' ').map(|code| code.parse().unwrap_or(0));
        let (headers, body) = split(response);
        Outcome {
            http_code: codes.next().unwrap_or(0),
            http_connect: codes.next().unwrap_or(0),
            exit: output.status.code().unwrap_or(-1),
            headers,
            body,
        }
    }
}

impl Outcome {
    /// A response header, the last one of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().rev().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Heads come before the body, each ending in an empty line; a body never starts with `HTTP/`.
fn split(response: &str) -> (String, String) {
    let mut headers = String::new();
    let mut rest = response;
    while rest.starts_with("HTTP/") {
        let (head, after) = rest.split_once("\r\n\r\n").unwrap_or((rest, ""));
        headers.push_str(head);
        headers.push('\n');
        rest = after;
    }
    (headers, rest.to_owned())
}
