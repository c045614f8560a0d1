//! What the audit page shows: read from its address, written back to it, and asked of the API. Both have the same
//! names, so that what an address says can be asked by a script too. Addresses are anybody's text: what they say is
//! bounded here, and judged by the API alone.

use std::collections::BTreeMap;

use form_urlencoded::{Serializer, parse};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The longest value that is read, in characters. Hosts have at most 253, ids 64.
const LONGEST: usize = 512;
/// Words of the time that need no dates.
pub const SPANS: [&str; 4] = ["15m", "1h", "24h", "7d"];

/// What can be filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// Stored then or later: a moment, or how long ago.
    Since,
    /// Stored then or before.
    Until,
    /// `TYPE/ID`, or `TYPE` for all of a type.
    Resource,
    /// A host, or `*.name`.
    Host,
    /// What was done.
    Action,
    /// Whether the verdict was reject.
    WouldReject,
    /// The verdict's rule.
    Rule,
    /// What rejected it.
    RejectedBy,
    /// The mode in force.
    Mode,
    /// The method.
    Method,
}

impl Member {
    /// All, in the order of the page.
    pub const ALL: [Self; 10] = [
        Self::Since,
        Self::Until,
        Self::Resource,
        Self::Host,
        Self::Action,
        Self::WouldReject,
        Self::Rule,
        Self::RejectedBy,
        Self::Mode,
        Self::Method,
    ];

    /// The parameter's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Since => "since",
            Self::Until => "until",
            Self::Resource => "resource_id",
            Self::Host => "host",
            Self::Action => "action",
            Self::WouldReject => "would_reject",
            Self::Rule => "rule_id",
            Self::RejectedBy => "rejected_by",
            Self::Mode => "mode",
            Self::Method => "method",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Since => "Since",
            Self::Until => "Until",
            Self::Resource => "Resource",
            Self::Host => "Host",
            Self::Action => "Action",
            Self::WouldReject => "Would reject",
            Self::Rule => "Rule",
            Self::RejectedBy => "Rejected by",
            Self::Mode => "Mode",
            Self::Method => "Method",
        }
    }

    /// The member that a field in an error of the API is about.
    #[must_use]
    pub fn of_field(field: &str) -> Option<Self> {
        if field == "resource_type" {
            return Some(Self::Resource);
        }
        Self::ALL.into_iter().find(|member| member.name() == field)
    }
}

/// What is shown; a member that is not there does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    values: BTreeMap<Member, String>,
}

impl Filter {
    /// What an address says, with or without its question mark. Of what is there twice the last counts, as in the API;
    /// what is unknown is left out.
    #[must_use]
    pub fn of_query(query: &str) -> Self {
        let mut said = BTreeMap::new();
        for (name, value) in parse(query.trim_start_matches('?').as_bytes()) {
            said.insert(name.into_owned(), value.into_owned());
        }
        let mut filter = Self::default();
        for member in Member::ALL {
            let value = match member {
                Member::Resource => resource_of(
                    said.get("resource_type").map_or("", String::as_str),
                    said.get("resource_id").map_or("", String::as_str),
                ),
                _ => said.get(member.name()).cloned().unwrap_or_default(),
            };
            filter.put(member, &value);
        }
        filter
    }

    /// What a member says; nothing if it does not matter.
    #[must_use]
    pub fn get(&self, member: Member) -> &str {
        self.values.get(&member).map_or("", String::as_str)
    }

    /// The same with this value in the place of what was there.
    #[must_use]
    pub fn with(&self, member: Member, value: &str) -> Self {
        let mut filter = self.clone();
        filter.put(member, value);
        filter
    }

    /// The same without a member.
    #[must_use]
    pub fn without(&self, member: Member) -> Self {
        self.with(member, "")
    }

    fn put(&mut self, member: Member, value: &str) {
        let value: String = value.trim().chars().take(LONGEST).collect();
        if value.is_empty() {
            self.values.remove(&member);
        } else {
            self.values.insert(member, value);
        }
    }

    /// Whether everything is shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The members that matter, and what they say.
    pub fn iter(&self) -> impl Iterator<Item = (Member, &str)> {
        self.values.iter().map(|(member, value)| (*member, value.as_str()))
    }

