//! The leader's part: the `Watch` stream, and what comes through it.

use std::rc::Rc;

use prost::Message;

use super::super::leader::{Leader, Stream, request};
use super::super::proto::{self, watch_request};
use super::super::received::{Envelope, Received, Refused, Why};
use super::super::shared::{Tell, head, read_head};
use super::Policies;
use crate::dispatch;
use crate::host::grpc::{self, Method};
use crate::host::shared as host;
use crate::host::{self as proxy, Status};
use crate::refusal::Resource;
use crate::version::Version;

/// As `sluice.policy.v1` has it.
const SERVICE: &str = "sluice.policy.v1.PolicyService";
const METHOD: &str = "Watch";

impl Policies {
    /// Does what a leader has to do now, if this VM is the leader.
    pub(super) fn lead(self: &Rc<Self>, root: u32, now: u64) {
        if !self.leads() || self.contact.is_queue().is_some() {
            return;
        }
        let open = self.leader.borrow().as_ref().and_then(|leader| leader.stream);
        let stream = match open {
            Some(stream) => stream,
            None => {
                let Some((stream, hello)) = self.open(root, now) else {
                    return;
                };
                self.send_all(stream, hello);
                stream
            }
        };
        self.look_at_members(now);
        let members = self.member_names();
        let messages = match self.leader.borrow_mut().as_mut() {
            Some(leader) => leader.messages(&members, now),
            None => return,
        };
        self.send_all(stream, messages);
    }

    fn member_names(&self) -> Vec<Rc<str>> {
        let mut names = self.members.borrow().names();
        if !names.contains(&self.vm) {
            names.push(Rc::clone(&self.vm));
        }
        names
    }

    fn open(self: &Rc<Self>, root: u32, now: u64) -> Option<(Stream, Vec<proto::WatchRequest>)> {
        let held: Vec<(Rc<Resource>, Version)> = {
            let slots = self.slots.borrow();
            let resources = slots.resources().into_iter();
            resources
                .filter_map(|(resource, version)| Some((resource, version?)))
                .collect()
        };
        {
            let leader = self.leader.borrow();
            let leader = leader.as_ref()?;
            if leader.subscriptions() == 0 || !leader.backoff.is_over(now) {
                return None;
            }
        }
        let method = Method {
            upstream: &self.contact.upstream,
            service: SERVICE,
            method: METHOD,
            authorization: self.contact.authorization.as_deref(),
        };
        // Nothing is borrowed while the proxy is called: it may call back.
        let opened = grpc::open(&method);
        let mut leader = self.leader.borrow_mut();
        let leader = leader.as_mut()?;
        // Whatever it brings, the next attempt waits if this one fails.
        let first = leader.backoff.failures() == 0;
        leader.backoff.failed(now);
        match opened {
            Ok(token) => {
                let stream = Stream { token, root };
                dispatch::expect_policies(token, root, self);
                let hello = leader.opened(stream, &self.instance, &held);
                Some((stream, hello))
            }
            Err(status) => {
                if first {
                    log::warn!(
                        "no stream to {} for policies, it is tried again: {status}",
                        self.contact
                    );
                }
                None
            }
        }
    }

    fn send_all(&self, stream: Stream, messages: Vec<proto::WatchRequest>) {
        for message in messages {
            if let Some(watch_request::Message::Unsubscribe(proto::Unsubscribe { resource: Some(gone) })) =
                &message.message
            {
                self.unshare(&gone.clone().into());
            }
            self.send(stream, &message);
        }
    }

    fn send(&self, stream: Stream, message: &proto::WatchRequest) {
        // A stream belongs to the root context that opened it, and another one may be at work now.
        let sent = dispatch::with(stream.root, || grpc::send(stream.token, &message.encode_to_vec()));
        if let Err(status) = sent {
            // The close callback follows, or the root context is gone already.
            log::debug!("the policy service cannot be told: {status}");
        }
    }

    /// The stream brought a message.
    pub(crate) fn received(self: &Rc<Self>, token: u32, message: Vec<u8>) {
        let Some(stream) = self.stream(token) else { return };
        if let Some(leader) = self.leader.borrow_mut().as_mut() {
            leader.backoff.succeeded();
            leader.ended = None;
        }
        if let Err(refused) = self.take(&message, true) {
            self.nack(Some(stream), refused);
        }
        self.lead(stream.root, self.now.get());
    }

    fn stream(&self, token: u32) -> Option<Stream> {
        let stream = self.leader.borrow().as_ref()?.stream?;
        (stream.token == token).then_some(stream)
    }

