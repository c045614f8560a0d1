//! Log records as events: strict, so that nothing that is stored has to be doubted again.

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use sluice_policy::{Action, Host, Mode, Scope};

use super::{Event, Heartbeat, InForce, OPEN, Place, Row};
use crate::ingest::attributes::Attributes;
use crate::ingest::refusal::Refusal;
use crate::moment::{DAY, Moment};

/// How a decided request or connection goes.
const OUTCOMES: [&str; 5] = ["ok", "error", "client_cancel", OPEN, "policy_changed"];

/// The times that make sense: from long ago to a little later than now.
#[derive(Debug, Clone, Copy)]
pub(in crate::ingest) struct Clock {
    now: Moment,
}

/// No clock that is right is that far ahead of ours, and nothing is kept longer than the other.
const AHEAD: i64 = DAY;
const BEHIND: i64 = 400 * DAY;
/// Sums of counts must stay far below 2^63.
const MOST: i64 = 1_000_000_000;

impl Clock {
    pub(in crate::ingest) fn new(now: Moment) -> Self {
        Self { now }
    }

    fn nanos(self, field: &'static str, nanos: i64) -> Result<Moment, Refusal> {
        let at = nanos / 1_000;
        if (self.now.0 - BEHIND..=self.now.0 + AHEAD).contains(&at) {
            return Ok(Moment(at));
        }
        Err(Refusal::value(
            field,
            nanos,
            "a time in nanoseconds since 1970, of the last 400 days and at most a day ahead",
        ))
    }

    /// A filter whose host could not tell it the time says 0.
    fn of(self, record: &LogRecord) -> Result<Moment, Refusal> {
        match record.time_unix_nano {
            0 => Ok(self.now),
            nanos => self.nanos("time_unix_nano", i64::try_from(nanos).unwrap_or(i64::MAX)),
        }
    }
}

/// Reads a record: its place if it can be told, and what it says or why it is refused.
pub(in crate::ingest) fn read(mut record: LogRecord, clock: Clock) -> (Option<Place>, Result<Event, Refusal>) {
    let (mut attributes, result) = Attributes::read(std::mem::take(&mut record.attributes));
    let place = place(&mut attributes);
    let event = result.and_then(|()| {
        let Place { instance, seq } = place.as_ref().map_err(Clone::clone)?;
        let at = clock.of(&record)?;
        // What is no audit record has no id of its own.
        let uid = || format!("{instance}/seq/{seq}");
        match attributes.event.as_deref() {
            Some("audit") => audit(attributes, at).map(|row| Event::Audit(Box::new(row))),
            Some("summary") => summary(attributes, at, uid(), clock).map(|row| Event::Summary(Box::new(row))),
            Some("undecided") => undecided(attributes, at, uid()).map(|row| Event::Undecided(Box::new(row))),
            Some("pending") => pending(attributes, at, uid()).map(|row| Event::Pending(Box::new(row))),
            Some("heartbeat") => heartbeat(attributes).map(|beat| Event::Heartbeat(Box::new(beat))),
            Some(other) => Err(Refusal::value(
                "sluice.event",
                other,
                "one of audit, pending, summary, undecided, heartbeat",
            )),
            None => missing("sluice.event"),
        }
    });
    (place.ok(), event)
}

fn missing<T>(field: &'static str) -> Result<T, Refusal> {
    Err(Refusal::Missing { field })
}

fn place(attributes: &mut Attributes) -> Result<Place, Refusal> {
    let Some(instance) = attributes.instance.take() else {
        return missing("sluice.instance");
    };
    if instance.is_empty() || !instance.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Refusal::value(
            "sluice.instance",
            instance,
            "<process>/<vm> in printable ASCII",
        ));
    }
    match attributes.seq {
        Some(seq @ 1..) => Ok(Place { instance, seq }),
        Some(seq) => Err(Refusal::value("sluice.seq", seq, "a number from 1 on")),
        None => missing("sluice.seq"),
    }
}

