//! What the VM that holds the `Watch` stream keeps: who wants which resource,
//! what was said to the server, and which VMs have a policy in force.

use std::rc::Rc;

use hashbrown::HashMap;

use super::proto::{self, watch_request};
use super::received::SCHEMAS;
use super::shared::MEMBER;
use crate::backoff::Backoff;
use crate::refusal::Resource;
use crate::version::Version;

/// How long a VM's wish is remembered that it does not repeat.
const WISH: u64 = 150_000_000_000;
/// How long VMs are waited for before the server is told of those that are there.
const PATIENCE: u64 = 1_000_000_000;

/// A resource that is asked for. Those who want it are few, so lists do.
#[derive(Debug, Default)]
struct Subscription {
    wanted_by: Vec<(Rc<str>, u64)>,
    /// Whether this stream's server knows.
    sent: bool,
    confirmation: Option<Confirmation>,
}

/// Which VMs have a version in force.
#[derive(Debug)]
struct Confirmation {
    version: Version,
    vms: Vec<Rc<str>>,
    since: u64,
    /// What the server was told last, if anything: of how many, and how many there were.
    told: Option<(usize, usize)>,
}

/// The leader's part.
#[derive(Debug)]
pub(crate) struct Leader {
    subscriptions: HashMap<Rc<Resource>, Subscription>,
    /// The most resources there are.
    most: usize,
    /// The open stream, and the root context that opened it.
    pub(crate) stream: Option<Stream>,
    pub(crate) backoff: Backoff,
    /// How the stream before ended, unless something has come since.
    pub(crate) ended: Option<u32>,
}

/// The `Watch` stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) token: u32,
    pub(crate) root: u32,
}

impl Leader {
    pub(crate) fn new(seed: u64, most: usize) -> Self {
        Self {
            subscriptions: HashMap::new(),
            most,
            stream: None,
            backoff: Backoff::new(seed),
            ended: None,
        }
    }

    /// How many resources may be asked for; those that are stay.
    pub(crate) fn limit(&mut self, most: usize) {
        self.most = most;
    }

    /// A VM wants a resource, now or still. Beyond the most there are, it is
    /// not asked for: every VM has its own, and anybody can write wishes.
    pub(crate) fn want(&mut self, vm: &Rc<str>, resource: Rc<Resource>, now: u64) {
        if self.subscriptions.len() >= self.most && !self.subscriptions.contains_key(&resource) {
            return;
        }
        let wanted_by = &mut self.subscriptions.entry(resource).or_default().wanted_by;
        match wanted_by.iter_mut().find(|(other, _)| other == vm) {
            Some((_, at)) => *at = now,
            None => wanted_by.push((Rc::clone(vm), now)),
        }
    }

    /// A VM wants it no more.
    pub(crate) fn unwant(&mut self, vm: &str, resource: &Resource) {
        if let Some(subscription) = self.subscriptions.get_mut(resource) {
            subscription.wanted_by.retain(|(other, _)| **other != *vm);
        }
    }

    pub(crate) fn is_subscribed(&self, resource: &Resource) -> bool {
        self.subscriptions.contains_key(resource)
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.subscriptions.len()
    }

    /// The first message of a stream; subscriptions follow with `messages`.
    pub(crate) fn opened(
        &mut self,
        stream: Stream,
        instance: &str,
        held: &[(Rc<Resource>, Version)],
    ) -> Vec<proto::WatchRequest> {
        self.stream = Some(stream);
        // A new server has heard nothing of what the one before was told.
        for subscription in self.subscriptions.values_mut() {
            subscription.sent = false;
            if let Some(confirmation) = &mut subscription.confirmation {
                confirmation.told = None;
            }
        }
        let held = held.iter().map(|(resource, version)| proto::Held {
            resource: Some((&**resource).into()),
            version: Some((*version).into()),
        });
        vec![request(watch_request::Message::Hello(proto::Hello {
            schemas: SCHEMAS.to_vec(),
            build: concat!("sluice-filter/", env!("CARGO_PKG_VERSION")).to_owned(),
            instance: instance.to_owned(),
            held: held.collect(),
        }))]
    }

