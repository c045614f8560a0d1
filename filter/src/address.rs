//! `sluice.address`: decides on the address that is about to be dialled, where
//! each address of a name is a host of its own.
//!
//! It stands among the upstream filters of Envoy's router, in the VM of
//! `sluice.http` or `sluice.tcp`, and finds what those have decided by what
//! they left with it.

use std::net::SocketAddr;

use sluice_policy::{Reason, address};

use crate::dispatch;
use crate::host::Flow;
use crate::host::stream as proxy;
use crate::http::refuse;
use crate::refusal::Refusal;
use crate::vm::vm;

/// The property with the context that let a request or a connection pass. Envoy
/// shows it upstream, where a request is the same stream. A connection goes on
/// as a `CONNECT` to a listener within Envoy, and a header brings it there.
const STREAM: &str = "sluice_stream";

/// The same, as any filter of Envoy may have written it.
const STREAM_UPSTREAM: &str = "filter_state\0wasm.sluice_stream";

/// Tells those who decide on addresses which context has let this pass.
/// Whether there are any.
pub(crate) fn expect(id: u32) -> bool {
    if !vm().is_guarded() {
        return false;
    }
    if let Err(status) = proxy::set_property(STREAM, id.to_string().as_bytes()) {
        log::error!("{STREAM} could not be written: {status}");
    }
    true
}

/// Whether a request may go to the address that Envoy has chosen.
pub(crate) fn request() -> Flow {
    let address = match dialled() {
        Dialled::Address(address) => address,
        Dialled::NoAddress => return Flow::Continue,
        Dialled::Unknown => {
            log::error!("which address is about to be dialled cannot be read");
            return reject();
        }
    };
    let stream = proxy::property(STREAM_UPSTREAM).ok();
    let stream = stream.and_then(|id| std::str::from_utf8(&id).ok()?.parse().ok());
    match stream.and_then(|id| dispatch::resolved(id, address)) {
        Some(flow) => flow,
        // The VM that decided is gone. Whether a rule expects this address is
        // not known any more, so only what anybody may reach is let pass.
        None if address::is_private(address.ip()) => reject(),
        None => Flow::Continue,
    }
}

enum Dialled {
    Address(SocketAddr),
    /// A place inside of the proxy, or a socket file.
    NoAddress,
    Unknown,
}

fn dialled() -> Dialled {
    let Ok(text) = proxy::property("upstream\0address") else {
        return Dialled::Unknown;
    };
    let text = String::from_utf8_lossy(&text);
    match text.parse::<SocketAddr>() {
        Ok(dialled) => Dialled::Address(dialled),
        Err(_) if text.is_empty() => Dialled::Unknown,
        Err(_) => Dialled::NoAddress,
    }
}

fn reject() -> Flow {
    refuse(&Refusal::without_decision(Reason::PrivateAddress));
    Flow::Pause
}