fn audit(mut attributes: Attributes, at: Moment) -> Result<Row, Refusal> {
    let uid = match attributes.uid.take() {
        Some(uid) if !uid.is_empty() && uid.bytes().all(|byte| byte.is_ascii_graphic()) => uid,
        Some(uid) => {
            return Err(Refusal::value(
                "log.record.uid",
                uid,
                "<instance>/<n> in printable ASCII",
            ));
        }
        None => return missing("log.record.uid"),
    };
    let outcome = match attributes.outcome.as_deref() {
        Some(text) => OUTCOMES.into_iter().find(|word| *word == text).ok_or_else(|| {
            Refusal::value(
                "sluice.outcome",
                text,
                "one of ok, error, client_cancel, open, policy_changed",
            )
        })?,
        None => return missing("sluice.outcome"),
    };
    host(&attributes)?;
    decided(attributes, at, uid, outcome)
}

fn summary(attributes: Attributes, at: Moment, uid: String, clock: Clock) -> Result<Row, Refusal> {
    match attributes.host.as_deref() {
        // Those of many hosts: of a domain (of addresses: `*.address`), or of any.
        Some("*") => {}
        Some(text) if text.strip_prefix("*.").is_some_and(is_canonical) => {}
        _ => host(&attributes)?,
    }
    let Some(count @ 1..=MOST) = attributes.count else {
        return no_count(attributes.count);
    };
    let time = |field, nanos: Option<i64>| match nanos {
        Some(0) | None => Ok(at),
        Some(nanos) => clock.nanos(field, nanos),
    };
    let (first, last) = (
        time("sluice.first", attributes.first)?,
        time("sluice.last", attributes.last)?,
    );
    let row = decided(attributes, last, uid, "summary")?;
    Ok(Row {
        count,
        first: first.min(last),
        ..row
    })
}

fn no_count<T>(count: Option<i64>) -> Result<T, Refusal> {
    match count {
        Some(count) => Err(Refusal::value("sluice.count", count, "a number from 1 to 1000000000")),
        None => missing("sluice.count"),
    }
}

fn undecided(mut attributes: Attributes, at: Moment, uid: String) -> Result<Row, Refusal> {
    // Nobody decided anything.
    attributes.action = Some(Action::Reject.as_str().to_owned());
    attributes.would_reject = Some(false);
    attributes.rejected_by = None;
    attributes.mode = Some("none".to_owned());
    attributes.host = None;
    decided(attributes, at, uid, "undecided")
}

fn pending(mut attributes: Attributes, at: Moment, uid: String) -> Result<Row, Refusal> {
    if attributes.host.is_none() {
        return missing("server.address");
    }
    if attributes.rejected_by.is_none() {
        return missing("sluice.rejected_by");
    }
    host(&attributes)?;
    let count = match attributes.count.take() {
        None => 1,
        Some(count @ 1..=MOST) => count,
        other => return no_count(other),
    };
    let row = decided(attributes, at, uid, "pending")?;
    Ok(Row { count, ..row })
}

/// Checks host and port: of what is not one host there is neither.
fn host(attributes: &Attributes) -> Result<(), Refusal> {
    let Some(text) = attributes.host.as_deref() else {
        return Ok(());
    };
    if !is_canonical(text) {
        return Err(Refusal::value("server.address", text, "a canonical host"));
    }
    match attributes.port {
        Some(_) => Ok(()),
        None => missing("server.port"),
    }
}

fn is_canonical(text: &str) -> bool {
    let host = if text.contains(':') {
        Host::parse_ipv6(text.as_bytes())
    } else {
        Host::parse(text.as_bytes())
    };
    host.is_ok_and(|host| host.to_string() == text)
}

