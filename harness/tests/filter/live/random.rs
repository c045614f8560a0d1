//! Whatever happens in whatever order: one stream, no way back, and in the end
//! all decide by the newest.

use std::time::Duration;

use serde_json::json;
use sluice_harness::lab::{Lab, Plugin, Root, VmId};

use crate::shared::*;

/// A server, newest version first; the epoch is part of the revision, so that
/// a refusal tells both.
struct Server {
    newest: u64,
    stream: u64,
    heard: usize,
}

impl Server {
    fn version(number: u64) -> (u64, u64) {
        (number / 10, number)
    }

    /// Answers what was said since; an old replica answers with what it has.
    fn serve(&mut self, lab: &mut Lab, old: bool) {
        let Some(stream) = lab.watch() else { return };
        if stream.number != self.stream {
            (self.stream, self.heard) = (stream.number, 0);
        }
        let said = lab.said().split_off(self.heard);
        self.heard += said.len();
        if said.contains(&Said::Subscribe("sb_1".into())) {
            self.push(lab, old);
        }
    }

    fn push(&self, lab: &mut Lab, old: bool) {
        let number = if old {
            self.newest.saturating_sub(3).max(1)
        } else {
            self.newest
        };
        if lab.watch().is_some() {
            lab.tell(policy("sb_1", Self::version(number)));
        }
    }
}

struct Process {
    lab: Lab,
    server: Server,
    roots: Vec<Vec<Root>>,
    /// The highest revision each VM has decided by, over all its lives.
    used: Vec<u64>,
}

impl Process {
    fn probe(&mut self, at: usize, seed: u64, step: usize) {
        let Some(root) = self.roots[at].last().copied() else {
            return;
        };
        if let Some(found) = revision(&mut self.lab, root, "sb_1") {
            assert!(
                found >= self.used[at],
                "seed {seed}, step {step}: VM {at} went back from {} to {found}",
                self.used[at]
            );
            self.used[at] = found;
        }
    }

    fn step(&mut self, random: &mut Random) {
        let at = random.below(self.roots.len());
        let vm = VmId::from_number(at);
        match random.below(12) {
            0 | 1 => {
                self.server.newest += 1;
                self.server.push(&mut self.lab, false);
            }
            2 => self.server.push(&mut self.lab, true),
            3 => {
                if let Some(stream) = self.lab.watch() {
                    self.lab.close(&stream, u32::try_from(random.below(17)).unwrap());
                }
            }
            4 => {
                if let Some(stream) = self.lab.watch() {
                    self.lab.drop_vm(stream.vm);
                }
            }
            5 => self.restart(vm, at),
            6 => {
                if self.roots[at].len() > 1 {
                    let root = self.roots[at].remove(0);
                    self.lab.end_root(root);
                }
            }
            7 => {
                if self.lab.is_live(vm) && self.roots[at].len() < 3 {
                    let config = config();
                    let root = self.lab.add_root(vm, Plugin::http(config)).unwrap();
                    self.roots[at].push(root);
                }
            }
            8 => self.lab.advance(Duration::from_millis(random.below(5_000) as u64)),
            _ => self.lab.advance(Duration::from_millis(random.below(300) as u64)),
        }
        let old = random.below(4) == 0;
        self.server.serve(&mut self.lab, old);
    }

    fn restart(&mut self, vm: VmId, at: usize) {
        self.lab.restart_vm(vm).unwrap();
        assert!(!self.roots[at].is_empty());
    }
}

fn config() -> String {
    with(live(), &json!({"events": {"cluster": "collector"}})).to_string()
}

#[test]
fn no_vm_ever_goes_back_and_all_arrive() {
    for seed in 1..=24 {
        let mut random = Random::new(seed);
        let vms = 1 + random.below(4);
        let config: serde_json::Value = serde_json::from_str(&config()).unwrap();
        let mut lab = lab(&config, vms);
        // Some collectors are silent, some are away, some are well.
        match random.below(3) {
            0 => {}
            1 => drop(Collector::of(&mut lab)),
            _ => Collector::default().answers(&mut lab, Err(14)),
        }
        let roots = lab.vms().map(|vm| vec![Root::from(vm)]).collect();
        let mut process = Process {
            lab,
            server: Server {
                newest: 1,
                stream: 0,
                heard: 0,
            },
            roots,
            used: vec![0; vms],
        };
        for step in 0..120 {
            process.step(&mut random);
            for at in 0..vms {
                process.probe(at, seed, step);
            }
        }
        for at in 0..vms {
            process.restart_if_dead(at);
        }
        process.server.newest += 1;
        for tick in 0..300 {
            process.lab.advance(TICK);
            if tick % 10 == 0 {
                process.server.push(&mut process.lab, false);
            }
            process.server.serve(&mut process.lab, false);
            for at in 0..vms {
                process.probe(at, seed, usize::MAX);
            }
        }
        assert_eq!(process.used, vec![process.server.newest; vms], "seed {seed}");
        assert_no_trap(&process.lab);
    }
}

impl Process {
    fn restart_if_dead(&mut self, at: usize) {
        let vm = VmId::from_number(at);
        if !self.lab.is_live(vm) {
            self.restart(vm, at);
        }
    }
}
