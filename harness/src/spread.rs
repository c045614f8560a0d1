//! Shares out work on very many pieces among all processors.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::num::NonZero;
use std::thread;

/// From how many on: below, starting threads takes longer.
const APART: usize = 4_096;

/// Makes something of each, in order; of very many on all processors.
///
/// # Errors
/// The first that `make` says.
pub fn try_each<T: Send, U: Send, E: Send>(all: Vec<T>, make: impl Fn(T) -> Result<U, E> + Sync) -> Result<Vec<U>, E> {
    let make_all = |part: Vec<T>| part.into_iter().map(&make).collect::<Result<Vec<U>, E>>();
    let made: Result<Vec<Vec<U>>, E> = parts(all, make_all).into_iter().collect();
    Ok(joined(made?))
}

/// All parts in one. Where there is but one nothing is moved, of two only the second.
fn joined<T>(parts: Vec<Vec<T>>) -> Vec<T> {
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_default();
    all.reserve_exact(parts.as_slice().iter().map(Vec::len).sum());
    all.extend(parts.flatten());
    all
}

/// Makes something of all of them; of very many a thing of each part, in order, on all processors.
fn parts<T: Send, U: Send>(all: Vec<T>, make: impl Fn(Vec<T>) -> U + Sync) -> Vec<U> {
    let processors = processors();
    if all.len() < APART || processors == 1 {
        return vec![make(all)];
    }
    let share = all.len().div_ceil(processors);
    let mut rest = all.into_iter();
    let parts = (0..processors).map(|_| rest.by_ref().take(share).collect());
    at_once(parts.collect(), make)
}

/// Parts for as many processors, of very many: those of one key are in one part, in the order in which they came.
pub fn by_key<T, K: Hash>(all: Vec<T>, key: impl Fn(&T) -> K) -> Vec<Vec<T>> {
    let processors = processors();
    if all.len() < APART || processors == 1 {
        return vec![all];
    }
    let share = all.len() / processors;
    let mut parts: Vec<Vec<T>> = (0..processors).map(|_| Vec::with_capacity(share)).collect();
    let hasher = BuildHasherDefault::<DefaultHasher>::new();
    for one in all {
        let hash = hasher.hash_one(key(&one));
        let place = usize::try_from(hash % parts.len() as u64).unwrap_or(0);
        parts[place].push(one);
    }
    parts
}

/// Makes something of each part, in order, all at the same time.
pub fn at_once<P: Send, U: Send>(parts: Vec<P>, make: impl Fn(P) -> U + Sync) -> Vec<U> {
    if parts.len() < 2 {
        return parts.into_iter().map(make).collect();
    }
    let make = &make;
    thread::scope(|scope| {
        let parts = parts.into_iter();
        let workers: Vec<_> = parts.map(|part| scope.spawn(move || make(part))).collect();
        let made = workers.into_iter().map(|worker| match worker.join() {
            Ok(made) => made,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        made.collect()
    })
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_out_and_the_order_stays() {
        for number in [0, 1, APART - 1, APART, APART + 1, 3 * APART + 1] {
            let made = try_each((0..number).collect(), |one| Ok::<usize, usize>(one + 1));
            assert!(made.unwrap().into_iter().eq(1..=number), "{number}");
            let last = number.saturating_sub(1);
            let none = try_each(
                (0..number).collect(),
                |one| if one == last { Err(one) } else { Ok(one) },
            );
            assert_eq!(none.is_err(), number > 0, "{number}");
        }
    }

    #[test]
    fn what_belongs_together_is_in_one_part() {
        for number in [0, 1, APART, 3 * APART + 1] {
            let parts = by_key((0..number).collect(), |one| one % 100);
            let parts = at_once(parts, |part: Vec<usize>| part);
            assert!(parts.iter().all(|part| part.is_sorted()), "{number}");
            for key in 0..100 {
                let having = parts.iter().filter(|part| part.iter().any(|one| one % 100 == key));
                assert!(having.count() <= 1, "{key} of {number}");
            }
            let mut all = joined(parts);
            all.sort_unstable();
            assert!(all.into_iter().eq(0..number), "{number}");
        }
    }
}
