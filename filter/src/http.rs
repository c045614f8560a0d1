//! `sluice.http`: decides every request on `:authority`.

mod course;
mod inside;

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use sluice_policy::{Action, Seen};

use self::course::{course, is_our_guard};
use self::inside::Inside;
use crate::address;
use crate::config::{Destination, Tls, Tunnels};
use crate::dispatch;
use crate::events::{Record, Undecided, Wire, printable, without_query};
use crate::header_pairs::RequestLine;
use crate::host::stream::{self as proxy, Side};
use crate::host::{self, Flow};
use crate::refusal::{Refusal, Resource};
use crate::root::Serving;
use crate::stream::{Case, Draft, Past, client, dialled, leave_verdict};
use crate::vm::{Ruling, vm};

/// The filter state with the verdict of an HTTP request; a network filter of
/// the same connection has its own, because both write into one place.
const VERDICT: &str = "sluice_http_verdict";

/// The longest path and method in an event, in bytes.
const MOST_PATH: usize = 512;
const MOST_METHOD: usize = 64;
/// The longest server name in an event, in bytes.
const MOST_NAME: usize = 255;

/// The server name of the TLS connection that a request came in.
const SERVER_NAME: &str = "connection\0requested_server_name";

/// One HTTP stream.
pub(crate) struct Http {
    id: u32,
    serving: Option<Rc<Serving>>,
    state: RefCell<State>,
}

/// Where a request stands.
enum State {
    /// The filter has not been asked.
    Fresh,
    /// It is held until its policy is known.
    Held { request: Request, since: u64 },
    /// It has been decided.
    Decided(Box<Decided>),
    /// It has been recorded.
    Over,
}

/// A request as it was seen.
struct Request {
    authority: Vec<u8>,
    method: Vec<u8>,
    path: Option<Vec<u8>>,
    /// Where TLS ended at this proxy.
    server_name: Option<Vec<u8>>,
    /// Where its bytes go, if the client chose that.
    destination: Option<SocketAddr>,
    who: Option<Rc<Resource>>,
}

struct Decided {
    request: Request,
    past: Past,
    inside: Inside,
}

impl Request {
    fn read(ruling: &Ruling) -> Self {
        let topology = &ruling.plan.topology;
        let RequestLine {
            authority,
            method,
            path,
        } = request_line();
        Self {
            authority,
            method,
            path,
            server_name: (topology.tls == Tls::Terminated).then(|| proxy::property(SERVER_NAME).unwrap_or_default()),
            destination: match topology.destination {
                Destination::Proxy | Destination::Registered => None,
                Destination::Original => dialled(),
            },
            who: ruling.plan.identity.resolve(|path| proxy::property(path).ok()),
        }
    }

    fn seen(&self) -> Seen<'_> {
        let (authority, method, path) = (&*self.authority, &*self.method, self.path.as_deref());
        match &self.server_name {
            None => Seen::Request {
                authority,
                method,
                path,
            },
            Some(server_name) => Seen::Terminated {
                authority,
                method,
                path,
                server_name,
            },
        }
    }

    fn is_tunnel(&self) -> bool {
        self.method == b"CONNECT"
    }

    fn wire(&self, paths: bool) -> Wire {
        let path = self.path.as_deref().filter(|_| paths);
        let path = path.map(|path| printable(without_query(path), MOST_PATH));
        Wire {
            protocol: "http",
            method: Some(printable(&self.method, MOST_METHOD).0),
            path_cut: path.as_ref().is_some_and(|(_, cut)| *cut),
            path: path.map(|(path, _)| path),
            server_name: self
                .server_name
                .as_deref()
                .and_then(|name| (!name.is_empty()).then(|| printable(name, MOST_NAME).0)),
            client: None,
            peer: None,
            parent: None,
        }
    }
}

impl Http {
    pub(crate) fn new(id: u32, serving: Option<Rc<Serving>>) -> Self {
        Self {
            id,
            serving,
            state: RefCell::new(State::Fresh),
        }
    }

