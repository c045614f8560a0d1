//! Which resources a command is about.

use clap::Args;
use serde_json::Value;
use sluice_collector::id;
use sluice_collector::resource::{Resource, ResourceGlob, TENANT};

use super::session::Session;
use crate::client::{Call, Client, ClientError, Fields};
use crate::failure::Failure;
use crate::output;

/// The resources a command is about.
#[derive(Debug, Args)]
pub(crate) struct Targets {
    /// A resource; '*' and '?' stand for many, as in 'sandbox/ci-*'; can be given again
    #[arg(long, value_name = "TYPE/ID", value_parser = Pattern::parse)]
    resource: Vec<Pattern>,
    /// The tenant: the scope above all resources
    #[arg(long, conflicts_with = "resource")]
    tenant: bool,
}

/// Arguments that do not fit what the collector has.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Misuse {
    /// Nothing says which.
    #[error("which resource? name it with --resource TYPE/ID (SLUICE_RESOURCE), or the tenant with --tenant")]
    NoTarget,
    /// A pattern that nothing is like.
    #[error("--resource {pattern}: the collector knows no such resource{known}")]
    NoMatch { pattern: String, known: String },
    /// One is needed.
    #[error("{what} is about one resource, and {} are meant:{}", .resources.len(), output::some(.resources, 5))]
    OneOnly {
        what: &'static str,
        resources: Vec<Resource>,
    },
    /// The environment or the file has no resource there.
    #[error("SLUICE_RESOURCE or resource in the configuration file: {0:?}: {InvalidResource}")]
    Configured(String),
    /// Nothing pending has this id or host.
    #[error("nothing is pending for {0}; 'sluice pending' lists what is, and 'sluice allow' lists a host unasked")]
    NotPending(String),
    /// There is no policy.
    #[error("{0} has no policy")]
    NoPolicy(Resource),
    /// There is nothing to go back to or to compare with.
    #[error("{0} has only one revision")]
    OneRevision(Resource),
    /// A sheet has an end.
    #[error("--follow goes on and a csv file does not; expected table, json or jsonl")]
    EndlessSheet,
    /// The API takes text.
    #[error(
        "{0}: bytes that are no UTF-8 cannot be asked about with --resource; 'sluice policy export' and --policy can"
    )]
    NotText(&'static str),
    /// Nothing was typed or piped.
    #[error("no password; expected one line on stdin, or typed at a terminal")]
    NoPassword,
    /// One of them is a slip.
    #[error("the two passwords differ; nothing was changed")]
    PasswordsDiffer,
    /// No line of text.
    #[error("the password cannot be read: {0}")]
    UnreadablePassword(#[source] std::io::Error),
    /// Nobody has this name or id.
    #[error("there is no user {0}; 'sluice user list' shows who there is")]
    NoUser(String),
    /// A host that no rule can have.
    #[error("{host}: {error}")]
    Host { host: String, error: String },
}

/// A resource, or many by a pattern.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(String);

/// A text that names no resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected TYPE/ID of letters, digits, '.', '_', '-', such as sandbox/sb_1")]
pub(crate) struct InvalidResource;

/// Reads `TYPE/ID`; `tenant` is the tenant.
pub(crate) fn parse_resource(text: &str) -> Result<Resource, InvalidResource> {
    if text == TENANT {
        return Ok(Resource::tenant());
    }
    let (kind, id) = text.split_once('/').ok_or(InvalidResource)?;
    match Resource::checked(kind, id) {
        // Segments of dots mean something else in a path.
        Ok(resource) if !resource.is_tenant() && !is_dots(kind) && !is_dots(id) => Ok(resource),
        _ => Err(InvalidResource),
    }
}

/// Reads an id that goes into a path of the API.
pub(crate) fn parse_id(text: &str) -> Result<String, &'static str> {
    if id::is_valid(text) && !is_dots(text) {
        Ok(text.to_owned())
    } else {
        Err("expected an id of letters, digits, '.', '_', '-'")
    }
}

fn is_dots(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'.')
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, InvalidResource> {
        // As a resource would be, if its wildcards were letters.
        parse_resource(&text.replace(['*', '?'], "x")).map(|_| Self(text.to_owned()))
    }

    fn one(&self) -> Option<Resource> {
        parse_resource(&self.0).ok()
    }

    fn glob(&self) -> Option<ResourceGlob> {
        ResourceGlob::parse(&self.0)
    }
}

impl Targets {
    /// The resources that are meant; there must be some.
    pub(crate) fn needed(&self, session: &Session) -> Result<Vec<Resource>, Failure> {
        self.meant(session)?.ok_or_else(|| Misuse::NoTarget.into())
    }

    /// The one resource that is meant.
    pub(crate) fn one(&self, session: &Session, what: &'static str) -> Result<Resource, Failure> {
        let resources = self.needed(session)?;
        match <[Resource; 1]>::try_from(resources) {
            Ok([resource]) => Ok(resource),
            Err(resources) => Err(Misuse::OneOnly { what, resources }.into()),
        }
    }

    /// The one resource that is meant, or all there are.
    pub(crate) fn one_or_all(&self, session: &Session, what: &'static str) -> Result<Option<Resource>, Failure> {
        match self.patterns(session)? {
            None => Ok(None),
            Some(_) => self.one(session, what).map(Some),
        }
    }

    /// The resources that are meant; nothing stands for all.
    pub(crate) fn meant(&self, session: &Session) -> Result<Option<Vec<Resource>>, Failure> {
        let Some(patterns) = self.patterns(session)? else {
            return Ok(None);
        };
        let mut known = None;
        let mut meant: Vec<Resource> = Vec::new();
        for pattern in &patterns {
            let found = match pattern.one() {
                Some(resource) => vec![resource],
                None => {
                    let known = match &mut known {
                        Some(known) => known,
                        none => none.insert(all(&session.client)?),
                    };
                    matching(pattern, known)?
                }
            };
            for resource in found {
                if !meant.contains(&resource) {
                    meant.push(resource);
                }
            }
        }
        Ok(Some(meant))
    }

