//! What is recommended for a class of destinations, and why.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use sluice_policy::address;

use super::leads_to::LeadsTo;

/// What kind of service a destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The API of a hosted model.
    ModelApi,
    /// Repositories of source code.
    SourceHosting,
    /// The index of a package manager.
    PackageIndex,
    /// Where the files are that a package index points to.
    PackageFiles,
    /// Container images.
    ContainerRegistry,
    /// A content delivery network.
    Cdn,
    /// Web fonts.
    Fonts,
    /// Usage data and error reports.
    Telemetry,
    /// The instance metadata of a cloud, with the machine's credentials.
    CloudMetadata,
    /// Services that tell a client its public address.
    IpLookup,
    /// The public names that TLS connections show while ECH hides the real one.
    EchOuterName,
    /// An address without a name. No catalogue entry has this class.
    #[serde(skip_deserializing)]
    RawIp,
    /// Nothing in the catalogue. No catalogue entry has this class.
    #[serde(skip_deserializing)]
    Unknown,
}

/// What to do with a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recommendation {
    /// Allow it.
    Keep,
    /// Deny it.
    Deny,
    /// Find out first; until then it is allowed, so that nothing breaks.
    Question,
}

/// From how many requests on a domain that no catalogue knows counts as regular
/// traffic. A page or a script that went astray asks for a host a few times;
/// what a workload is there for, it does again and again.
pub const FREQUENT: u64 = 20;

/// On how many days, at the least. All of it on one day may be one thing that went wrong.
pub const REGULAR_DAYS: usize = 2;

/// From how many requests a host. What carries data out in names that it makes
/// up asks for each of them once or twice.
pub const REPEATED: u64 = 3;

impl Class {
    /// Every class.
    pub const ALL: [Self; 13] = [
        Self::ModelApi,
        Self::SourceHosting,
        Self::PackageIndex,
        Self::PackageFiles,
        Self::ContainerRegistry,
        Self::Cdn,
        Self::Fonts,
        Self::Telemetry,
        Self::CloudMetadata,
        Self::IpLookup,
        Self::EchOuterName,
        Self::RawIp,
        Self::Unknown,
    ];

    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelApi => "model_api",
            Self::SourceHosting => "source_hosting",
            Self::PackageIndex => "package_index",
            Self::PackageFiles => "package_files",
            Self::ContainerRegistry => "container_registry",
            Self::Cdn => "cdn",
            Self::Fonts => "fonts",
            Self::Telemetry => "telemetry",
            Self::CloudMetadata => "cloud_metadata",
            Self::IpLookup => "ip_lookup",
            Self::EchOuterName => "ech_outer_name",
            Self::RawIp => "raw_ip",
            Self::Unknown => "unknown",
        }
    }

    /// Whether destinations of this class are recommended to be denied.
    pub(super) fn is_denied(self) -> bool {
        matches!(self, Self::CloudMetadata | Self::IpLookup)
    }
}

/// What the advice depends on.
pub(super) struct Facts<'a> {
    pub(super) class: Class,
    /// The service's name in the catalogue.
    pub(super) service: Option<&'a str>,
    /// The address, if there is no name.
    pub(super) address: Option<IpAddr>,
    /// All requests to the domain in question, on any port.
    pub(super) requests: u64,
    /// The days on which they were made; none if no time was recorded.
    pub(super) days: usize,
    /// The hosts of the domain that they were made to.
    pub(super) hosts: usize,
    /// The domain had more hosts than could be kept apart.
    pub(super) flooded: bool,
    /// The addresses it led to that are not public.
    pub(super) leads_to: &'a LeadsTo,
    /// It is about several hosts.
    pub(super) several: bool,
    /// What this is about, if it is such hosts.
    pub(super) crowd: Option<Gathered>,
}

/// Hosts that nobody kept apart.
pub(super) struct Gathered {
    pub(super) requests: u64,
    pub(super) samples: usize,
    /// Whether they are all of one domain.
    pub(super) has_owner: bool,
}

impl Facts<'_> {
    fn is_regular(&self) -> bool {
        let hosts = u64::try_from(self.hosts).unwrap_or(u64::MAX);
        // Who can make up names can make up requests to any of them too.
        !self.flooded
            && self.requests >= FREQUENT
            && self.days >= REGULAR_DAYS
            && self.requests >= hosts.saturating_mul(REPEATED)
    }
}

fn requests(number: u64) -> String {
    match number {
        1 => "1 request".to_owned(),
        number => format!("{number} requests"),
    }
}

