//! JSON objects of the configuration, read member by member: a mistake is told
//! with the path of the member that it is in and with what was expected there,
//! and nothing is taken for absent that was misspelt or said twice.
//!
//! By hand and not derived: code for each structure would be a tenth of the
//! `.wasm`.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::InvalidConfig;

/// The longest value that is repeated in an error, in characters.
const MOST_SHOWN: usize = 80;

/// The members of an object that have not been taken.
pub(super) struct Members<'j> {
    /// With a dot behind it, unless it is the outermost object.
    prefix: String,
    left: Vec<(String, &'j RawValue)>,
    asked: Vec<&'static str>,
}

/// A member of an object, as written.
#[derive(Debug, Clone)]
pub(super) struct Member<'j> {
    path: String,
    json: &'j str,
}

/// The members of an object in their order, each once.
struct Pairs<'j>(Vec<(String, &'j RawValue)>);

impl<'j> Deserialize<'j> for Pairs<'j> {
    fn deserialize<D: Deserializer<'j>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'j> Visitor<'j> for Collect {
            type Value = Pairs<'j>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'j>>(self, mut map: A) -> Result<Pairs<'j>, A::Error> {
                let mut pairs: Vec<(String, &'j RawValue)> = Vec::new();
                while let Some((name, json)) = map.next_entry()? {
                    if pairs.iter().any(|(known, _)| *known == name) {
                        return Err(serde::de::Error::custom(format_args!("{name:?} is there twice")));
                    }
                    pairs.push((name, json));
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

impl<'j> Members<'j> {
    /// The outermost object.
    pub(super) fn of(json: &'j [u8]) -> Result<Self, InvalidConfig> {
        match serde_json::from_slice(json) {
            Ok(Pairs(left)) => Ok(Self::with(String::new(), left)),
            Err(error) => Err(InvalidConfig::Shape {
                field: "configuration".to_owned(),
                why: error.to_string(),
            }),
        }
    }

    fn with(prefix: String, left: Vec<(String, &'j RawValue)>) -> Self {
        Self {
            prefix,
            left,
            asked: Vec::new(),
        }
    }

    /// Takes a member out. `null` is as good as none.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Member<'j>> {
        self.asked.push(name);
        let at = self.left.iter().position(|(known, _)| known == name)?;
        let (_, json) = self.left.swap_remove(at);
        (json.get() != "null").then(|| Member {
            path: format!("{}{name}", self.prefix),
            json: json.get(),
        })
    }

    /// Takes every member out that is left, in any order.
    pub(super) fn rest(self) -> impl Iterator<Item = (String, Member<'j>)> {
        let Self { prefix, left, .. } = self;
        left.into_iter().map(move |(name, json)| {
            let path = format!("{prefix}{name}");
            (name, Member { path, json: json.get() })
        })
    }

    /// Nothing may be left that nobody has asked for.
    pub(super) fn done(self) -> Result<(), InvalidConfig> {
        match self.left.first() {
            None => Ok(()),
            Some((name, _)) => Err(InvalidConfig::Shape {
                field: format!("{}{name}", self.prefix),
                why: format!("unknown field, expected one of {}", self.asked.join(", ")),
            }),
        }
    }
}

impl<'j> Member<'j> {
    /// The text as written.
    pub(super) fn json(&self) -> &'j str {
        self.json
    }

    /// An error about it.
    pub(super) fn expected(&self, expected: &str) -> InvalidConfig {
        let mut value: String = self.json.chars().take(MOST_SHOWN).collect();
        if value.len() < self.json.len() {
            value.push('…');
        }
        InvalidConfig::Value {
            field: self.path.clone(),
            value,
            expected: expected.to_owned(),
        }
    }

    fn read<T: DeserializeOwned>(&self, expected: &str) -> Result<T, InvalidConfig> {
        serde_json::from_str(self.json).map_err(|_| self.expected(expected))
    }

    pub(super) fn flag(&self) -> Result<bool, InvalidConfig> {
        self.read("true or false")
    }

    pub(super) fn text(&self, expected: &str) -> Result<String, InvalidConfig> {
        self.read(expected)
    }

    /// Texts in a list.
    pub(super) fn texts(&self, expected: &str) -> Result<Vec<String>, InvalidConfig> {
        self.read(expected)
    }

    /// A whole number in a range, which `expected` tells.
    pub(super) fn number(&self, range: RangeInclusive<u64>, expected: &str) -> Result<u64, InvalidConfig> {
        let number: u64 = self.read(expected)?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(self.expected(expected))
        }
    }

    /// A port that can be dialled.
    pub(super) fn port(&self) -> Result<u16, InvalidConfig> {
        let port = self.number(1..=65_535, "a port from 1 to 65535")?;
        Ok(u16::try_from(port).unwrap_or(u16::MAX))
    }

    /// Ports in a list.
    pub(super) fn ports(&self) -> Result<Vec<u16>, InvalidConfig> {
        const EXPECTED: &str = "ports from 1 to 65535 in a list";
        let ports: Vec<u16> = self.read(EXPECTED)?;
        if ports.contains(&0) {
            return Err(self.expected(EXPECTED));
        }
        Ok(ports)
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)], expected: &str) -> Result<T, InvalidConfig> {
        let text: String = self.read(expected)?;
        let found = words.iter().find(|(word, _)| *word == text);
        found
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| self.expected(expected))
    }

    /// An object.
    pub(super) fn members(&self) -> Result<Members<'j>, InvalidConfig> {
        match serde_json::from_str(self.json) {
            Ok(Pairs(left)) => Ok(Members::with(format!("{}.", self.path), left)),
            Err(error) => Err(InvalidConfig::Shape {
                field: self.path.clone(),
                why: error.to_string(),
            }),
        }
    }
}
