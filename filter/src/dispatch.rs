//! From the proxy's callbacks to the contexts they are about.
//!
//! The proxy may call back while a call of ours is still running (closing a
//! stream ends it), so nothing here stays borrowed while a context works.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::{Rc, Weak};

use hashbrown::HashMap;

use crate::address;
use crate::config::Kind;
use crate::host::{self, Flow, Status};
use crate::http::Http;
use crate::mail::Mail;
use crate::policies::Policies;
use crate::root::Root;
use crate::tcp::Tcp;
use crate::vm::vm;

/// A context, by what it is about.
#[derive(Clone)]
enum Context {
    Root(Rc<Root>),
    Http(Rc<Http>),
    Tcp(Rc<Tcp>),
    /// An attempt to dial an address for a request that has a context of its own.
    Address,
}

/// Who waits for what comes with a token.
#[derive(Clone)]
enum Waiting {
    Mail(Rc<Mail>),
    /// A stream is no reason to go on asking.
    Policies(Weak<Policies>),
}

#[derive(Default)]
struct Table {
    contexts: RefCell<HashMap<u32, Context>>,
    /// Tokens of gRPC calls and streams, with the root context that made them.
    tokens: RefCell<Vec<(u32, u32, Waiting)>>,
    /// The context whose callback is running.
    current: Cell<u32>,
}

thread_local! {
    static TABLE: Rc<Table> = Rc::default();
}

fn table() -> Rc<Table> {
    TABLE.with(Rc::clone)
}

fn context(id: u32) -> Option<Context> {
    let table = table();
    table.current.set(id);
    let contexts = table.contexts.borrow();
    contexts.get(&id).cloned()
}

/// A context comes; without a root it is one.
pub(crate) fn create(id: u32, root: u32) {
    let context = if root == 0 {
        Context::Root(Rc::new(Root::new(id)))
    } else {
        let serving = match context(root) {
            Some(Context::Root(root)) => root.serving(),
            _ => None,
        };
        match serving.as_ref().map(|serving| serving.kind) {
            Some(Kind::Tcp) => Context::Tcp(Rc::new(Tcp::new(id, serving))),
            Some(Kind::Address) => Context::Address,
            _ => Context::Http(Rc::new(Http::new(id, serving))),
        }
    };
    table().contexts.borrow_mut().insert(id, context);
}

pub(crate) fn configure(id: u32) -> bool {
    match context(id) {
        Some(Context::Root(root)) => root.configure(),
        _ => false,
    }
}

pub(crate) fn tick(id: u32) {
    if let Some(Context::Root(root)) = context(id) {
        root.tick();
    }
}

pub(crate) fn queue_ready(id: u32, queue: u32) {
    if let Some(Context::Root(_)) = context(id) {
        vm().queue_ready(queue, id);
        settle(vm().take_changed(), false);
    }
}

pub(crate) fn request(id: u32) -> Flow {
    match context(id) {
        Some(Context::Http(stream)) => stream.request(),
        Some(Context::Address) => address::request(),
        // Of what kind a context is is known before its first callback, so
        // this is no stream of ours, and nobody has decided on it.
        _ => Flow::Pause,
    }
}

/// Bytes of a request, or of what a tunnel carries, `size` of them so far.
pub(crate) fn body(id: u32, size: usize) -> Flow {
    match context(id) {
        Some(Context::Http(stream)) => stream.body(size),
        // What comes so far has been let pass.
        Some(Context::Address) => Flow::Continue,
        _ => Flow::Pause,
    }
}

pub(crate) fn connection(id: u32) -> Flow {
    match context(id) {
        Some(Context::Tcp(stream)) => stream.connection(),
        _ => crate::tcp::close(),
    }
}

pub(crate) fn log(id: u32) {
    match context(id) {
        Some(Context::Http(stream)) => stream.log(),
        Some(Context::Tcp(stream)) => stream.log(),
        Some(Context::Root(_) | Context::Address) | None => {}
    }
}

/// Whether what the context `id` has decided may go to this address, which its
/// name was resolved to; nothing if there is no such context.
pub(crate) fn resolved(id: u32, address: SocketAddr) -> Option<Flow> {
    let stream = table().contexts.borrow().get(&id).cloned()?;
    match stream {
        Context::Http(stream) => Some(stream.resolved(address.ip())),
        Context::Tcp(stream) => Some(stream.resolved(address)),
        Context::Root(_) | Context::Address => None,
    }
}

