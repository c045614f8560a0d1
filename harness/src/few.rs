//! Sets of a few small things, of which there may be very many sets.

use std::slice;

use smallvec::SmallVec;

/// Distinct values in order. Up to `N` of them take no room elsewhere: a tree takes room
/// for eleven each time, and of a hundred thousand destinations nearly all have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Few<T, const N: usize>(SmallVec<[T; N]>);

impl<T: Ord + Copy, const N: usize> Few<T, N> {
    /// Takes one in.
    pub fn insert(&mut self, one: T) {
        if let Err(at) = self.0.binary_search(&one) {
            self.0.insert(at, one);
        }
    }

    /// Whether it is there.
    #[must_use]
    pub fn contains(&self, one: T) -> bool {
        self.0.binary_search(&one).is_ok()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them, the smallest first.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.0.iter().copied()
    }
}

impl<T, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

impl<T: Ord + Copy, const N: usize> Extend<T> for Few<T, N> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, more: I) {
        more.into_iter().for_each(|one| self.insert(one));
    }
}

impl<T: Ord + Copy, const N: usize> FromIterator<T> for Few<T, N> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        let mut few = Self::default();
        few.extend(all);
        few
    }
}

impl<'f, T: Copy, const N: usize> IntoIterator for &'f Few<T, N> {
    type Item = T;
    type IntoIter = std::iter::Copied<slice::Iter<'f, T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_holds_what_a_tree_holds() {
        let numbers = [5, 1, 5, 9, 2, 2, 7, 1, 0];
        let few: Few<i32, 2> = numbers.into_iter().collect();
        let tree = BTreeSet::from(numbers);
        assert!(few.iter().eq(tree.iter().copied()));
        assert!((&few).into_iter().eq(few.iter()));
        assert_eq!((few.len(), few.is_empty()), (tree.len(), false));
        for number in 0..10 {
            assert_eq!(few.contains(number), tree.contains(&number), "{number}");
        }
        assert_eq!(few, numbers.into_iter().rev().collect());
        assert!(Few::<i32, 2>::default().is_empty());
    }
}
