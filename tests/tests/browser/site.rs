//! A few pages on loopback.

use std::collections::HashMap;
use std::net::SocketAddr;

use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// A server of files that are in memory. It ends when dropped.
pub(crate) struct Site {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Site {
    /// One page, at `/`.
    pub(crate) fn of(body: &str) -> Self {
        Self::with(&[("/", page(body).as_bytes())], "")
    }

    /// Files by path, all with this Content-Security-Policy, if it is not empty.
    pub(crate) fn with(files: &[(&str, &[u8])], policy: &str) -> Self {
        let files = files.iter().map(|(path, file)| ((*path).to_owned(), file.to_vec()));
        let files: HashMap<String, Vec<u8>> = files.collect();
        let policy = policy.to_owned();
        let router = Router::new().fallback(move |uri: Uri| {
            let answer = match files.get(uri.path()) {
                Some(file) => {
                    let kind = [(header::CONTENT_TYPE, kind(uri.path()))];
                    let mut answer = (kind, file.clone()).into_response();
                    if !policy.is_empty() {
                        let value = policy.parse().expect("policies of tests are valid");
                        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, value);
                    }
                    answer
                }
                None => StatusCode::NOT_FOUND.into_response(),
            };
            async { answer }
        });
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a process can start a thread");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("loopback has a free TCP port");
        let address = listener.local_addr().expect("a bound socket has an address");
        runtime.spawn(async { axum::serve(listener, router).await });
        Self {
            address,
            _runtime: runtime,
        }
    }

    /// Without a slash at its end.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/", self.origin())
    }
}

/// A whole page, which asks for no icon.
pub(crate) fn page(body: &str) -> String {
    format!(
        r#"<!doctype html>
        <html lang="en">
          <head>
            <title>A page</title>
            <meta name="viewport" content="width=device-width">
            <link rel="icon" href="data:,">
          </head>
          <body><main>{body}</main></body>
        </html>"#
    )
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.') {
        Some((_, "js")) => "text/javascript",
        Some((_, "wasm")) => "application/wasm",
        _ => "text/html; charset=utf-8",
    }
}