    /// A VM has this version in force.
    pub(crate) fn in_force(&mut self, vm: &Rc<str>, resource: &Resource, version: Version, now: u64) {
        let Some(subscription) = self.subscriptions.get_mut(resource) else {
            return;
        };
        let newest = subscription
            .confirmation
            .as_ref()
            .map(|confirmation| confirmation.version);
        if newest.is_none_or(|newest| newest < version) {
            subscription.confirmation = Some(Confirmation {
                version,
                vms: Vec::new(),
                since: now,
                told: None,
            });
        }
        if let Some(confirmation) = &mut subscription.confirmation
            && confirmation.version == version
            && !confirmation.vms.contains(vm)
        {
            confirmation.vms.push(Rc::clone(vm));
        }
    }

    /// What the server has to be told now. `members` are the VMs that live.
    pub(crate) fn messages(&mut self, members: &[Rc<str>], now: u64) -> Vec<proto::WatchRequest> {
        let mut messages = Vec::new();
        self.subscriptions.retain(|resource, subscription| {
            subscription.wanted_by.retain(|(vm, at)| match now.saturating_sub(*at) {
                // It may have come a moment ago, and the list may be somebody else's.
                age if age < MEMBER => true,
                age => age < WISH && members.contains(vm),
            });
            if subscription.wanted_by.is_empty() {
                if subscription.sent {
                    messages.push(request(watch_request::Message::Unsubscribe(proto::Unsubscribe {
                        resource: Some((&**resource).into()),
                    })));
                }
                return false;
            }
            if !std::mem::replace(&mut subscription.sent, true) {
                messages.push(request(watch_request::Message::Subscribe(proto::Subscribe {
                    resource: Some((&**resource).into()),
                })));
            }
            let wanted_by = &subscription.wanted_by;
            // A VM that does not use the resource has nothing older in force: once it
            // does, it begins with what is shared.
            let uses = |vm: &Rc<str>| wanted_by.iter().any(|(other, _)| other == vm);
            let news = subscription.confirmation.as_mut();
            if let Some(ack) = news.and_then(|confirmation| confirmation.news(resource, members, uses, now)) {
                messages.push(request(watch_request::Message::Ack(ack)));
            }
            true
        });
        messages
    }
}

impl Confirmation {
    fn news(
        &mut self,
        resource: &Resource,
        members: &[Rc<str>],
        uses: impl Fn(&Rc<str>) -> bool,
        now: u64,
    ) -> Option<proto::Ack> {
        let has_it = |vm: &&Rc<str>| self.vms.contains(vm) || !uses(vm);
        let there = members.iter().filter(has_it).count();
        let all = there >= members.len();
        let waited = now.saturating_sub(self.since) >= PATIENCE;
        let of_all = (there, members.len());
        if self.told == Some(of_all) || !(all || waited) {
            return None;
        }
        self.told = Some(of_all);
        Some(proto::Ack {
            resource: Some(resource.into()),
            version: Some(self.version.into()),
            vms_in_force: u32::try_from(there).unwrap_or(u32::MAX),
            vms: u32::try_from(members.len()).unwrap_or(u32::MAX),
        })
    }
}

