//! The loop end to end, with real Envoy and real curl, on both databases: observe, review, lock down, operate.

mod loops;
mod operating;
mod private;
