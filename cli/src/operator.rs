//! The operator's commands: what is asked of a collector.

mod allow;
mod ask;
mod audit;
mod completions;
mod coverage;
mod decide;
mod doctor;
mod each;
mod lockdown;
mod observe;
mod operator_log;
mod pending;
mod policy;
mod proxies;
mod remove;
mod resource;
mod resources;
mod rules;
mod session;
mod simulate;
mod spans;
mod status;
mod suggestions;
mod token;
mod user;

use clap::Subcommand;

pub(crate) use resources::{Misuse, body_of, parse_resource};
pub(crate) use session::Session;
pub(crate) use simulate::{by_cell, host_cell, port_cell};

use crate::failure::Failure;
use crate::outcome::Outcome;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Status(status::Arguments),
    Resource(resource::Arguments),
    Policy(policy::Arguments),
    Observe(observe::Arguments),
    Lockdown(lockdown::Arguments),
    Allow(allow::AllowArguments),
    Deny(allow::DenyArguments),
    Rules(rules::Arguments),
    Remove(remove::Arguments),
    Suggestions(suggestions::Arguments),
    Coverage(coverage::Arguments),
    Simulate(simulate::Arguments),
    Pending(pending::Arguments),
    Approve(decide::ApproveArguments),
    Block(decide::BlockArguments),
    Dismiss(decide::DismissArguments),
    Audit(audit::Arguments),
    Proxies(proxies::Arguments),
    Token(token::Arguments),
    User(user::Arguments),
    OperatorLog(operator_log::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
}

impl Command {
    pub(crate) fn run(&self) -> Result<Outcome, Failure> {
        match self {
            Self::Status(arguments) => status::run(arguments),
            Self::Resource(arguments) => resource::run(arguments),
            Self::Policy(arguments) => policy::run(arguments),
            Self::Observe(arguments) => observe::run(arguments),
            Self::Lockdown(arguments) => lockdown::run(arguments),
            Self::Allow(arguments) => allow::allow(arguments),
            Self::Deny(arguments) => allow::deny(arguments),
            Self::Rules(arguments) => rules::run(arguments),
            Self::Remove(arguments) => remove::run(arguments),
            Self::Suggestions(arguments) => suggestions::run(arguments),
            Self::Coverage(arguments) => coverage::run(arguments),
            Self::Simulate(arguments) => simulate::run(arguments),
            Self::Pending(arguments) => pending::run(arguments),
            Self::Approve(arguments) => decide::approve(arguments),
            Self::Block(arguments) => decide::block(arguments),
            Self::Dismiss(arguments) => decide::dismiss(arguments),
            Self::Audit(arguments) => audit::run(arguments),
            Self::Proxies(arguments) => proxies::run(arguments),
            Self::Token(arguments) => token::run(arguments),
            Self::User(arguments) => user::run(arguments),
            Self::OperatorLog(arguments) => operator_log::run(arguments),
            Self::Doctor(arguments) => doctor::run(arguments),
            Self::Completions(arguments) => completions::run(arguments),
        }
    }
}
