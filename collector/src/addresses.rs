//! The addresses that a destination was seen to lead to.
//!
//! Told of are those that a policy may have to permit: private ones, and such as a
//! rule denies. An event whose *name* was rejected says nothing of whether its
//! address would have passed, and in the first observation that is every event. So
//! all of them are kept alike, without what was decided of them, and a review asks
//! the policy. What it cannot ask is the configuration of the proxies, whose
//! `resolves_to` lets any name lead to certain blocks: the collector is told of
//! these ([`Settings::resolves_to`](crate::Settings::resolves_to)).

use std::net::IpAddr;

use sluice_policy::Blocks;

use crate::error::Error;

/// How many of one destination are told apart.
const MOST: usize = 16;

/// What stands for those past the last, in the database.
const MORE: &str = "*";

/// Distinct addresses in the order of first sight.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Addresses {
    first: Vec<IpAddr>,
    more: bool,
}

impl Addresses {
    /// Reads what the database has.
    pub(crate) fn read(text: &str) -> Result<Self, Error> {
        let mut read = Self::default();
        // Most destinations have none.
        if text == "[]" {
            return Ok(read);
        }
        let broken = |error: String| Error::Internal(format!("the addresses of a destination: {error}"));
        let texts: Vec<&str> = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
        for text in texts {
            match text {
                MORE => read.more = true,
                text => read.add(text.parse().map_err(|_| broken(format!("{text:?} is none")))?),
            }
        }
        Ok(read)
    }

    /// As the database has it.
    pub(crate) fn written(&self) -> String {
        let more = self.more.then(|| MORE.to_owned());
        let texts: Vec<String> = self.first.iter().map(ToString::to_string).chain(more).collect();
        serde_json::to_string(&texts).unwrap_or_default()
    }

    /// Adds one, if it is new.
    pub(crate) fn add(&mut self, address: IpAddr) {
        if self.first.contains(&address) {
            return;
        }
        if self.first.len() < MOST {
            self.first.push(address);
        } else {
            self.more = true;
        }
    }

    /// Adds those of another.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.first.iter().for_each(|address| self.add(*address));
        self.more |= other.more;
    }

    /// Those that are told apart.
    pub(crate) fn first(&self) -> &[IpAddr] {
        &self.first
    }

    /// Whether there were more.
    pub(crate) fn has_more(&self) -> bool {
        self.more
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

/// Blocks that any name may lead to.
pub(crate) fn blocks(field: &str, texts: &[String]) -> Result<Blocks, Error> {
    let blocks = Blocks::parse(texts.iter().map(String::as_str));
    blocks.map_err(|(text, why)| Error::field(field, text, &format!("a block of addresses: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(numbers: std::ops::Range<u8>) -> Addresses {
        let mut addresses = Addresses::default();
        numbers.for_each(|number| addresses.add(IpAddr::from([10, 0, 0, number])));
        addresses
    }

    #[test]
    fn the_first_are_kept_and_that_there_were_more() {
        let mut addresses = numbered(0..16);
        assert!(!addresses.has_more());
        addresses.merge(&numbered(3..9));
        assert_eq!(addresses, numbered(0..16));
        addresses.merge(&numbered(9..17));
        assert_eq!(addresses.first(), numbered(0..16).first());
        assert!(addresses.has_more());
        let mut fewer = numbered(0..1);
        fewer.merge(&addresses);
        assert!(fewer.has_more());
    }

    #[test]
    fn blocks_are_cidr_blocks() {
        let read = |text: &str| blocks("resolves_to", &[text.to_owned()]);
        assert!(read("10.0.0.0/8").unwrap().contain(IpAddr::from([10, 1, 2, 3])));
        let wrong = read("10.0.0.1/8").unwrap_err().to_string();
        assert!(wrong.contains("10.0.0.1/8") && wrong.contains("10.0.0.0/8"), "{wrong}");
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut all = numbered(0..2);
        all.add("fd00::1".parse().unwrap());
        assert_eq!(all.written(), r#"["10.0.0.0","10.0.0.1","fd00::1"]"#);
        for addresses in [Addresses::default(), all, numbered(0..40)] {
            assert_eq!(Addresses::read(&addresses.written()).unwrap(), addresses);
        }
        for broken in ["", "[1]", r#"["a"]"#, "{}"] {
            assert!(Addresses::read(broken).is_err(), "{broken}");
        }
    }
}
