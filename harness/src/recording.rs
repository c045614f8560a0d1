//! Reads recordings: files of past traffic, told apart by what is in them and never by their names.

mod access_log;
mod audit;
mod capture;
mod error;
mod har;
mod lines;
mod records;
mod sighting;
mod sniff;
mod talk;
mod tap;
mod traffic;
mod unheard;

pub use error::{ReadError, SkipReason, Skipped};
pub use records::{Item, Reading, Records, open, read, read_watched};
pub use sighting::{Sighting, Visibility};
pub use sniff::{Encoding, Format, Resemblance};
pub use traffic::{Recorded, Traffic};
pub use unheard::{FlowProblem, PacketProblem};
