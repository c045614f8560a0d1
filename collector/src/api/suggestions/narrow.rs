//! Which suggestions somebody looks for, and in which order.

use std::cmp::Ordering;

use sluice_harness::suggest::{Class, Recommendation};

use super::super::input::Query;
use crate::error::Error;
use crate::review::suggestions::Row;

/// The words of the API, the least urgent first.
pub(super) const RECOMMENDATIONS: [(Recommendation, &str); 3] = [
    (Recommendation::Keep, "keep"),
    (Recommendation::Question, "question"),
    (Recommendation::Deny, "deny"),
];

/// The word for what is recommended.
pub(super) fn recommendation(row: &Row) -> &'static str {
    let found = RECOMMENDATIONS
        .iter()
        .find(|(one, _)| *one == row.suggestion.recommendation);
    found.map_or("", |(_, word)| word)
}

/// What is looked for; `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Narrow {
    part: Option<String>,
    class: Option<Class>,
    recommendation: Option<Recommendation>,
    listed: Option<bool>,
    sort: Sort,
    ascending: Option<bool>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Sort {
    /// As they come.
    #[default]
    Requests,
    Denied,
    Host,
    FirstSeen,
    LastSeen,
}

impl Narrow {
    pub(super) fn of(query: &Query) -> Result<Self, Error> {
        let class = query.text("class").map(|word| {
            let found = Class::ALL.into_iter().find(|class| class.as_str() == word);
            found.ok_or_else(|| {
                Error::field(
                    "class",
                    word,
                    &format!("one of {}", Class::ALL.map(Class::as_str).join(", ")),
                )
            })
        });
        let recommendation = query.text("recommendation").map(|word| {
            let found = RECOMMENDATIONS.iter().find(|(_, known)| *known == word);
            let found = found.map(|(recommendation, _)| *recommendation);
            found.ok_or_else(|| Error::field("recommendation", word, "keep, question or deny"))
        });
        Ok(Self {
            part: query.text("q").map(str::to_lowercase),
            class: class.transpose()?,
            recommendation: recommendation.transpose()?,
            listed: query.flag("listed")?,
            sort: match query.text("sort") {
                None | Some("requests") => Sort::Requests,
                Some("denied") => Sort::Denied,
                Some("host") => Sort::Host,
                Some("first_seen") => Sort::FirstSeen,
                Some("last_seen") => Sort::LastSeen,
                Some(other) => {
                    return Err(Error::field(
                        "sort",
                        other,
                        "requests, denied, host, first_seen or last_seen",
                    ));
                }
            },
            ascending: match query.text("order") {
                None => None,
                Some("asc") => Some(true),
                Some("desc") => Some(false),
                Some(other) => return Err(Error::field("order", other, "asc or desc")),
            },
        })
    }

    /// Whether everything is wanted, as it comes.
    pub(super) fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a row is looked for.
    pub(super) fn has(&self, row: &Row) -> bool {
        let suggestion = &row.suggestion;
        self.class.is_none_or(|class| suggestion.class == class)
            && self
                .recommendation
                .is_none_or(|wanted| suggestion.recommendation == wanted)
            && self.listed.is_none_or(|listed| row.listed.is_some() == listed)
            && self.part.as_deref().is_none_or(|part| {
                // Hosts are in lower case.
                suggestion.subject().contains(part) || suggestion.members.iter().any(|member| member.contains(part))
            })
    }

    /// The rows that are looked for, in order. Rows that are equal in it stay as they come: the most requested first.
    pub(super) fn rows<'r>(&self, rows: &'r [Row]) -> Vec<&'r Row> {
        let mut found: Vec<&Row> = rows.iter().filter(|row| self.has(row)).collect();
        let ascending = self.ascending.unwrap_or(self.sort == Sort::Host);
        if self.sort == Sort::Requests && !ascending {
            return found;
        }
        found.sort_by(|one, other| {
            let order = self.sort.compare(one, other);
            if ascending { order } else { order.reverse() }
        });
        found
    }
}

impl Sort {
    fn compare(self, one: &Row, other: &Row) -> Ordering {
        let (first, second) = (&one.suggestion, &other.suggestion);
        match self {
            Self::Requests => first.request_count.cmp(&second.request_count),
            Self::Denied => one.denied_count.cmp(&other.denied_count),
            Self::Host => first.subject().cmp(second.subject()),
            Self::FirstSeen => first.first_seen.cmp(&second.first_seen),
            Self::LastSeen => first.last_seen.cmp(&second.last_seen),
        }
    }
}
