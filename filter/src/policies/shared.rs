//! What the VMs of a process tell each other about one policy service.
//!
//! Under Istio every plugin of a pod shares one space of shared data, so all of
//! it is read as if anybody had written it: what does not parse, or claims what
//! cannot be, is as good as absent.

use std::rc::Rc;

use prost::Message;

use super::proto;
use crate::version::Version;

/// How long a VM counts as living that does not say so again.
pub(crate) const MEMBER: u64 = 30_000_000_000;
/// How long a leader that stops renewing its lease still is the leader.
pub(crate) const LEASE: u64 = 3_000_000_000;
/// How far the time of another VM's tick may be ahead of this one's.
const AHEAD: u64 = 1_000_000_000;
/// The most VMs that are told of changes.
const MOST_MEMBERS: usize = 1024;

/// A VM. Its queue is found by its name: a number could be that of anybody's.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Member {
    #[prost(string, tag = "1")]
    pub(crate) vm: String,
    /// When it last said so, nanoseconds of the process's monotonic clock.
    #[prost(uint64, tag = "3")]
    pub(crate) seen: u64,
}

/// All VMs.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Members {
    #[prost(message, repeated, tag = "1")]
    pub(crate) members: Vec<Member>,
}

/// Who holds the stream.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Lease {
    #[prost(string, tag = "1")]
    pub(crate) vm: String,
    #[prost(uint64, tag = "3")]
    pub(crate) until: u64,
}

/// What goes through a VM's queue.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Note {
    #[prost(oneof = "Tell", tags = "1, 2, 3, 4")]
    pub(crate) tell: Option<Tell>,
}

/// One of these.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Tell {
    /// To the leader: this VM wants a resource, now or still.
    #[prost(message, tag = "1")]
    Want(About),
    /// To the leader: it does not want it any more.
    #[prost(message, tag = "2")]
    Unwant(About),
    /// To the leader: it has this version in force.
    #[prost(message, tag = "3")]
    InForce(About),
    /// To every VM: this version is in the shared data.
    #[prost(message, tag = "4")]
    Changed(About),
}

/// Who speaks, and of what.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct About {
    #[prost(string, tag = "1")]
    pub(crate) vm: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) resource: Option<proto::Resource>,
    #[prost(message, optional, tag = "3")]
    pub(crate) version: Option<proto::Version>,
}

impl Members {
    /// What is written, without those that are gone. Who claims to have been
    /// seen in the future was written by nobody of ours.
    pub(crate) fn read(bytes: &[u8], now: u64) -> Self {
        let mut members = Self::decode(bytes).unwrap_or_default();
        members
            .members
            .retain(|member| member.seen <= now.saturating_add(AHEAD) && now.saturating_sub(member.seen) < MEMBER);
        members.members.truncate(MOST_MEMBERS);
        members
    }

    /// Says that a VM lives.
    pub(crate) fn join(&mut self, vm: &str, now: u64) {
        self.members.retain(|member| member.vm != vm);
        self.members.push(Member {
            vm: vm.to_owned(),
            seen: now,
        });
    }

    /// Says that a VM ends.
    pub(crate) fn leave(&mut self, vm: &str) {
        self.members.retain(|member| member.vm != vm);
    }

    pub(crate) fn has(&self, vm: &str) -> bool {
        self.members.iter().any(|member| member.vm == vm)
    }

    pub(crate) fn names(&self) -> Vec<Rc<str>> {
        self.members.iter().map(|member| member.vm.as_str().into()).collect()
    }
}

impl Lease {
    /// The lease that is in force.
    pub(crate) fn read(bytes: &[u8], now: u64) -> Option<Self> {
        let lease = Self::decode(bytes).ok()?;
        // One that lasts longer than any of ours was written by nobody of ours.
        let longest = LEASE.saturating_add(AHEAD);
        let in_force = lease.until > now && lease.until <= now.saturating_add(longest);
        (in_force && !lease.vm.is_empty()).then_some(lease)
    }
}

/// The version of a resource's policy in shared data, apart from the policy, so
/// that looking at it is cheap: epoch and revision, little-endian.
pub(crate) fn head(version: Option<Version>) -> [u8; 16] {
    let Version { epoch, revision } = version.unwrap_or_default();
    let mut bytes = [0; 16];
    let (first, second) = bytes.split_at_mut(8);
    first.copy_from_slice(&epoch.to_le_bytes());
    second.copy_from_slice(&revision.to_le_bytes());
    bytes
}

/// Reads a [`head`].
pub(crate) fn read_head(bytes: &[u8]) -> Option<Version> {
    let (epoch, revision) = bytes.split_at_checked(8)?;
    Some(Version {
        epoch: u64::from_le_bytes(epoch.try_into().ok()?),
        revision: u64::from_le_bytes(revision.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_are_gone_or_were_never_there_do_not_count() {
        let mut members = Members::default();
        members.join("old", 0);
        members.join("one", MEMBER);
        members.join("one", MEMBER + AHEAD);
        members.join("future", u64::MAX);
        let read = Members::read(&members.encode_to_vec(), MEMBER);
        assert_eq!(read.members.iter().map(|m| m.vm.as_str()).collect::<Vec<_>>(), ["one"]);
        assert_eq!(Members::read(b"\xff\xff garbage", 0), Members::default());
        let many = Members {
            members: (0..5000)
                .map(|n| Member {
                    vm: format!("{n}"),
                    seen: 0,
                })
                .collect(),
        };
        assert_eq!(Members::read(&many.encode_to_vec(), 0).members.len(), MOST_MEMBERS);
    }

    #[test]
    fn a_lease_is_in_force_for_its_time_only() {
        let lease = |vm: &str, until| Lease { vm: vm.into(), until }.encode_to_vec();
        assert!(Lease::read(&lease("one", 10), 9).is_some());
        assert!(Lease::read(&lease("one", 10), 10).is_none(), "over");
        assert!(Lease::read(&lease("one", u64::MAX), 10).is_none(), "claims for ever");
        assert!(Lease::read(&lease("", 10), 9).is_none());
        assert!(Lease::read(b"\xff", 9).is_none());
    }

    #[test]
    fn a_head_reads_back() {
        let version = Version {
            epoch: 3,
            revision: u64::MAX,
        };
        assert_eq!(read_head(&head(Some(version))), Some(version));
        assert_eq!(read_head(&head(None)), Some(Version::default()));
        assert_eq!(read_head(b"short"), None);
        assert_eq!(read_head(&[0; 17]), None);
    }
}
