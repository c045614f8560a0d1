//! That what is held of unfinished connections is bounded. What is seen in traces is tested in `tests/captures`.

use super::*;

#[test]
fn connections_that_never_end_are_given_up() {
    let ids = MOST_SOCKETS + 100;
    let segment = |id: usize| {
        format!(
            "{{\"socket_streamed_trace_segment\": {{\"trace_id\": \"{id}\", \"event\": \
             {{\"read\": {{\"data\": {{\"as_bytes\": \"FgMB\"}}}}}}}}}}\n"
        )
    };
    let text: String = (0..ids).map(segment).collect();
    let mut tap = Tap::new(text.as_bytes(), Encoding::Json);
    let mut crowded = Vec::new();
    let mut cut_off = 0;
    while let Some((number, entry)) = tap.next().unwrap() {
        assert!(tap.sockets.len() <= MOST_SOCKETS);
        match entry.err().unwrap() {
            SkipReason::Flow {
                problem: FlowProblem::Crowded,
                ..
            } => crowded.push(number),
            SkipReason::Flow {
                problem: FlowProblem::CutOff,
                ..
            } => cut_off += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!(crowded, (0..100).collect::<Vec<_>>());
    assert_eq!(cut_off, MOST_SOCKETS);
}
