//! A collector that answers by a script and keeps what it was told.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use prost::Message;
use sluice_harness::lab::{Answer, Call, Lab, VmId};

/// The service that events go to.
pub(crate) const EXPORT: &str = "opentelemetry.proto.collector.logs.v1.LogsService";

/// One record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) instance: String,
    pub(crate) seq: u64,
    /// `sluice.resource.id` of the OTLP resource.
    pub(crate) resource: Option<String>,
    pub(crate) at: u64,
    attributes: BTreeMap<String, Any>,
}

impl Event {
    pub(crate) fn text(&self, key: &str) -> &str {
        match self.attributes.get(key) {
            Some(Any::StringValue(text)) => text,
            None => "",
            other => panic!("{key} is {other:?}"),
        }
    }

    pub(crate) fn int(&self, key: &str) -> u64 {
        match self.attributes.get(key) {
            Some(Any::IntValue(value)) => u64::try_from(*value).unwrap(),
            other => panic!("{key} is {other:?} in {self:?}"),
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.attributes.contains_key(key)
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.attributes.get(key), Some(Any::BoolValue(true)))
    }

    pub(crate) fn kind(&self) -> &str {
        self.text("sluice.event")
    }

    pub(crate) fn host(&self) -> &str {
        self.text("server.address")
    }

    /// How many decisions it tells of.
    pub(crate) fn decisions(&self) -> u64 {
        match self.kind() {
            "audit" => 1,
            "summary" => self.int("sluice.count"),
            _ => 0,
        }
    }
}

/// One call, as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Export {
    pub(crate) vm: VmId,
    pub(crate) message: Vec<u8>,
}

#[derive(Debug, Default)]
struct Memory {
    /// What is answered; nothing at all while it is none.
    answer: Option<Answer>,
    exports: Vec<Export>,
    /// Counted once, by instance and place in the sequence.
    events: BTreeMap<(String, u64), Event>,
    repeated: u64,
}

/// The collector. A clone is the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collector(Rc<RefCell<Memory>>);

impl Collector {
    /// A collector of this lab that takes everything.
    pub(crate) fn of(lab: &mut Lab) -> Self {
        let collector = Self::default();
        collector.answers(lab, Ok(Vec::new()));
        collector
    }

    /// From here on answers every call so, those that wait first.
    pub(crate) fn answers(&self, lab: &mut Lab, answer: Answer) {
        self.0.borrow_mut().answer = Some(answer);
        let memory = Rc::clone(&self.0);
        lab.respond_with(move |call| {
            (call.service == EXPORT)
                .then(|| memory.borrow_mut().take(call))
                .flatten()
        });
    }

    /// From here on answers nothing; calls wait for the test.
    pub(crate) fn is_silent(&self, lab: &mut Lab) {
        self.0.borrow_mut().answer = None;
        lab.respond_no_more();
    }

    /// Answers one call that waited.
    pub(crate) fn answer(&self, lab: &mut Lab, call: &Call, answer: Answer) {
        if answer.is_ok() {
            self.0.borrow_mut().keep(call);
        }
        assert!(lab.answer(call, answer), "nobody waits for it");
    }

    /// Every call there ever was, whatever it was answered.
    pub(crate) fn exports(&self) -> Vec<Export> {
        self.0.borrow().exports.clone()
    }

    /// All events in the order of instances and sequences.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.borrow().events.values().cloned().collect()
    }

    pub(crate) fn of_kind(&self, kind: &str) -> Vec<Event> {
        self.events().into_iter().filter(|event| event.kind() == kind).collect()
    }

    /// How many decisions were told of; of several records with one uid, one.
    pub(crate) fn decisions(&self) -> u64 {
        let mut uids = BTreeSet::new();
        let events = self.events();
        let is_new = |event: &&Event| event.kind() != "audit" || uids.insert(event.text("log.record.uid").to_owned());
        events.iter().filter(is_new).map(Event::decisions).sum()
    }

    pub(crate) fn repeated(&self) -> u64 {
        self.0.borrow().repeated
    }

    /// The sequences begin with one and have no gap.
    pub(crate) fn assert_gapless(&self) {
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        for event in self.events() {
            let last = last.entry(event.instance.clone()).or_default();
            assert_eq!(event.seq, *last + 1, "of {}", event.instance);
            *last = event.seq;
        }
    }

    pub(crate) fn forget(&self) {
        let mut memory = self.0.borrow_mut();
        memory.events.clear();
        memory.exports.clear();
        memory.repeated = 0;
    }
}

impl Memory {
    fn take(&mut self, call: &Call) -> Option<Answer> {
        let answer = self.answer.clone()?;
        self.exports.push(Export {
            vm: call.vm,
            message: call.message.clone(),
        });
        if answer.is_ok() {
            self.keep(call);
        }
        Some(answer)
    }

    fn keep(&mut self, call: &Call) {
        for event in events(&call.message) {
            let key = (event.instance.clone(), event.seq);
            match self.events.get(&key) {
                Some(known) => {
                    assert_eq!(*known, event, "one place in a sequence, two records");
                    self.repeated += 1;
                }
                None => {
                    self.events.insert(key, event);
                }
            }
        }
    }
}

/// The events of a message.
pub(crate) fn events(message: &[u8]) -> Vec<Event> {
    let request = ExportLogsServiceRequest::decode(message).expect("the filter sends OTLP");
    let mut events = Vec::new();
    for group in request.resource_logs {
        let about = attributes(group.resource.unwrap().attributes);
        let resource = match about.get("sluice.resource.id") {
            Some(Any::StringValue(id)) => Some(id.clone()),
            _ => None,
        };
        for log in group.scope_logs.into_iter().flat_map(|scope| scope.log_records) {
            let mut event = Event {
                instance: String::new(),
                seq: 0,
                resource: resource.clone(),
                at: log.time_unix_nano,
                attributes: attributes(log.attributes),
            };
            event.instance = event.text("sluice.instance").to_owned();
            event.seq = event.int("sluice.seq");
            assert_eq!(
                about.get("service.instance.id"),
                event.attributes.get("sluice.instance")
            );
            assert_eq!(log.event_name, event.kind());
            events.push(event);
        }
    }
    events
}

fn attributes(list: Vec<KeyValue>) -> BTreeMap<String, Any> {
    let count = list.len();
    let map: BTreeMap<_, _> = list
        .into_iter()
        .map(|pair| (pair.key, pair.value.unwrap().value.unwrap()))
        .collect();
    assert_eq!(map.len(), count, "an attribute comes once");
    map
}
