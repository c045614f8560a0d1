//! What HTTP and TCP streams do alike: decide by the policy in force, remember
//! by what, and record how it ended.

mod draft;

use std::net::{IpAddr, SocketAddr};
use std::rc::{Rc, Weak};

use sluice_policy::{Action, Circumstances, Decision, Mode, Policy, Seen, Timestamp};

pub(crate) use draft::Draft;

use crate::events::{Decided, InForce};
use crate::ground::{By, Ground};
use crate::host;
use crate::refusal::{Refusal, Resource};
use crate::root::Serving;
use crate::vm::Ruling;

/// Nanoseconds since the Unix epoch, of both clocks that matter to a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// By the wall; 0 where nobody asks.
    pub(crate) wall: u64,
    pub(crate) timestamp: Timestamp,
}

impl Moment {
    /// Now. The clock is read only where something depends on it.
    pub(crate) fn read(wanted: bool) -> Self {
        if !wanted {
            return Self {
                wall: 0,
                timestamp: Timestamp::from_micros(0),
            };
        }
        match host::now_nanos() {
            Ok(wall) => Self {
                wall,
                timestamp: i64::try_from(wall / 1_000).map_or(Timestamp::UNKNOWN, Timestamp::from_micros),
            },
            Err(status) => {
                log::error!("the time cannot be read, so rules that expire are taken for the stricter: {status}");
                Self {
                    wall: 0,
                    timestamp: Timestamp::UNKNOWN,
                }
            }
        }
    }
}

/// Everything a decision of one stream is made by.
pub(crate) struct Case {
    pub(crate) ruling: Rc<Ruling>,
    pub(crate) who: Option<Rc<Resource>>,
    by: By,
    pub(crate) moment: Moment,
    overridden: bool,
}

/// What a stream was decided by, to see whether that has changed.
struct Basis {
    policy: Rc<Policy>,
    mode: Mode,
    /// The configuration, which it must not keep alive.
    ruling: Weak<Ruling>,
}

impl Case {
    /// What a stream of `who` is decided by now; nothing while it has to wait.
    pub(crate) fn find(
        serving: &Serving,
        ruling: &Rc<Ruling>,
        who: Option<Rc<Resource>>,
        waited: bool,
    ) -> Option<Self> {
        let plan = &ruling.plan;
        let look_up = ruling
            .policies
            .as_ref()
            .map(|policies| |resource: &Rc<Resource>| policies.look_up(resource));
        let by = match serving.standing.ground(plan, who.as_ref(), waited, look_up) {
            Ground::Decide(by) => by,
            Ground::Wait => return None,
        };
        let given = plan.override_mode.as_ref();
        let moment = Moment::read(ruling.mail.is_some() || given.is_some() || by.policy.depends_on_time());
        let overridden = given.is_some_and(|given| given.rules(moment.timestamp));
        Some(Self {
            ruling: Rc::clone(ruling),
            who,
            by,
            moment,
            overridden,
        })
    }

    /// Decides what was seen; `destination` as in [`Circumstances`].
    pub(crate) fn decide<'s>(&self, seen: &Seen<'s>, destination: Option<SocketAddr>) -> Decision<'_, 's> {
        self.decide_resolved(seen, destination, &[])
    }

    /// Decides what was seen, where the address is known that it goes to.
    pub(crate) fn decide_resolved<'s>(
        &self,
        seen: &Seen<'s>,
        destination: Option<SocketAddr>,
        resolved: &[IpAddr],
    ) -> Decision<'_, 's> {
        let given = self.ruling.plan.override_mode.as_ref();
        let circumstances = Circumstances {
            now: self.moment.timestamp,
            mode: given.filter(|_| self.overridden).map(|given| given.mode),
            unresolved: self.by.unresolved,
            destination,
        };
        self.by
            .policy
            .decide_resolved(seen, &self.ruling.plan.surroundings, resolved, circumstances)
    }

    /// Whether names may lead there whatever the policy says.
    fn expects(&self, address: IpAddr) -> bool {
        self.ruling.plan.surroundings.resolves_to.contain(address)
    }

    /// What a client is told whose request this decision rejects.
    pub(crate) fn refusal(&self, decision: &Decision<'_, '_>) -> Option<Refusal> {
        if decision.action() != Action::Reject {
            return None;
        }
        let revision = self.by.version.map(|version| version.revision);
        Refusal::of(decision, self.who.as_deref(), revision)
    }

    fn basis(&self, decision: &Decision<'_, '_>) -> Basis {
        Basis {
            policy: Rc::clone(&self.by.policy),
            mode: decision.mode(),
            ruling: Rc::downgrade(&self.ruling),
        }
    }

    /// Whether a stream that was decided by `basis` might be decided otherwise now.
    fn differs(&self, basis: &Basis) -> bool {
        let given = self.ruling.plan.override_mode.as_ref();
        let mode = given
            .filter(|_| self.overridden)
            .map_or(self.by.policy.mode(), |given| given.mode);
        let configured_anew = !std::ptr::eq(basis.ruling.as_ptr(), Rc::as_ptr(&self.ruling));
        configured_anew
            || !Rc::ptr_eq(&self.by.policy, &basis.policy)
            || mode != basis.mode
            || self.by.policy.depends_on_time()
    }

    /// The decision in the words of events.
    pub(crate) fn decided(&self, decision: &Decision<'_, '_>) -> Decided {
        let given = self.ruling.plan.override_mode.as_ref();
        let record = decision.record();
        let text = |text: Option<std::borrow::Cow<'_, str>>| text.map(|text| Box::from(&*text));
        Decided {
            resource: self.who.clone(),
            in_force: InForce {
                version: self.by.version,
                mode: self.by.policy.missing().is_none().then_some(record.mode),
                overridden: given.filter(|_| self.overridden).map(|given| Rc::clone(&given.reason)),
            },
            host: text(record.host),
            port: record.port,
            raw: text(record.raw),
            action: record.action,
            would_reject: record.would_reject,
            rule_id: text(record.rule_id),
            rule_scope: record.rule_scope,
            rejected_by: text(record.rejected_by),
            nearest: record
                .nearest
                .and_then(|nearest| serde_json::to_string(&nearest).ok())
                .map(Into::into),
        }
    }
}

