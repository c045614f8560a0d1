//! The far side of gRPC, which the test plays.

use super::grpc::{Answer, Call, GrpcStream, Refusal};
use super::{Lab, VmId};

/// Calls a responder may answer in a row before it is a loop.
const MOST_ANSWERS: usize = 100_000;

/// Answers calls in the place of the test, if there is one.
#[derive(Default)]
pub(super) struct Responder {
    #[expect(clippy::type_complexity, reason = "it is written once")]
    answer: Option<Box<dyn FnMut(&Call) -> Option<Answer>>>,
    /// The call it was shown last.
    shown: u64,
}

impl Lab {
    /// The calls that wait for an answer, the oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.process.hub.open().calls.values().cloned().collect()
    }

    /// Answers a call. Whether it still waited for that: it does not if the
    /// guest gave it up, or died.
    pub fn answer(&mut self, call: &Call, answer: Answer) -> bool {
        let mut traffic = self.process.hub.open();
        let Some((vm, to)) = traffic.address(call.number) else {
            return false;
        };
        traffic.end(call.number);
        drop(traffic);
        self.drive(vm, |vm| match answer {
            Ok(message) => vm.grpc_receive(to, message),
            Err(code) => vm.grpc_close(to, code),
        });
        true
    }

    /// From here on answers every call once the callback it was made in, and
    /// what that led to, is over. A call without an answer is left to the test.
    pub fn respond_with(&mut self, answer: impl FnMut(&Call) -> Option<Answer> + 'static) {
        self.responder = Responder {
            answer: Some(Box::new(answer)),
            shown: 0,
        };
        self.respond();
    }

    /// From here on the test answers every call.
    pub fn respond_no_more(&mut self) {
        self.responder = Responder::default();
    }

    /// From here on calls and streams to a gRPC service are refused at once,
    /// or no longer; `*` is every service.
    pub fn refuse(&mut self, service: &str, how: Option<Refusal>) {
        let refusals = &mut self.process.hub.open().refusals;
        match how {
            Some(how) => refusals.insert(service.to_owned(), how),
            None => refusals.remove(service),
        };
    }

    /// The streams that are open, the oldest first.
    #[must_use]
    pub fn streams(&self) -> Vec<GrpcStream> {
        let traffic = self.process.hub.open();
        traffic.streams.values().filter(|stream| stream.open).cloned().collect()
    }

    /// The streams there ever were, the oldest first.
    #[must_use]
    pub fn all_streams(&self) -> Vec<GrpcStream> {
        self.process.hub.open().streams.values().cloned().collect()
    }

    /// Sends a message to a guest. Whether the stream is open.
    pub fn send(&mut self, stream: &GrpcStream, message: impl Into<Vec<u8>>) -> bool {
        let address = self.process.hub.open().address(stream.number);
        let Some((vm, to)) = address else {
            return false;
        };
        self.drive(vm, |vm| vm.grpc_receive(to, message.into()));
        true
    }

    /// Closes a stream with a gRPC status code. Whether it was open.
    pub fn close(&mut self, stream: &GrpcStream, code: u32) -> bool {
        let mut traffic = self.process.hub.open();
        let Some((vm, to)) = traffic.address(stream.number) else {
            return false;
        };
        traffic.end(stream.number);
        drop(traffic);
        self.drive(vm, |vm| vm.grpc_close(to, code));
        true
    }

    /// Shows the responder each call that it has not seen.
    ///
    /// # Panics
    /// If the guest answers every answer with a call, for ever.
    pub(super) fn respond(&mut self) {
        let Some(mut answer) = self.responder.answer.take() else {
            return;
        };
        let mut answers = 0;
        while let Some(call) = self.unseen_call() {
            self.responder.shown = call.number;
            if let Some(answer) = answer(&call) {
                answers += 1;
                assert!(answers <= MOST_ANSWERS, "the guest calls again on every answer");
                self.answer(&call, answer);
            }
        }
        self.responder.answer = Some(answer);
    }

    fn unseen_call(&self) -> Option<Call> {
        let traffic = self.process.hub.open();
        let mut unseen = traffic.calls.range(self.responder.shown + 1..);
        unseen.next().map(|(_, call)| call.clone())
    }

    /// The open calls of one VM.
    #[must_use]
    pub fn calls_of(&self, vm: VmId) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.vm == vm).collect()
    }
}
