//! Somebody else's plugin, written with the ordinary SDK: it does to shared data and queues what a request asks it to.
//!
//! | header | |
//! |---|---|
//! | `x-share` | `KEY=HEX`: writes these bytes under the key |
//! | `x-enqueue` | `QUEUE=HEX`: puts these bytes into the queue, which it makes if there is none |
#![cfg(target_arch = "wasm32")]
#![allow(missing_docs, reason = "what the SDK's macro exports has none")]

use proxy_wasm::hostcalls;
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
        let asked = |name| {
            let header = self.get_http_request_header(name)?;
            let (to, bytes) = header.split_once('=')?;
            Some((to.to_owned(), unhex(bytes)?))
        };
        let shared = asked("x-share").map(|(key, bytes)| self.set_shared_data(&key, Some(&bytes), None));
        let queued = asked("x-enqueue").map(|(queue, bytes)| {
            let vm_id = self.get_property(vec!["plugin_vm_id"]).unwrap_or_default();
            let vm_id = String::from_utf8(vm_id).unwrap_or_default();
            // Making one that is there would take its owner's notifications away.
            let queue = match hostcalls::resolve_shared_queue(&vm_id, &queue) {
                Ok(Some(queue)) => queue,
                _ => self.register_shared_queue(&queue),
            };
            self.enqueue_shared_queue(queue, Some(&bytes))
        });
        let status = match (shared, queued) {
            (None, None) => return Action::Continue,
            (None | Some(Ok(())), None | Some(Ok(()))) => 204,
            _ => 500,
        };
        self.send_http_response(status, vec![], None);
        Action::Pause
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