/// The recommendation and its reason in one sentence.
pub(super) fn advice(facts: &Facts<'_>) -> (Recommendation, String) {
    match &facts.crowd {
        // What is to be denied is so whatever its names are, and wherever it leads.
        _ if facts.class.is_denied() => of_class(facts),
        Some(crowd) if facts.leads_to.is_empty() => (Recommendation::Question, of_crowd(crowd)),
        Some(crowd) => {
            let reason = format!("{} Some of them led to {}.", of_crowd(crowd), facts.leads_to.text());
            (Recommendation::Question, reason)
        }
        None if facts.leads_to.is_empty() => of_class(facts),
        None => of_addresses(facts),
    }
}

/// Whatever a name is known for: where it leads is what matters.
fn of_addresses(facts: &Facts<'_>) -> (Recommendation, String) {
    let leads = match facts.service {
        Some(service) => format!("{service} leads"),
        None if facts.several => "These names lead".to_owned(),
        None => "This name leads".to_owned(),
    };
    if let Some(metadata) = facts.leads_to.metadata() {
        let reason = format!("{leads} to {metadata}, which hands the machine's credentials to whoever asks.");
        return (Recommendation::Deny, reason);
    }
    let reason = match facts.leads_to.own() {
        Some(own) => {
            format!("{leads} to {own}, which is the proxy's own machine: keep it only if you know what answers there.")
        }
        None => format!(
            "{leads} to {}, which is not public: keep it only if you know the machine behind it.",
            facts.leads_to.text()
        ),
    };
    (Recommendation::Question, reason)
}

fn of_crowd(crowd: &Gathered) -> String {
    let whose = if crowd.has_owner {
        "of one domain"
    } else {
        "without a domain in common"
    };
    format!(
        "{} to so many hosts {whose} that they were not kept apart (at least {}): names made up one after another can carry data out, so keep them only if you know what makes them.",
        requests(crowd.requests),
        crowd.samples
    )
}

fn of_class(facts: &Facts<'_>) -> (Recommendation, String) {
    let service = facts.service.unwrap_or("this service");
    let requests = requests(facts.requests);
    match facts.class {
        Class::ModelApi => (Recommendation::Keep, format!("{service} is a model API.")),
        Class::SourceHosting => (Recommendation::Keep, format!("{service} hosts source code.")),
        Class::PackageIndex => (
            Recommendation::Keep,
            format!("{service} is a package index, which installing packages needs."),
        ),
        Class::PackageFiles => (
            Recommendation::Keep,
            format!("{service} serves the files that a package index points to."),
        ),
        Class::ContainerRegistry => (Recommendation::Keep, format!("{service} serves container images.")),
        Class::Cdn => (
            Recommendation::Question,
            format!("{service} is a CDN, which carries anyone's content: keep it only if it serves a browser app."),
        ),
        Class::Fonts => (
            Recommendation::Question,
            format!("{service} serves web fonts: keep it only if it serves a browser app."),
        ),
        Class::Telemetry => (
            Recommendation::Question,
            format!("{service} collects usage data: keep it only if that data is meant to leave."),
        ),
        Class::CloudMetadata => (
            Recommendation::Deny,
            format!("{service} hands the machine's credentials to whoever asks."),
        ),
        Class::IpLookup => (
            Recommendation::Deny,
            format!(
                "{service} tells a client its public address, which a workload seldom needs and malware asks first."
            ),
        ),
        Class::EchOuterName => (
            Recommendation::Question,
            format!(
                "{service} is the outer name of TLS connections whose real host ECH hides, so that allowing it allows every host behind it: keep it only if the client cannot do without ECH."
            ),
        ),
        Class::RawIp if facts.address.is_some_and(address::is_private) => (
            Recommendation::Question,
            "A private address without a name: keep it only if you know the machine behind it.".to_owned(),
        ),
        Class::RawIp => (
            Recommendation::Question,
            "An address without a name, which nothing ties to a service: keep it only if you know who holds it."
                .to_owned(),
        ),
        Class::Unknown if facts.is_regular() => (
            Recommendation::Keep,
            format!(
                "Regular traffic of this workload ({requests} to this domain on {} days), though to no service in the catalogue.",
                facts.days
            ),
        ),
        Class::Unknown if facts.flooded => (
            Recommendation::Question,
            format!(
                "A domain that is not in the catalogue and was asked for more names than could be kept apart ({requests} to those that were): keep it only if you know what makes them."
            ),
        ),
        Class::Unknown
            if facts.hosts > 1
                && facts.requests < u64::try_from(facts.hosts).unwrap_or(u64::MAX).saturating_mul(REPEATED) =>
        {
            (
                Recommendation::Question,
                format!(
                    "{requests} to {} hosts of a domain that is not in the catalogue: names that are hardly asked for twice can carry data out, so keep it only if you know what makes them.",
                    facts.hosts
                ),
            )
        }
        Class::Unknown => (
            Recommendation::Question,
            format!(
                "A third party that is not in the catalogue ({requests} to this domain): keep it only if you know what asks for it."
            ),
        ),
    }
}