/// Whether the context may be deleted.
pub(crate) fn done(id: u32) -> bool {
    match context(id) {
        Some(Context::Root(root)) => root.done(),
        _ => true,
    }
}

pub(crate) fn delete(id: u32) {
    let table = table();
    let gone = table.contexts.borrow_mut().remove(&id);
    if let Some(Context::Root(_)) = gone {
        table.tokens.borrow_mut().retain(|(_, root, _)| *root != id);
        vm().root_gone(id);
    }
}

/// The answer to this call is for a mail.
pub(crate) fn expect_mail(token: u32, root: u32, mail: &Rc<Mail>) {
    let waiting = Waiting::Mail(Rc::clone(mail));
    table().tokens.borrow_mut().push((token, root, waiting));
}

/// What comes through this stream is for these policies.
pub(crate) fn expect_policies(token: u32, root: u32, policies: &Rc<Policies>) {
    let waiting = Waiting::Policies(Rc::downgrade(policies));
    table().tokens.borrow_mut().push((token, root, waiting));
}

/// Nobody waits for this any more.
pub(crate) fn expect_nothing(token: u32) {
    table().tokens.borrow_mut().retain(|(other, _, _)| *other != token);
}

fn waiting(token: u32) -> Option<(u32, Waiting)> {
    let table = table();
    let tokens = table.tokens.borrow();
    let (_, root, waiting) = tokens.iter().find(|(other, _, _)| *other == token)?;
    table.current.set(*root);
    Some((*root, waiting.clone()))
}

pub(crate) fn grpc_message(token: u32, size: usize) {
    let Some((root, waiting)) = waiting(token) else { return };
    let message = host::grpc::message(size).unwrap_or_else(|status| {
        log::error!("a gRPC message cannot be read: {status}");
        Vec::new()
    });
    match waiting {
        Waiting::Mail(mail) => {
            expect_nothing(token);
            mail.acknowledged(token, root, &message);
        }
        Waiting::Policies(policies) => {
            if let Some(policies) = policies.upgrade() {
                policies.received(token, message);
                settle(vm().take_changed(), false);
            }
        }
    }
}

pub(crate) fn grpc_close(token: u32, code: u32) {
    let Some((_, waiting)) = waiting(token) else { return };
    expect_nothing(token);
    match waiting {
        Waiting::Mail(mail) => mail.not_acknowledged(token, code),
        Waiting::Policies(policies) => {
            if let Some(policies) = policies.upgrade() {
                policies.closed(token, code, host::monotonic_nanos());
            }
        }
    }
}

/// Makes calls about another context than the one whose callback is running.
///
/// # Errors
/// That the proxy does not know the context, or what the calls answered.
pub(crate) fn with<T>(id: u32, calls: impl FnOnce() -> Result<T, Status>) -> Result<T, Status> {
    let table = table();
    let current = table.current.get();
    if id == current {
        return calls();
    }
    host::take_effect(id)?;
    table.current.set(id);
    let answer = calls();
    table.current.set(current);
    // Every callback begins with its own context, so if this one is gone it is no matter.
    let _ = host::take_effect(current);
    answer
}

/// Looks at all open streams: those that wait for a policy, and, once a second,
/// those that are open for long; after a change also those that a newer policy
/// may reject.
pub(crate) fn settle(changed: bool, second: bool) {
    let streams: Vec<Context> = {
        let table = table();
        let contexts = table.contexts.borrow();
        let is_stream = |context: &&Context| !matches!(context, Context::Root(_));
        let looked_at = |context: &&Context| match context {
            Context::Http(stream) => changed || second || stream.is_held(),
            Context::Tcp(_) => changed || second,
            Context::Root(_) | Context::Address => false,
        };
        contexts.values().filter(is_stream).filter(looked_at).cloned().collect()
    };
    for stream in streams {
        match stream {
            Context::Http(stream) => stream.settle(changed, second),
            Context::Tcp(stream) => stream.settle(changed, second),
            Context::Root(_) | Context::Address => {}
        }
    }
}
