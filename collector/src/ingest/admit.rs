//! From an export to events: what makes no sense, or is of somebody else, is
//! refused one by one, and the rest is kept.

use std::collections::HashSet;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::attributes::resource_text;
use super::event::{Clock, Event, Place, read};
use super::refusal::{Refusal, Refusals};
use crate::access::Caller;
use crate::moment::Moment;
use crate::resource::Resource;

/// What is to be stored of an export.
#[derive(Debug)]
pub(super) struct Admitted {
    /// The credential that sent it.
    pub(super) credential: String,
    /// In the order in which they came.
    pub(super) records: Vec<Record>,
    /// How many were refused.
    pub(super) rejected: u64,
    /// Why, of the first few.
    pub(super) reason: String,
}

/// A record that may be written.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) resource: Arc<Resource>,
    pub(super) place: Place,
    /// What it says; `None` if that is refused, so that its number is not missed.
    pub(super) event: Option<Event>,
}

/// Checks all records of an export.
pub(super) fn admit(caller: &Caller, request: ExportLogsServiceRequest, now: Moment) -> Admitted {
    let clock = Clock::new(now);
    let mut refusals = Refusals::default();
    let mut records = Vec::new();
    let mut index = 0;
    let mut known: HashSet<Arc<Resource>> = HashSet::new();
    for group in request.resource_logs {
        let attributes = group.resource.unwrap_or_default().attributes;
        let resource = resource(caller, &attributes).map(|resource| match known.get(&resource) {
            Some(resource) => Arc::clone(resource),
            None => {
                let resource = Arc::new(resource);
                known.insert(Arc::clone(&resource));
                resource
            }
        });
        for record in group.scope_logs.into_iter().flat_map(|scope| scope.log_records) {
            match &resource {
                Ok(resource) => {
                    let (place, event) = read(record, clock);
                    if let Err(refusal) = &event {
                        refusals.add(index, refusal);
                    }
                    records.extend(place.map(|place| Record {
                        resource: Arc::clone(resource),
                        place,
                        event: event.ok(),
                    }));
                }
                Err(refusal) => refusals.add(index, refusal),
            }
            index += 1;
        }
    }
    let (rejected, reason) = refusals.told();
    Admitted {
        credential: caller.id.clone(),
        records,
        rejected,
        reason,
    }
}

/// Whose events these are. Those of a VM that could not tell are the tenant's,
/// and everybody who sends may have some.
fn resource(caller: &Caller, attributes: &[KeyValue]) -> Result<Resource, Refusal> {
    let kind = resource_text(attributes, "sluice.resource.type")?;
    let id = resource_text(attributes, "sluice.resource.id")?;
    let resource = match (kind, id) {
        (None, None) => return Ok(Resource::tenant()),
        (Some(kind), id) => Resource::checked(kind, id.unwrap_or_default()).map_err(|_| {
            let given = format!("{kind}/{}", id.unwrap_or_default());
            Refusal::value(
                "sluice.resource",
                given,
                "a type and an id of 1 to 255 characters of A-Z a-z 0-9 . _ -",
            )
        })?,
        (None, Some(_)) => {
            return Err(Refusal::Missing {
                field: "sluice.resource.type",
            });
        }
    };
    if caller.scope.contains(&resource) {
        return Ok(resource);
    }
    Err(Refusal::Scope {
        resource: resource.to_string(),
    })
}
