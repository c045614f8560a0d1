//! Packet captures and Envoy taps, built byte by byte: what is seen of each
//! connection, and what is counted with a reason instead.

mod files;
mod flows;
mod generate;
mod hostile;
mod links;
mod show;
mod skipped;
mod taps;
