//! Shares out work on very many pieces among all processors.

use std::num::NonZero;
use std::thread;

/// From how many on: below, starting threads takes longer.
const APART: usize = 4_096;

/// Makes something of each, in order; of very many on all processors.
pub fn each<T: Send, U: Send>(all: Vec<T>, make: impl Fn(T) -> U + Sync) -> Vec<U> {
    let make_all = |part: Vec<T>| part.into_iter().map(&make).collect::<Vec<U>>();
    parts(all, make_all).into_iter().flatten().collect()
}

/// Makes something of all of them; of very many a thing of each part, in order, on all processors.
pub fn parts<T: Send, U: Send>(all: Vec<T>, make: impl Fn(Vec<T>) -> U + Sync) -> Vec<U> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    if all.len() < APART || processors == 1 {
        return vec![make(all)];
    }
    let share = all.len().div_ceil(processors);
    let (mut rest, make) = (all.into_iter(), &make);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..processors)
            .map(|_| {
                let part: Vec<T> = rest.by_ref().take(share).collect();
                scope.spawn(move || make(part))
            })
            .collect();
        let made = workers.into_iter().map(|worker| match worker.join() {
            Ok(made) => made,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        made.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_out_and_the_order_stays() {
        for number in [0, 1, APART - 1, APART, APART + 1, 3 * APART + 1] {
            let made = each((0..number).collect(), |one| one + 1);
            assert!(made.into_iter().eq(1..=number), "{number}");
        }
    }
}
