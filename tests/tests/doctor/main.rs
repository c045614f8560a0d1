//! `sluice doctor --inside` beside real Envoy and real sockets, all on loopback: every way out is found, and none
//! where there is none.

mod proxied;
mod ran;
mod redirected;
mod trusting;
