//! `sluice.address`: decides on the address that is about to be dialled, where
//! each address of a name is a host of its own.
//!
//! It stands among the upstream filters of Envoy's router, in the VM of
//! `sluice.http`, and finds the request by what that left with it.

use std::net::{IpAddr, SocketAddr};

use sluice_policy::{Reason, address};

use crate::dispatch;
use crate::host::Flow;
use crate::host::stream as proxy;
use crate::http::refuse;
use crate::refusal::Refusal;

/// The property with the context of a request that `sluice.http` let pass. Envoy
/// shows it upstream, where the request is the same stream.
pub(crate) const STREAM: &str = "sluice_stream";

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
    let stream = proxy::property(STREAM).ok();
    let stream = stream.and_then(|id| std::str::from_utf8(&id).ok()?.parse().ok());
    match stream.and_then(dispatch::http) {
        Some(request) => request.resolved(address),
        // The VM that decided is gone. Whether a rule expects this address is
        // not known any more, so only what anybody may reach is let pass.
        None if address::is_private(address) => reject(),
        None => Flow::Continue,
    }
}

enum Dialled {
    Address(IpAddr),
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
        Ok(dialled) => Dialled::Address(dialled.ip()),
        Err(_) if text.is_empty() => Dialled::Unknown,
        Err(_) => Dialled::NoAddress,
    }
}

fn reject() -> Flow {
    refuse(&Refusal::without_decision(Reason::PrivateAddress));
    Flow::Pause
}
