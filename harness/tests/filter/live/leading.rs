//! The VM that holds the stream is lost, or its root context is.

use std::time::Duration;

use sluice_harness::lab::{Plugin, VmId};

use super::{asking, revisions};
use crate::shared::*;

#[test]
fn another_vm_leads_within_three_seconds_of_a_loss_without_a_word() {
    for vms in [2, 5] {
        let mut lab = asking(vms);
        lab.tell(policy("sb_1", (1, 7)));
        let lost = lab.watch().unwrap();
        lab.drop_vm(lost.vm);
        assert_eq!(lab.watch(), None);
        // The lease, and what is left of half a second between two looks at it.
        lab.advance(Duration::from_millis(3_700));
        let next = lab.watch().expect("another VM leads");
        assert_ne!(next.vm, lost.vm);
        let said = lab.said();
        assert!(
            matches!(&said[0], Said::Hello { held, .. } if held[..] == [("sb_1".to_owned(), (1, 7))]),
            "{said:?}"
        );
        assert_eq!(said[1], Said::Subscribe("sb_1".into()));
        lab.tell(policy("sb_1", (1, 8)));
        let left: Vec<VmId> = lab.vms().filter(|vm| *vm != lost.vm).collect();
        for vm in left {
            assert_eq!(revision(&mut lab, vm, "sb_1"), Some(8));
        }
        lab.restart_vm(lost.vm).unwrap();
        assert_eq!(revision(&mut lab, lost.vm, "sb_1"), Some(8), "from shared data");
        lab.advance(10 * SECOND);
        assert_eq!(lab.watch().map(|stream| stream.number), Some(next.number));
        assert_no_trap(&lab);
    }
}

#[test]
fn a_leader_that_ends_hands_over_at_once() {
    let mut lab = asking(2);
    lab.tell(policy("sb_1", (1, 7)));
    let first = lab.watch().unwrap();
    lab.end_root(first.vm);
    assert_eq!(lab.watch(), None);
    lab.advance(7 * TICK);
    let next = lab.watch().unwrap();
    assert_ne!(next.vm, first.vm);
    lab.tell(policy("sb_1", (1, 8)));
    assert_eq!(revision(&mut lab, next.vm, "sb_1"), Some(8));
    assert_no_trap(&lab);
}

#[test]
fn a_stream_that_dies_with_its_root_context_is_opened_by_another_of_the_vm() {
    let mut lab = asking(1);
    lab.tell(policy("sb_1", (1, 1)));
    let second = lab.add_root(vm(0), Plugin::http(live().to_string())).unwrap();
    lab.end_root(vm(0));
    assert!(!lab.has_root(vm(0)));
    assert_eq!(lab.watch(), None);
    lab.advance(2 * TICK);
    lab.tell(policy("sb_1", (1, 2)));
    assert_eq!(revision(&mut lab, second, "sb_1"), Some(2));
    assert_no_trap(&lab);
}

#[test]
fn a_new_leader_with_an_old_server_takes_nothing_back() {
    let mut strangers = 0;
    for user in [vm(0), vm(1)] {
        let mut lab = asking(2);
        lab.tell(policy("sb_1", (1, 7)));
        // Both begin anew, and only one of them has a request.
        for vm in lab.vms().collect::<Vec<_>>() {
            lab.drop_vm(vm);
            lab.restart_vm(vm).unwrap();
        }
        lab.advance(4 * SECOND);
        assert_eq!(revision(&mut lab, user, "sb_1"), Some(7));
        lab.advance(2 * TICK);
        // Whether who leads now knows of the resource by the wish of the other alone.
        strangers += usize::from(lab.watch().unwrap().vm != user);
        lab.tell(policy("sb_1", (1, 3)));
        let said = lab.said();
        assert!(said.iter().any(|one| matches!(one, Said::Nack { .. })), "{said:?}");
        assert_eq!(revisions(&mut lab, "sb_1"), [Some(7); 2]);
        assert_no_trap(&lab);
    }
    assert_eq!(strangers, 1);
}

#[test]
fn a_wish_is_heard_by_who_leads_next() {
    let mut lab = asking(3);
    lab.tell(policy("sb_1", (1, 1)));
    let leader = lab.watch().unwrap().vm;
    let other = lab.vms().find(|vm| *vm != leader).unwrap();
    lab.drop_vm(leader);
    assert_eq!(revision(&mut lab, other, "sb_2"), None);
    lab.advance(5 * SECOND);
    let said = lab.said();
    for id in ["sb_1", "sb_2"] {
        assert!(said.contains(&Said::Subscribe(id.into())), "{id}: {said:?}");
    }
    lab.tell(policy("sb_2", (1, 1)));
    lab.restart_vm(leader).unwrap();
    assert_eq!(revisions(&mut lab, "sb_2"), [Some(1); 3]);
}

#[test]
fn wishes_are_repeated_so_nothing_that_is_used_is_forgotten() {
    let mut lab = asking(3);
    lab.tell(policy("sb_1", (1, 1)));
    // Longer than a wish is remembered, with and without requests.
    for _ in 0..40 {
        lab.advance(10 * SECOND);
        revisions(&mut lab, "sb_1");
    }
    assert_eq!(lab.all_streams().len(), 1);
    assert!(
        !lab.said().contains(&Said::Unsubscribe("sb_1".into())),
        "{:?}",
        lab.said()
    );
}
