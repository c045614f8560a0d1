//! Reviews of traffic made up here, in a database of each test's own.

mod coverage;
mod fixture;
mod simulation;
mod suggestions;
mod timeseries;

use super::{Infrastructure, Selection};
use crate::moment::{DAY, Moment};
use crate::resource::Resource;
use fixture::{Fixture, NOW, Sight, TODAY, sandbox};
