//! The operator's commands against a scripted collector: arguments become
//! requests, answers become output and exit codes.

mod collector;
mod connection;
mod decisions;
mod doctor;
mod examples;
mod lists;
mod lockdown;
mod policies;
mod rules;
mod samples;
mod tokens;
mod users;