fn decided(attributes: Attributes, at: Moment, uid: String, outcome: &'static str) -> Result<Row, Refusal> {
    let in_force = in_force(&attributes)?;
    let natural = |field, number: Option<i64>| match number.unwrap_or(0) {
        number @ 0.. => Ok(number),
        number => Err(Refusal::value(field, number, "0 or more")),
    };
    let action = match attributes.action.as_deref() {
        Some(text) => word(Action::ALL, Action::as_str, text)
            .ok_or_else(|| Refusal::value("sluice.action", text, "one of allow, warn, reject"))?,
        None => return missing("sluice.action"),
    };
    let Some(would_reject) = attributes.would_reject else {
        return missing("sluice.would_reject");
    };
    let rule_scope = match attributes.rule_scope.as_deref() {
        Some(text) => {
            let scope = word(Scope::ALL, Scope::as_str, text);
            let scope = scope.ok_or_else(|| Refusal::value("sluice.rule.scope", text, "tenant or resource"))?;
            Some(scope.as_str())
        }
        None => None,
    };
    if let Some(port) = attributes.port
        && !(1..=65_535).contains(&port)
    {
        return Err(Refusal::value("server.port", port, "a port from 1 to 65535"));
    }
    let status = natural("http.response.status_code", attributes.status)?;
    if status > 999 {
        return Err(Refusal::value("http.response.status_code", status, "a status, or 0"));
    }
    Ok(Row {
        uid,
        at,
        port: attributes.port.filter(|_| attributes.host.is_some()),
        host: attributes.host,
        raw: attributes.raw,
        method: attributes.method,
        path: attributes.path,
        path_cut: attributes.path_cut.unwrap_or(false),
        action,
        would_reject,
        status,
        duration_us: natural("sluice.duration_us", attributes.duration_us)?,
        request_bytes: natural("http.request.size", attributes.request_bytes)?,
        response_bytes: natural("http.response.size", attributes.response_bytes)?,
        rule_id: attributes.rule_id,
        rule_scope,
        rejected_by: attributes.rejected_by,
        nearest: attributes.nearest,
        in_force,
        sni: attributes.sni,
        client: attributes.client,
        protocol: attributes.protocol.unwrap_or_default(),
        outcome,
        details: attributes.details,
        parent: attributes.parent,
        peer: attributes.peer,
        count: 1,
        first: at,
    })
}

fn heartbeat(attributes: Attributes) -> Result<Heartbeat, Refusal> {
    let in_force = in_force(&attributes)?;
    let counter = |field, number: Option<i64>| match number {
        Some(number @ 0..) => Ok(number),
        Some(number) => Err(Refusal::value(field, number, "0 or more")),
        None => missing(field),
    };
    Ok(Heartbeat {
        in_force,
        digest: attributes.digest,
        policy_error: attributes.policy_error,
        decisions: counter("sluice.heartbeat.decisions", attributes.decisions)?,
        merged: counter("sluice.heartbeat.merged", attributes.merged)?,
        dropped: counter("sluice.heartbeat.dropped", attributes.dropped)?,
        refused: counter("sluice.heartbeat.refused", attributes.refused)?,
        unsent_bytes: counter("sluice.heartbeat.unsent_bytes", attributes.unsent_bytes)?,
        memory_bytes: counter("sluice.heartbeat.memory_bytes", attributes.memory_bytes)?,
        closing: attributes.closing.unwrap_or(false),
    })
}

fn in_force(attributes: &Attributes) -> Result<InForce, Refusal> {
    let mode = match attributes.mode.as_deref() {
        Some("none") => "none",
        Some(text) => word(Mode::ALL, Mode::as_str, text)
            .ok_or_else(|| Refusal::value("sluice.policy.mode", text, "one of audit_only, enforce, none"))?
            .as_str(),
        None => return missing("sluice.policy.mode"),
    };
    Ok(InForce {
        epoch: attributes.epoch,
        revision: attributes.revision,
        mode,
        overridden: attributes.overridden.clone(),
    })
}

fn word<T: Copy>(all: &[T], as_str: fn(T) -> &'static str, text: &str) -> Option<T> {
    all.iter().copied().find(|word| as_str(*word) == text)
}
