//! Which collector, and who asks: flags beat the environment, which beats the file.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use ureq::Agent;
use ureq::config::AutoHeaderValue;
use url::{Host, Url};

use super::tls::{Files, TlsError};
use super::{ANSWER, CONNECT, Client, Config};
use crate::failure::Failure;

/// Where a collector is unless somebody says otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// The collector to ask.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Collector")]
pub(crate) struct Connection {
    /// The collector; http://127.0.0.1:8080 unless the configuration file names another
    #[arg(long, env = "SLUICE_URL", value_name = "URL", value_parser = parse_url)]
    url: Option<Url>,
    /// The token; others can see arguments, so prefer the environment or token_file in the configuration file
    #[arg(long, env = "SLUICE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The authority of the collector's certificate, a PEM file
    #[arg(long, env = "SLUICE_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The certificate to show the collector, a PEM file
    #[arg(long, env = "SLUICE_CLIENT_CERT", value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// The private key of that certificate, a PEM file
    #[arg(long, env = "SLUICE_CLIENT_KEY", value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
}

/// A text that is no collector's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an http or https URL without user, query and fragment, such as {DEFAULT_URL}")]
pub(crate) struct InvalidUrl;

fn parse_url(text: &str) -> Result<Url, InvalidUrl> {
    let url = Url::parse(text).map_err(|_| InvalidUrl)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let known = matches!(url.scheme(), "http" | "https") && url.has_host() && url.fragment().is_none();
    if plain && known { Ok(url) } else { Err(InvalidUrl) }
}

impl Connection {
    /// The authority that was given.
    pub(crate) fn ca(&self) -> Option<PathBuf> {
        self.ca.clone()
    }

    /// A client; nothing is sent yet.
    pub(crate) fn client(&self, config: &Config) -> Result<Client, Failure> {
        let url = match (&self.url, &config.url) {
            (Some(url), _) => url.clone(),
            (None, text) => {
                let text = text.as_deref().unwrap_or(DEFAULT_URL);
                parse_url(text).map_err(|error| Failure::Configured {
                    name: "url",
                    value: text.to_owned(),
                    error: error.to_string(),
                })?
            }
        };
        let files = Files {
            ca: self.ca.as_ref().or(config.ca.as_ref()).cloned(),
            client: self.identity(config)?,
        };
        let token = match &self.token {
            Some(token) => Some(token.clone()),
            None => token_of(config)?,
        };
        let token = token
            .map(|token| token.trim().to_owned())
            .filter(|token| !token.is_empty());
        if token
            .as_ref()
            .is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(Failure::Token);
        }
        Ok(Client {
            agent: agent(&url, &files)?,
            url,
            token,
        })
    }

    fn identity(&self, config: &Config) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
        let cert = self.client_cert.as_ref().or(config.client_cert.as_ref());
        match (cert, self.client_key.as_ref().or(config.client_key.as_ref())) {
            (Some(cert), Some(key)) => Ok(Some((cert.clone(), key.clone()))),
            (None, None) => Ok(None),
            (Some(path), None) | (None, Some(path)) => Err(Failure::Configured {
                name: "client_cert",
                value: path.display().to_string(),
                error: "expected client_cert and client_key, both or neither".to_owned(),
            }),
        }
    }
}

fn token_of(config: &Config) -> Result<Option<String>, Failure> {
    let Some(path) = &config.token_file else {
        return Ok(None);
    };
    let read = fs::read_to_string(path).map(Some);
    read.map_err(|error| Failure::Unreadable {
        path: path.clone(),
        error,
    })
}

fn agent(url: &Url, files: &Files) -> Result<Agent, TlsError> {
    let agent = format!("sluice/{}", env!("CARGO_PKG_VERSION"));
    let config = Agent::config_builder()
        .http_status_as_error(false)
        // An answer from elsewhere is not this collector's, and must not see the token.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(ANSWER))
        .user_agent(AutoHeaderValue::from(agent))
        .accept(AutoHeaderValue::from("application/json"))
        .tls_config(files.config()?);
    // The proxy that a sandbox's shell goes through does not lead to this machine.
    let config = if is_loopback(url) { config.proxy(None) } else { config };
    Ok(config.build().new_agent())
}

/// Whether it stays on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_a_collector() {
        for text in ["http://127.0.0.1:8080", "https://sluice.example.com/egress/"] {
            assert!(parse_url(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "127.0.0.1:8080",
            "ftp://sluice.example.com",
            "https://user@sluice.example.com",
            "https://sluice.example.com/?a=b",
            "https://sluice.example.com/#a",
            "unix:/run/sluice",
        ] {
            assert_eq!(parse_url(text), Err(InvalidUrl), "{text}");
        }
    }

    #[test]
    fn loopback_is_told_from_the_network() {
        for (text, expected) in [
            ("http://127.0.0.1:8080", true),
            ("http://localhost", true),
            ("http://[::1]:1", true),
            ("http://192.0.2.1", false),
            ("https://sluice.example.com", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(text).unwrap()), expected, "{text}");
        }
    }
}
