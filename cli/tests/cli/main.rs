//! The `sluice` binary as its users meet it: arguments in, stdout, stderr and an exit code out.

mod addresses;
mod diff;
mod explain;
mod lint;
mod operator;
mod recordings;
mod replay;
mod reports;
mod run;
mod schema;
mod serve;
mod suggest;
mod usage;