    fn nack(&self, stream: Option<Stream>, refused: Refused) {
        let Refused { resource, version, why } = refused;
        let about = resource
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), ToString::to_string);
        for line in why.to_string().lines() {
            log::error!("policy of {about} refused, the last good one stays: {line}");
        }
        if let Some(metric) = self.refused {
            let _ = host::add(metric, 1);
        }
        self.slots.borrow_mut().refused(format!("{about}: {why}"));
        if let Some(stream) = stream {
            let nack = proto::Nack {
                resource: resource.as_ref().map(Into::into),
                version: version.map(Into::into),
                error: why.to_string(),
            };
            self.send(stream, &request(watch_request::Message::Nack(nack)));
        }
    }

    /// Reads a message, and puts it in force everywhere if it is good.
    fn take(&self, message: &[u8], subscribed: bool) -> Result<(), Refused> {
        let envelope = Envelope::open(message)?;
        let resource = envelope.resource.clone();
        if subscribed && !self.is_subscribed(&resource) {
            return Err(envelope.refuse(Why::NotSubscribed));
        }
        let used = subscribed || self.slots.borrow().has(&resource);
        if used {
            // What a leader before has shared is in force, even if this VM did
            // not use it: a server that lags behind takes nothing back.
            self.load(&resource);
        }
        let held = self.slots.borrow().version(&resource);
        match (envelope.version, held) {
            (Some(new), Some(held)) if new == held => {
                self.in_force_here(&resource, Some(new));
                return Ok(());
            }
            (new, Some(held)) if new.is_none_or(|new| new < held) => {
                return Err(envelope.refuse(Why::Older(held)));
            }
            _ => {}
        }
        let received = envelope.read()?;
        let version = received.known.version();
        self.share(&resource, version, message);
        // What nobody here uses waits in shared data until somebody does.
        if used {
            self.put(received);
        }
        self.in_force_here(&resource, version);
        Ok(())
    }

    fn is_subscribed(&self, resource: &Resource) -> bool {
        let leader = self.leader.borrow();
        leader.as_ref().is_some_and(|leader| leader.is_subscribed(resource))
    }

    pub(super) fn in_force_here(&self, resource: &Resource, version: Option<Version>) {
        let mut leader = self.leader.borrow_mut();
        if let (Some(leader), Some(version)) = (leader.as_mut(), version) {
            leader.in_force(&self.vm, resource, version, self.now.get());
        }
    }

    /// Takes back what is shared of a resource that nobody asks for any more: it
    /// would be out of date for whoever comes later.
    fn unshare(&self, resource: &Resource) {
        for part in ["head", "body"] {
            let _ = host::set_data(&self.resource_key(part, resource), &[], 0);
        }
    }

    /// Writes a policy where every VM finds it, and tells them.
    fn share(&self, resource: &Resource, version: Option<Version>, message: &[u8]) {
        let key = self.resource_key("head", resource);
        let (there, cas) = match host::data(&key) {
            Ok((bytes, cas)) => (read_head(&bytes), cas),
            Err(_) => (None, host::NOTHING_THERE),
        };
        let newer = |there: Option<Version>| there.unwrap_or_default() > version.unwrap_or_default();
        // The head alone does not count: anybody could have written a number.
        let is_newer = |received: Received| newer(received.known.version());
        if newer(there) && self.read_shared(resource).is_some_and(is_newer) {
            return;
        }
        // The head first: who loses the race for it leaves the body alone, and
        // who sees it too early finds another version below it and looks again.
        let written = host::set_data(&key, &head(version), cas)
            .and_then(|()| host::set_data(&self.resource_key("body", resource), message, 0));
        match written {
            Ok(()) => {}
            // Another leader was faster; what it has is newer, or comes here too.
            Err(Status::CAS_MISMATCH) => return,
            Err(status) => {
                log::error!("a policy cannot be shared, other VMs keep the one they have: {status}");
                return;
            }
        }
        // By the clock and not by counting: whoever resets the number that is
        // there must not make it one that a VM has seen already.
        let number = match proxy::monotonic_nanos() {
            now if now != self.change_number() => now,
            now => now.wrapping_add(1),
        };
        if let Err(status) = host::set_data(&self.key("changes"), &number.to_le_bytes(), 0) {
            log::error!("a change of policies cannot be announced: {status}");
        }
        self.seen.set(number);
        self.look_at_members(self.now.get());
        let members = self.members.borrow().clone();
        for member in members.members {
            if *member.vm != *self.vm {
                self.tell(&member.vm, Tell::Changed(self.about(resource, version)));
            }
        }
    }

    /// The stream has ended.
    pub(crate) fn closed(&self, token: u32, code: u32, now: u64) {
        if self.stream(token).is_none() {
            return;
        }
        if let Some(leader) = self.leader.borrow_mut().as_mut() {
            leader.stream = None;
            // Once for each reason: an outage is no news every ten seconds, but that
            // it has become another one is.
            if leader.ended.replace(code) != Some(code) {
                log::warn!(
                    "the stream to {} for policies ended with gRPC status {code}, it is tried again; \
                     the last policies stay in force",
                    self.contact
                );
            }
            if leader.backoff.is_over(now) {
                leader.backoff.failed(now);
            }
        }
    }

    /// The stream went with the root context that opened it.
    pub(super) fn stream_root_gone(&self, root: u32) {
        if let Some(leader) = self.leader.borrow_mut().as_mut()
            && leader.stream.is_some_and(|stream| stream.root == root)
        {
            leader.stream = None;
            leader.backoff.succeeded();
        }
    }

    /// Leads no more.
    pub(super) fn resign(&self, why: &str) {
        let Some(Leader { stream, .. }) = self.leader.take() else {
            return;
        };
        log::info!("this VM asks for policies no more: {why}");
        if let Some(stream) = stream {
            dispatch::expect_nothing(stream.token);
            let _ = dispatch::with(stream.root, || grpc::cancel(stream.token));
        }
    }

    /// Takes what another plugin has put into the queue that policies come by.
    pub(super) fn drain_inlet(&self, root: u32) {
        let Some(name) = self.contact.is_queue() else { return };
        if !self.leads() {
            return;
        }
        if self.inlet.get().is_none() {
            match host::register_queue(name) {
                Ok(queue) => self.inlet.set(Some((queue, root))),
                Err(status) => log::error!("the queue {name:?} for policies cannot be had: {status}"),
            }
        }
        let Some((queue, _)) = self.inlet.get() else { return };
        while let Ok(Some(message)) = host::dequeue(queue) {
            if let Err(refused) = self.take(&message, false) {
                self.nack(None, refused);
            }
        }
    }
}