    /// The headers of the request are there.
    pub(crate) fn request(&self) -> Flow {
        let Some(serving) = &self.serving else {
            log::error!("a request reached a plugin without a configuration");
            refuse(&Refusal::unconfigured());
            return Flow::Pause;
        };
        let ruling = serving.ruling();
        let request = Request::read(&ruling);
        match Case::find(serving, &ruling, request.who.clone(), ruling.plan.hold_ms == 0) {
            Some(case) => self.carry_out(serving, &case, request),
            None => {
                let since = host::monotonic_nanos();
                *self.state.borrow_mut() = State::Held { request, since };
                Flow::Pause
            }
        }
    }

    fn carry_out(&self, serving: &Serving, case: &Case, request: Request) -> Flow {
        #[cfg(feature = "test-trap")]
        assert!(!request.authority.starts_with(b"trap."), "asked to, by a test");
        let (past, refusal) = {
            let decision = case.decide(&request.seen(), request.destination);
            serving.decisions.count(decision.action(), decision.mode());
            leave_verdict(VERDICT, &decision);
            let paths = case.ruling.plan.events.as_ref().is_some_and(|events| events.paths);
            let draft = Draft::begin(case, &decision, request.destination, || request.wire(paths));
            (Past::new(case, &decision, draft), case.refusal(&decision))
        };
        let action = past.action;
        let looks = request.is_tunnel() && case.ruling.plan.topology.tunnels == Tunnels::Inspect;
        let inside = if looks { Inside::Expected } else { Inside::Unseen };
        *self.state.borrow_mut() = State::Decided(Box::new(Decided { request, past, inside }));
        if let Some(refusal) = refusal {
            refuse(&refusal);
        }
        match action {
            // Nothing passes a rejection, even if the answer could not be sent.
            Action::Reject => Flow::Pause,
            Action::Allow | Action::Warn => {
                address::expect(self.id);
                Flow::Continue
            }
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        matches!(&*self.state.borrow(), State::Held { .. })
    }

    /// Something may have changed for this stream.
    pub(crate) fn settle(&self, changed: bool, second: bool) {
        if self.is_held() {
            self.try_held();
            return;
        }
        if let State::Decided(decided) = &mut *self.state.borrow_mut()
            && second
            && let Some(draft) = &mut decided.past.draft
        {
            draft.tell_if_open_long();
        }
        if second {
            self.keep_policy();
            self.give_up_waiting_inside();
        }
        if (changed || second) && self.is_rejected_now(changed) {
            log::info!("a newer policy rejects an open stream, which is closed");
            let closed = dispatch::with(self.id, || proxy::close(Side::Request));
            if let Err(status) = closed {
                log::error!("an open stream that a newer policy rejects could not be closed: {status}");
            }
        }
    }

    /// A resource with an open stream is in use, however long nothing else comes.
    fn keep_policy(&self) {
        if let (Some(serving), State::Decided(decided)) = (&self.serving, &*self.state.borrow())
            && let Some(who) = &decided.request.who
            && let Some(policies) = &serving.ruling().policies
        {
            policies.keep(who);
        }
    }

    /// Whether a tunnel that is open, or an upgraded connection, would be
    /// rejected now. A plain request that runs finishes.
    fn is_rejected_now(&self, changed: bool) -> bool {
        let Some(serving) = &self.serving else { return false };
        let mut state = self.state.borrow_mut();
        let State::Decided(decided) = &mut *state else {
            return false;
        };
        if !decided.past.passes() {
            return false;
        }
        // Rules expire without a change; what few requests are upgrades is
        // not worth a call a second for all of them.
        if !decided.request.is_tunnel() && !(changed && self.is_upgrade()) {
            return false;
        }
        let ruling = serving.ruling();
        // What has no policy yet stays open until it has one.
        let Some(case) = Case::find(serving, &ruling, decided.request.who.clone(), false) else {
            return false;
        };
        let Decided { request, past, inside } = &mut **decided;
        past.is_rejected_by(&case, &request.seen_with(inside), request.destination)
    }

    /// By the answer of the upstream: Envoy 1.40 shows no request headers once
    /// they have gone on, and an upgrade that was not granted is a plain request.
    fn is_upgrade(&self) -> bool {
        const SWITCHING: u64 = 101;
        dispatch::with(self.id, || proxy::property("response\0code"))
            .is_ok_and(|code| code.try_into().map(u64::from_le_bytes) == Ok(SWITCHING))
    }

    /// Decides a request that was held, if it can be decided by now.
    fn try_held(&self) {
        let Some(serving) = &self.serving else { return };
        let ruling = serving.ruling();
        let case = {
            let State::Held { request, since } = &*self.state.borrow() else {
                return;
            };
            let hold = ruling.plan.hold_ms.saturating_mul(1_000_000);
            let waited = vm().now().max(*since).saturating_sub(*since) >= hold;
            match Case::find(serving, &ruling, request.who.clone(), waited) {
                Some(case) => case,
                None => return,
            }
        };
        let State::Held { request, .. } = self.state.replace(State::Over) else {
            return;
        };
        let resumed = dispatch::with(self.id, || match self.carry_out(serving, &case, request) {
            Flow::Continue => proxy::resume_request(),
            Flow::Pause => Ok(()),
        });
        if let Err(status) = resumed {
            log::error!("a request that was held stays held: {status}");
        }
    }

    /// Whether it may go to this address, which its name was resolved to.
    pub(crate) fn resolved(&self, address: IpAddr) -> Flow {
        let refusal = {
            let mut state = self.state.borrow_mut();
            let (State::Decided(decided), Some(serving)) = (&mut *state, &self.serving) else {
                return Flow::Pause;
            };
            let Decided { request, past, .. } = &mut **decided;
            let ruling = serving.ruling();
            let Some(case) = Case::find(serving, &ruling, request.who.clone(), true) else {
                return Flow::Pause;
            };
            let Some(decision) = past.turns_out(&case, &request.seen(), request.destination, address) else {
                return Flow::Continue;
            };
            leave_verdict(VERDICT, &decision);
            case.refusal(&decision)
        };
        let Some(refusal) = refusal else { return Flow::Continue };
        refuse(&refusal);
        Flow::Pause
    }

    /// The stream has ended.
    pub(crate) fn log(&self) {
        let state = self.state.replace(State::Over);
        match state {
            State::Decided(decided) => {
                let Decided { request, past, .. } = *decided;
                if let Some(draft) = past.draft {
                    end(draft, &request, past.action, past.closed);
                }
            }
            State::Held { request, .. } => self.undecided(Some(request)),
            State::Fresh => self.undecided(None),
            State::Over => {}
        }
    }

    /// The proxy answered the request itself, or the client went, before anything was decided.
    fn undecided(&self, request: Option<Request>) {
        let Some(serving) = &self.serving else { return };
        let ruling = serving.ruling();
        let Some(mail) = &ruling.mail else { return };
        let request = request.unwrap_or_else(|| {
            let RequestLine { authority, method, .. } = request_line();
            Request {
                authority,
                method,
                path: None,
                server_name: None,
                destination: None,
                who: ruling.plan.identity.resolve(|path| proxy::property(path).ok()),
            }
        });
        let mut wire = request.wire(false);
        wire.client = client();
        mail.add(Record::Undecided(Box::new(Undecided {
            at: host::now_nanos().unwrap_or(0),
            resource: request.who,
            raw: (!request.authority.is_empty()).then(|| sluice_policy::escape_raw(&request.authority).into()),
            wire,
            course: course(Action::Allow, false, false, 0),
        })));
    }
}

fn end(mut draft: Draft, request: &Request, action: Action, closed: bool) {
    draft.set_client(client);
    let course = course(action, request.is_tunnel(), closed, draft.duration_us());
    if course.details.as_deref().is_some_and(is_our_guard) {
        draft.rejected_by_guard();
    }
    draft.end(course);
}

/// What the request is about. Where that cannot be read there is nothing to decide
/// on, and an empty authority is decided as that: not a target.
fn request_line() -> RequestLine {
    let headers = proxy::request_headers().unwrap_or_else(|status| {
        log::error!("the headers of a request cannot be read: {status}");
        Vec::new()
    });
    RequestLine::of(&headers)
}

pub(crate) fn refuse(refusal: &Refusal) {
    let headers = [
        ("content-type", "application/json"),
        ("x-sluice-rejected-by", refusal.rejected_by.as_str()),
    ];
    if let Err(status) = proxy::send_local_response(refusal.status, &refusal.details, &headers, &refusal.body) {
        log::error!("a refusal could not be sent, the request stays held: {status}");
    }
}
