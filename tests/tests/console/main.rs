//! The console in a real browser, on a real collector that real Envoys send their events to.

mod deciding;
mod hostile;
mod pages;
mod protection;
mod roles;
mod rules;
mod scene;
mod signing_in;
mod whole_loop;
