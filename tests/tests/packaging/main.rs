//! The filter as it is delivered: an image for registries, and a module that Envoy fetches over HTTP.

mod builder;
mod building;
mod fetching;
mod layout;
mod packing;
mod server;
mod updating;
