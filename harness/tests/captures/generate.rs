//! Builds captures: TCP sessions, the packets they go in, and the files these are written to.

pub(crate) mod file;
pub(crate) mod packet;
pub(crate) mod session;
pub(crate) mod tls;