pub(crate) fn request(message: watch_request::Message) -> proto::WatchRequest {
    proto::WatchRequest { message: Some(message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(id: &str) -> Rc<Resource> {
        Rc::new(Resource {
            kind: "sandbox".into(),
            id: id.into(),
        })
    }

    fn words(messages: Vec<proto::WatchRequest>) -> Vec<String> {
        let id = |resource: Option<proto::Resource>| resource.unwrap().id;
        let mut words: Vec<_> = messages
            .into_iter()
            .map(|message| match message.message.unwrap() {
                watch_request::Message::Hello(hello) => format!("hello {} {}", hello.instance, hello.held.len()),
                watch_request::Message::Subscribe(it) => format!("subscribe {}", id(it.resource)),
                watch_request::Message::Unsubscribe(it) => format!("unsubscribe {}", id(it.resource)),
                watch_request::Message::Ack(ack) => {
                    let revision = ack.version.unwrap().revision;
                    format!("ack {} r{revision} {}/{}", id(ack.resource), ack.vms_in_force, ack.vms)
                }
                watch_request::Message::Nack(nack) => format!("nack {}", nack.error),
            })
            .collect();
        words.sort();
        words
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn subscriptions_come_and_go_with_those_who_want_them() {
        let (one, two): (Rc<str>, Rc<str>) = ("one".into(), "two".into());
        let members = [Rc::clone(&one), Rc::clone(&two)];
        let mut leader = Leader::new(1, 100);
        leader.want(&one, resource("a"), 0);
        leader.want(&two, resource("a"), 0);
        leader.want(&two, resource("b"), 0);
        let hello = leader.opened(Stream { token: 1, root: 1 }, "p/one", &[]);
        assert_eq!(words(hello), ["hello p/one 0"]);
        assert_eq!(words(leader.messages(&members, 0)), ["subscribe a", "subscribe b"]);
        assert_eq!(words(leader.messages(&members, 1)), [""; 0]);
        leader.unwant("two", &resource("a"));
        leader.unwant("two", &resource("b"));
        assert_eq!(words(leader.messages(&members, 2)), ["unsubscribe b"]);
        assert!(leader.is_subscribed(&resource("a")) && !leader.is_subscribed(&resource("b")));

        leader.opened(Stream { token: 2, root: 1 }, "p/one", &[]);
        assert_eq!(
            words(leader.messages(&members, 3)),
            ["subscribe a"],
            "the next stream is told anew"
        );
        assert_eq!(
            words(leader.messages(&members, WISH)),
            ["unsubscribe a"],
            "not repeated"
        );
        leader.want(&two, resource("c"), WISH);
        let left = [one];
        assert_eq!(
            words(leader.messages(&left, WISH)),
            ["subscribe c"],
            "its VM is not in the list yet"
        );
        assert_eq!(
            words(leader.messages(&left, WISH + MEMBER)),
            ["unsubscribe c"],
            "its VM is gone"
        );
    }

    #[test]
    fn no_more_is_asked_for_than_is_configured() {
        let one: Rc<str> = "one".into();
        let mut leader = Leader::new(1, 2);
        for id in ["a", "b", "c", "a"] {
            leader.want(&one, resource(id), 0);
        }
        assert_eq!(
            words(leader.messages(std::slice::from_ref(&one), 0)),
            ["subscribe a", "subscribe b"]
        );
        leader.unwant("one", &resource("a"));
        leader.messages(std::slice::from_ref(&one), 1);
        leader.want(&one, resource("c"), 1);
        assert_eq!(words(leader.messages(&[one], 1)), ["subscribe c"]);
    }

    #[test]
    fn the_server_hears_when_all_have_it_and_who_is_late() {
        let (one, two): (Rc<str>, Rc<str>) = ("one".into(), "two".into());
        let members = [Rc::clone(&one), Rc::clone(&two)];
        let a = resource("a");
        let version = |revision| Version { epoch: 1, revision };
        let mut leader = Leader::new(1, 100);
        leader.want(&one, Rc::clone(&a), 0);
        leader.messages(&members, 0);

        leader.in_force(&one, &a, version(4), 0);
        assert_eq!(
            words(leader.messages(&members, 0)),
            ["ack a r4 2/2"],
            "the other uses nothing older"
        );

        leader.want(&two, Rc::clone(&a), 0);
        leader.in_force(&one, &a, version(5), 0);
        assert_eq!(words(leader.messages(&members, 1)), [""; 0], "one of two, at first");
        leader.in_force(&two, &a, version(5), 2);
        assert_eq!(words(leader.messages(&members, 2)), ["ack a r5 2/2"]);
        assert_eq!(words(leader.messages(&members, 3)), [""; 0], "once");

        leader.in_force(&one, &a, version(6), 10);
        leader.in_force(&two, &a, version(5), 10);
        assert_eq!(words(leader.messages(&members, 10 + SECOND)), ["ack a r6 1/2"]);
        leader.in_force(&two, &a, version(6), 10 + 2 * SECOND);
        assert_eq!(words(leader.messages(&members, 10 + 2 * SECOND)), ["ack a r6 2/2"]);
    }
}