    /// A test for rows, for commands that go on while resources come and go.
    pub(crate) fn filter(&self, session: &Session) -> Result<impl Fn(&Value) -> bool + use<>, Failure> {
        let patterns = self.patterns(session)?;
        let globs = patterns
            .map(|patterns| -> Vec<_> { patterns.iter().map(|pattern| (pattern.one(), pattern.glob())).collect() });
        Ok(move |row: &Value| {
            let resource = resource_of(row);
            globs.as_ref().is_none_or(|globs| {
                globs.iter().any(|(one, glob)| match one {
                    Some(one) => *one == resource,
                    None => glob.as_ref().is_some_and(|glob| glob.fits(&resource)),
                })
            })
        })
    }

    /// What the arguments say, else the environment, else the file.
    fn patterns(&self, session: &Session) -> Result<Option<Vec<Pattern>>, Failure> {
        if self.tenant {
            return Ok(Some(vec![Pattern(TENANT.to_owned())]));
        }
        if !self.resource.is_empty() {
            return Ok(Some(self.resource.clone()));
        }
        configured(session)
    }
}

fn configured(session: &Session) -> Result<Option<Vec<Pattern>>, Failure> {
    let environment = std::env::var("SLUICE_RESOURCE").ok().filter(|text| !text.is_empty());
    let text = environment.or_else(|| session.config.resource.clone());
    let pattern = text.map(|text| Pattern::parse(&text).map_err(|InvalidResource| Misuse::Configured(text)));
    Ok(pattern.transpose()?.map(|pattern| vec![pattern]))
}

fn matching(pattern: &Pattern, known: &[Resource]) -> Result<Vec<Resource>, Failure> {
    let glob = pattern.glob();
    let found = known
        .iter()
        .filter(|resource| glob.as_ref().is_some_and(|glob| glob.fits(resource)));
    let found: Vec<Resource> = found.cloned().collect();
    if found.is_empty() {
        return Err(Misuse::NoMatch {
            pattern: pattern.0.clone(),
            known: match known {
                [] => "; it knows none yet".to_owned(),
                known => format!("; it knows:{}", output::some(known, 5)),
            },
        }
        .into());
    }
    Ok(found)
}

fn all(client: &Client) -> Result<Vec<Resource>, ClientError> {
    let rows = client.list(&Call::new("/egress/resources"))?;
    Ok(rows
        .iter()
        .map(resource_of)
        .filter(|resource| !resource.is_tenant())
        .collect())
}

/// The resource that a row is about.
pub(crate) fn resource_of(row: &Value) -> Resource {
    Resource::new(row.text("resource_type"), row.text("resource_id"))
}

/// It, in a table: what a policy attached to nothing has is shown as that.
pub(crate) fn shown(row: &Value) -> String {
    match resource_of(row) {
        Resource { kind, id } if kind.is_empty() && id.is_empty() => String::new(),
        resource => output::cell(&resource.to_string()),
    }
}

impl<'a> Call<'a> {
    /// About one resource.
    pub(crate) fn of(self, resource: &Resource) -> Self {
        let call = self.with("resource_type", &resource.kind);
        if resource.is_tenant() {
            call
        } else {
            call.with("resource_id", &resource.id)
        }
    }

    /// About one resource, or all.
    pub(crate) fn of_some(self, resource: Option<&Resource>) -> Self {
        match resource {
            Some(resource) => self.of(resource),
            None => self,
        }
    }
}

/// The members of a body that say which resource.
pub(crate) fn body_of(resource: &Resource) -> serde_json::Map<String, Value> {
    let mut body = serde_json::Map::new();
    body.insert("resource_type".to_owned(), resource.kind.as_str().into());
    if !resource.is_tenant() {
        body.insert("resource_id".to_owned(), resource.id.as_str().into());
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_and_patterns_are_told_apart() {
        for (text, one) in [
            ("sandbox/sb_1", true),
            ("tenant", true),
            ("sandbox/*", false),
            ("*/sb-?", false),
        ] {
            assert_eq!(Pattern::parse(text).unwrap().one().is_some(), one, "{text}");
        }
        for text in [
            "",
            "sandbox",
            "sandbox/",
            "/x",
            "sandbox/a b",
            "sandbox/a/b",
            "tenant/x",
            "sandbox/../x",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        for text in ["", ".", "..", "a/b", "a?b", "a%2fb"] {
            assert!(parse_id(text).is_err(), "{text}");
        }
        assert_eq!(parse_id("rul_1").unwrap(), "rul_1");
    }

    #[test]
    fn patterns_match_within_type_and_id() {
        let known =
            ["sandbox/ci-1", "sandbox/ci-2", "sandbox/dev", "computer/ci-1"].map(|text| parse_resource(text).unwrap());
        for (pattern, expected) in [
            ("sandbox/ci-*", &["sandbox/ci-1", "sandbox/ci-2"][..]),
            ("*/ci-1", &["sandbox/ci-1", "computer/ci-1"]),
            ("sandbox/d?v", &["sandbox/dev"]),
            ("sandbox/*", &["sandbox/ci-1", "sandbox/ci-2", "sandbox/dev"]),
        ] {
            let found = matching(&Pattern::parse(pattern).unwrap(), &known).unwrap();
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{pattern}");
        }
        let error = matching(&Pattern::parse("sandbox/x*").unwrap(), &known)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("sandbox/x*") && error.contains("sandbox/ci-1"),
            "{error}"
        );
    }
}
