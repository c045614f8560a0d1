//! Ways round an allowlist that take more than one request or connection, tried on real Envoy: those that the last
//! section of `behaviour.md` lists.

mod changes;
mod hellos;
mod mail;
mod own;
mod requests;
mod site;
mod smuggling;
mod tunnels;
mod upgrades;
