//! A frozen batch: records as they will be sent, each time the same.

use std::rc::Rc;

use crate::events::otlp;
use crate::events::record::{Outcome, Record};
use crate::events::summary::Summary;
use crate::refusal::Resource;

#[derive(Debug)]
struct Log {
    resource: Option<Rc<Resource>>,
    bytes: Vec<u8>,
    /// How many decisions nobody else tells of.
    decisions: u64,
    /// The number of the decision, if it tells of an open stream.
    open: Option<u64>,
}

/// Records with their places in the sequence, encoded.
#[derive(Debug, Default)]
pub(super) struct Batch {
    logs: Vec<Log>,
    bytes: usize,
    refused: u32,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.logs.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn add(&mut self, record: &Record, bytes: Vec<u8>) {
        let (resource, decisions) = match record {
            Record::Audit(audit) => (&audit.decided.resource, u64::from(!audit.reported)),
            Record::Pending(pending) => (&pending.decided.resource, 0),
            Record::Undecided(undecided) => (&undecided.resource, 0),
            Record::Heartbeat(heartbeat) => (&heartbeat.resource, 0),
        };
        let open = match record {
            Record::Audit(audit) if audit.course.outcome == Outcome::Open => Some(audit.number),
            _ => None,
        };
        self.push(resource.clone(), bytes, decisions, open);
    }

    pub(super) fn add_summary(&mut self, summary: &Summary, bytes: Vec<u8>) {
        self.push(summary.key.resource.clone(), bytes, summary.count, None);
    }

    fn push(&mut self, resource: Option<Rc<Resource>>, mut bytes: Vec<u8>, decisions: u64, open: Option<u64>) {
        bytes.shrink_to_fit();
        self.bytes = self.bytes.saturating_add(bytes.len());
        self.logs.push(Log {
            resource,
            bytes,
            decisions,
            open,
        });
    }

    /// The `ExportLogsServiceRequest`.
    pub(super) fn message(&self, instance: &str) -> Vec<u8> {
        let mut groups: Vec<(Option<&Resource>, Vec<&[u8]>)> = Vec::new();
        for log in &self.logs {
            let resource = log.resource.as_deref();
            // By place and not by value, which is quick; two groups of one
            // resource do no harm.
            let is_its = |group: Option<&Resource>| match (group, resource) {
                (Some(group), Some(resource)) => std::ptr::eq(group, resource),
                (None, None) => true,
                _ => false,
            };
            match groups.iter_mut().rev().find(|(group, _)| is_its(*group)) {
                Some((_, logs)) => logs.push(&log.bytes),
                None => groups.push((resource, vec![&log.bytes])),
            }
        }
        otlp::request(instance, groups)
    }

    /// Takes the second half off, if there are two.
    pub(super) fn split(&mut self) -> Option<Self> {
        if self.logs.len() < 2 {
            return None;
        }
        let second = self.logs.split_off(self.logs.len() / 2);
        let bytes = second.iter().map(|log| log.bytes.len()).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
        Some(Self {
            logs: second,
            bytes,
            refused: 0,
        })
    }

    /// Notes that it was refused; how often by now.
    pub(super) fn refused(&mut self) -> u32 {
        self.refused = self.refused.saturating_add(1);
        self.refused
    }

    /// The decisions of open streams that it tells of.
    pub(super) fn open(&self) -> impl Iterator<Item = u64> + '_ {
        self.logs.iter().filter_map(|log| log.open)
    }

    pub(super) fn decisions(&self) -> u64 {
        self.logs.iter().map(|log| log.decisions).sum()
    }
}