/// What HTTP and TCP remember alike of a stream that was decided.
pub(crate) struct Past {
    pub(crate) action: Action,
    /// Whether the verdict was reject.
    pub(crate) would_reject: bool,
    /// A newer policy rejects it, and it is being closed.
    pub(crate) closed: bool,
    pub(crate) draft: Option<Draft>,
    /// Where it goes, if that was decided too.
    address: Option<IpAddr>,
    basis: Basis,
}

impl Past {
    pub(crate) fn new(case: &Case, decision: &Decision<'_, '_>, draft: Option<Draft>) -> Self {
        Self {
            action: decision.action(),
            would_reject: decision.would_reject(),
            closed: false,
            draft,
            address: None,
            basis: case.basis(decision),
        }
    }

    /// Whether it could be rejected now: it passed, and nobody is closing it.
    pub(crate) fn passes(&self) -> bool {
        !self.closed && self.action != Action::Reject
    }

    /// The decision, now that an address is known before anything was sent to
    /// it, if it is another one than that on the name alone.
    pub(crate) fn turns_out<'c, 's>(
        &mut self,
        case: &'c Case,
        seen: &Seen<'s>,
        destination: Option<SocketAddr>,
        address: IpAddr,
    ) -> Option<Decision<'c, 's>> {
        self.address = Some(address);
        let decision = case.decide_resolved(seen, destination, &[address]);
        let otherwise = decision.would_reject() && !self.would_reject;
        if let Some(draft) = &mut self.draft {
            draft.goes_to(address, case, otherwise);
        }
        if !otherwise {
            return None;
        }
        self.action = decision.action();
        self.would_reject = true;
        if let Some(draft) = &mut self.draft {
            draft.decided_again(case, &decision);
        }
        Some(decision)
    }

    /// Decides an open stream again, if that could turn out otherwise; whether
    /// it is rejected now, and has to be closed.
    pub(crate) fn is_rejected_by(&mut self, case: &Case, seen: &Seen<'_>, destination: Option<SocketAddr>) -> bool {
        if !case.differs(&self.basis) {
            return false;
        }
        let decision = case.decide_resolved(seen, destination, self.address.as_slice());
        self.basis = case.basis(&decision);
        if decision.action() != Action::Reject {
            return false;
        }
        self.closed = true;
        if let Some(draft) = &mut self.draft {
            draft.decided_again(case, &decision);
        }
        true
    }
}

/// How many bytes a decision mostly has, or fewer.
const USUAL_VERDICT: usize = 256;

/// Puts the decision where the proxy's access log can print it.
pub(crate) fn leave_verdict(key: &str, decision: &Decision<'_, '_>) {
    let mut json = Vec::with_capacity(USUAL_VERDICT);
    decision.write_json(&mut json);
    if let Err(status) = host::stream::set_property(key, &json) {
        log::error!("{key} could not be written: {status}");
    }
}

/// The address of the client, without its port.
pub(crate) fn client() -> Option<Box<str>> {
    let address = host::stream::property("source\0address").ok()?;
    let address = String::from_utf8(address).ok()?;
    // An internal listener's clients have no port, and a `/` in what stands there.
    let host = match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => &address,
    };
    Some(host.trim_start_matches('[').trim_end_matches(']').into())
}

/// Where the client dialled, as Envoy writes addresses.
pub(crate) fn dialled() -> Option<SocketAddr> {
    let address = host::stream::property("destination\0address").unwrap_or_default();
    let parsed = std::str::from_utf8(&address).ok().and_then(|text| text.parse().ok());
    if parsed.is_none() {
        // Its name decides, as where the proxy finds the address itself.
        log::error!("where a connection was dialled cannot be read");
    }
    parsed
}