    /// The time in a word: nothing, one of [`SPANS`], or `between`.
    #[must_use]
    pub fn time(&self) -> &str {
        match (self.get(Member::Since), self.get(Member::Until)) {
            ("", "") => "",
            (since, "") if SPANS.contains(&since) => since,
            _ => "between",
        }
    }

    /// As the query of an address.
    #[must_use]
    pub fn query(&self) -> String {
        self.written(|_| true).finish()
    }

    /// The address of the page that shows it.
    #[must_use]
    pub fn place(&self) -> String {
        if self.is_empty() {
            "/audit".to_owned()
        } else {
            format!("/audit?{}", self.query())
        }
    }

    /// What the API is asked for a page of rows, the newest ones without a cursor. `now` is microseconds since 1970.
    ///
    /// With `since` the API begins at the oldest row, unless a cursor says where to go on towards older ones.
    #[must_use]
    pub fn page(&self, limit: usize, cursor: Option<&str>, now: i64) -> String {
        let mut query = self.written(|_| true);
        query.append_pair("limit", &limit.to_string());
        let first = || (!self.get(Member::Since).is_empty()).then(|| self.end(now)).flatten();
        if let Some(cursor) = cursor.map(str::to_owned).or_else(first) {
            query.append_pair("cursor", &cursor);
        }
        query.finish()
    }

    /// The cursor behind the last row; none if `until` is no time, which the API says then.
    fn end(&self, now: i64) -> Option<String> {
        let until = self.get(Member::Until);
        let last = match until {
            "" => i64::MAX - 1,
            _ => match span(until) {
                Some(span) => now.checked_sub(span)?,
                None => micros(until)?,
            },
        };
        Some(before(last.saturating_add(1)))
    }

    /// What the API is asked for the rows that come from `since` on.
    #[must_use]
    pub fn stream(&self, since: &str) -> String {
        let mut query = self.written(|member| !matches!(member, Member::Since | Member::Until));
        query.append_pair("since", since);
        query.finish()
    }

    /// What the API is asked for a file.
    #[must_use]
    pub fn export(&self, format: &str) -> String {
        let mut query = self.written(|_| true);
        query.append_pair("format", format);
        query.finish()
    }

    fn written(&self, takes: impl Fn(Member) -> bool) -> Serializer<'static, String> {
        let mut query = Serializer::new(String::new());
        for (member, value) in self.iter().filter(|(member, _)| takes(*member)) {
            match member {
                Member::Resource => {
                    let (kind, id) = value.split_once('/').unwrap_or((value, ""));
                    query.append_pair("resource_type", kind);
                    if !id.is_empty() {
                        query.append_pair("resource_id", id);
                    }
                }
                _ => {
                    query.append_pair(member.name(), value);
                }
            }
        }
        query
    }
}

fn resource_of(kind: &str, id: &str) -> String {
    match (kind.trim(), id.trim()) {
        (kind, "") => kind.to_owned(),
        (kind, id) => format!("{kind}/{id}"),
    }
}

/// The cursor of the rows that were stored before a moment, in microseconds since 1970.
#[must_use]
pub fn before(moment: i64) -> String {
    format!("before.{moment}")
}

/// Microseconds since 1970 of an RFC 3339 moment.
#[must_use]
pub fn micros(moment: &str) -> Option<i64> {
    let moment = OffsetDateTime::parse(moment, &Rfc3339).ok()?;
    i64::try_from(moment.unix_timestamp_nanos() / 1_000).ok()
}

/// The moment just after another one: an inclusive `since` of it has only what is new.
#[must_use]
pub fn just_after(moment: &str) -> Option<String> {
    let next = i128::from(micros(moment)?) + 1;
    let next = OffsetDateTime::from_unix_timestamp_nanos(next * 1_000).ok()?;
    next.format(&Rfc3339).ok()
}

/// A span such as `2h` in microseconds.
#[must_use]
pub fn span(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<i64>().ok()?.checked_mul(seconds * 1_000_000)
}

#[cfg(test)]
mod tests;
