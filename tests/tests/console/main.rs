//! The console in a real browser, on a real collector that real Envoys send their events to.

mod protection;
mod scene;
mod signing_in;
