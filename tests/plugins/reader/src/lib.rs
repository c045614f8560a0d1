//! The least that a plugin of the ordinary SDK does which knows where a request goes: it reads `:authority`.
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, reason = "what the SDK's macro exports has none")]

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}

struct Root;

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream))
    }
}

struct Stream;

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        // HTTP/1.0 may have none, which is no business of this one.
        drop(self.get_http_request_header(":authority"));
        Action::Continue
    }
}
