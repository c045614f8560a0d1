//! What a collector survives: being killed, a full disk, a database that goes away, many at once, and who means it ill.

mod access;
mod crashing;
mod editing;
mod ending;
mod hostile;
mod limits;
mod outages;
mod replicas;
mod strangers;
mod support;
mod tailing;
