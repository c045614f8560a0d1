//! What pages are made of.

mod badge;
mod button;
mod chart;
mod dialog;
mod field;
mod in_force;
mod keyed_rows;
mod messages;
mod shown;
#[cfg(test)]
mod tests;
mod virtual_rows;
mod words;

pub(crate) use badge::{Action, Mode, Tag};
pub(crate) use button::{Button, Look};
pub(crate) use chart::{Bars, Curve};
pub(crate) use dialog::Dialog;
pub(crate) use field::{Check, Choice, Field};
pub(crate) use in_force::InForce;
pub(crate) use keyed_rows::{KeyedRows, narrow};
pub(crate) use messages::{Messages, MessagesRegion};
pub(crate) use shown::{Empty, Failure, Shown};
pub(crate) use virtual_rows::{Pages, VirtualRows};
pub(crate) use words::{Moment, Outside};
