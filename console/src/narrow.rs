//! Which suggestions the Network page shows, as its address says: a link shows the same view.

use form_urlencoded::Serializer;

use crate::model::Resource;

/// How far back can be looked, the shortest first, and what people call it.
pub const WINDOWS: [(&str, &str); 3] = [
    ("24h", "the last 24 hours"),
    ("7d", "the last 7 days"),
    ("30d", "the last 30 days"),
];

/// What they can be sorted by; the first is usual.
pub const SORTS: [(&str, &str); 5] = [
    ("requests", "Most requests"),
    ("denied", "Most rejected"),
    ("host", "Name"),
    ("last_seen", "Seen last"),
    ("first_seen", "Newest"),
];

/// What can be recommended.
pub const RECOMMENDATIONS: [&str; 3] = ["keep", "question", "deny"];

/// What kinds of services there are, and what people call them.
pub const CLASSES: [(&str, &str); 13] = [
    ("model_api", "model API"),
    ("source_hosting", "source hosting"),
    ("package_index", "package index"),
    ("package_files", "package files"),
    ("container_registry", "container registry"),
    ("cdn", "CDN"),
    ("fonts", "fonts"),
    ("telemetry", "telemetry"),
    ("cloud_metadata", "cloud metadata"),
    ("ip_lookup", "IP lookup"),
    ("ech_outer_name", "ECH outer name"),
    ("raw_ip", "raw IP"),
    ("unknown", "unknown"),
];

/// What people call a class.
#[must_use]
pub fn class_name(class: &str) -> &str {
    let known = CLASSES.iter().find(|(word, _)| *word == class);
    known.map_or(class, |(_, name)| name)
}

/// What is looked for. A member that is empty does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrow {
    /// How far back.
    pub since: String,
    /// A part of a name.
    pub q: String,
    /// `keep`, `question` or `deny`.
    pub recommendation: String,
    /// One of [`CLASSES`].
    pub class: String,
    /// `true` or `false`.
    pub listed: String,
    /// One of [`SORTS`].
    pub sort: String,
}

impl Default for Narrow {
    fn default() -> Self {
        Self {
            since: "7d".to_owned(),
            q: String::new(),
            recommendation: String::new(),
            class: String::new(),
            listed: String::new(),
            sort: "requests".to_owned(),
        }
    }
}

impl Narrow {
    /// From the parameters of an address. What is none of the known words is as if it were not there.
    #[must_use]
    pub fn of(parameter: impl Fn(&str) -> Option<String>) -> Self {
        let usual = Self::default();
        let one_of = |name: &str, known: &[&str]| parameter(name).filter(|word| known.contains(&word.as_str()));
        Self {
            since: one_of("since", &words(WINDOWS)).unwrap_or(usual.since),
            q: parameter("q").unwrap_or_default(),
            recommendation: one_of("recommendation", &RECOMMENDATIONS).unwrap_or_default(),
            class: one_of("class", &words(CLASSES)).unwrap_or_default(),
            listed: one_of("listed", &["true", "false"]).unwrap_or_default(),
            sort: one_of("sort", &words(SORTS)).unwrap_or(usual.sort),
        }
    }

    /// As parameters of the page's address: what is usual is left out.
    #[must_use]
    pub fn address(&self) -> String {
        let usual = Self::default();
        let mut query = Serializer::new(String::new());
        for ((name, value), (_, usual)) in self.members().into_iter().zip(usual.members()) {
            if value != usual {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    /// As parameters of the API's suggestions.
    #[must_use]
    pub fn query(&self, resource: &Resource) -> String {
        let mut query = Serializer::new(resource.query());
        for (name, value) in self.members() {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    /// Whether something of the window is left out.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        [&self.q, &self.recommendation, &self.class, &self.listed]
            .iter()
            .any(|member| !member.is_empty())
    }

    /// The whole window, sorted as before.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self {
            since: self.since.clone(),
            sort: self.sort.clone(),
            ..Self::default()
        }
    }

    /// The windows that are longer than this one.
    pub fn longer(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let place = WINDOWS.iter().position(|(word, _)| *word == self.since);
        WINDOWS.into_iter().skip(place.map_or(0, |place| place + 1))
    }

    /// What its window is called.
    #[must_use]
    pub fn window(&self) -> &'static str {
        let known = WINDOWS.iter().find(|(word, _)| *word == self.since);
        known.map_or("", |(_, name)| name)
    }

    fn members(&self) -> [(&'static str, &str); 6] {
        [
            ("since", &self.since),
            ("q", &self.q),
            ("recommendation", &self.recommendation),
            ("class", &self.class),
            ("listed", &self.listed),
            ("sort", &self.sort),
        ]
    }
}

fn words<const N: usize>(named: [(&'static str, &'static str); N]) -> [&'static str; N] {
    named.map(|(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn parsed(query: &str) -> Narrow {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Narrow::of(|name| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn a_link_shows_the_same_view() {
        assert_eq!(parsed(""), Narrow::default());
        assert_eq!(Narrow::default().address(), "");
        let narrow = Narrow {
            since: "30d".to_owned(),
            q: "a&b=c #ü".to_owned(),
            recommendation: "question".to_owned(),
            class: "cdn".to_owned(),
            listed: "false".to_owned(),
            sort: "host".to_owned(),
        };
        assert_eq!(parsed(&narrow.address()), narrow);
        assert!(narrow.is_filtered() && !narrow.whole().is_filtered());
        assert_eq!(narrow.whole().address(), "since=30d&sort=host");
    }

    #[test]
    fn words_of_nobody_are_not_passed_on() {
        let usual = parsed("since=99y&recommendation=x&class=%3Cscript%3E&listed=1&sort=-1");
        assert_eq!(usual, Narrow::default());
        assert_eq!(
            usual.query(&Resource::new("sandbox", "sb_1")),
            "resource_type=sandbox&resource_id=sb_1&since=7d&sort=requests"
        );
    }

    #[test]
    fn longer_windows_are_offered_until_there_is_none() {
        let words = |since: &str| -> Vec<&str> {
            let narrow = parsed(&format!("since={since}"));
            narrow.longer().map(|(word, _)| word).collect()
        };
        assert_eq!(words("24h"), ["7d", "30d"]);
        assert_eq!(words("7d"), ["30d"]);
        assert!(words("30d").is_empty());
    }
}
