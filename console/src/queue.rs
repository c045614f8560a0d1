//! The pending queue as a page keeps it: in an order that does not jump, told from what the collector answers.

mod domains;
mod reason;

pub use domains::{patterns, taken};
pub use reason::reason;

use std::collections::{HashMap, HashSet};

use crate::model::Pending;

/// Rows that keep their places. New ones come on top, or are held back while somebody is at the list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Queue {
    rows: HashMap<String, Pending>,
    order: Vec<String>,
    held: Vec<String>,
    new: HashSet<String>,
}

impl Queue {
    /// The ids, in their order.
    #[must_use]
    pub fn order(&self) -> &[String] {
        &self.order
    }

    /// A row.
    #[must_use]
    pub fn row(&self, id: &str) -> Option<&Pending> {
        self.rows.get(id)
    }

    /// All rows that are shown, in their order.
    pub fn shown(&self) -> impl Iterator<Item = &Pending> {
        self.order.iter().filter_map(|id| self.rows.get(id))
    }

    /// Whether a row came after the page was opened.
    #[must_use]
    pub fn is_new(&self, id: &str) -> bool {
        self.new.contains(id)
    }

    /// How many rows are held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// How many rows there are, held back or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Goes on with what comes next of a list that is read for the first time, whose order is the collector's.
    pub fn extend(&mut self, rows: Vec<Pending>) {
        for row in rows {
            if !self.rows.contains_key(&row.id) {
                self.order.push(row.id.clone());
            }
            self.rows.insert(row.id.clone(), row);
        }
    }

    /// Takes a part of the list, the newest activity first. Answers whether all of it was known as it is, so that
    /// nothing behind it can have changed.
    pub fn hear(&mut self, rows: Vec<Pending>, hold: bool) -> bool {
        let (mut fresh, mut known) = (Vec::new(), true);
        for row in rows {
            match self.rows.get(&row.id) {
                Some(before) if *before == row => continue,
                Some(_) => {}
                None => fresh.push(row.id.clone()),
            }
            known = false;
            self.rows.insert(row.id.clone(), row);
        }
        self.new.extend(fresh.iter().cloned());
        let place = if hold { &mut self.held } else { &mut self.order };
        place.splice(0..0, fresh);
        known
    }

    /// Takes the whole list: what is not in it goes.
    pub fn take(&mut self, rows: Vec<Pending>, hold: bool) {
        let left: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        self.rows.retain(|id, _| left.contains(id.as_str()));
        self.new.retain(|id| left.contains(id.as_str()));
        self.order.retain(|id| left.contains(id.as_str()));
        self.held.retain(|id| left.contains(id.as_str()));
        self.hear(rows, hold);
    }

    /// Shows what was held back, on top.
    pub fn release(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.order.splice(0..0, held);
    }

    /// Says what was decided about a row, which stays for the moment.
    pub fn decided(&mut self, id: &str, state: &str) {
        if let Some(row) = self.rows.get_mut(id) {
            state.clone_into(&mut row.state);
        }
    }

    /// The row after this one, or before it if it is the last.
    #[must_use]
    pub fn beside(&self, id: &str) -> Option<&str> {
        let place = self.order.iter().position(|other| other == id)?;
        let next = self.order.get(place + 1);
        next.or_else(|| self.order.get(place.checked_sub(1)?))
            .map(String::as_str)
    }

    /// Takes a row away.
    pub fn remove(&mut self, id: &str) {
        if self.rows.remove(id).is_some() {
            self.order.retain(|other| other != id);
            self.held.retain(|other| other != id);
            self.new.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn row(id: &str, attempts: u64) -> Pending {
        Pending {
            id: id.to_owned(),
            attempts,
            ..Pending::default()
        }
    }

    fn queue() -> Queue {
        let mut queue = Queue::default();
        queue.extend(vec![row("b", 1), row("a", 1)]);
        queue
    }

    #[test]
    fn rows_keep_their_places_and_new_ones_come_on_top() {
        let mut queue = queue();
        assert!(!queue.hear(vec![row("c", 1), row("a", 2)], false));
        assert_eq!(queue.order(), ["c", "b", "a"]);
        assert_eq!(queue.row("a").map(|row| row.attempts), Some(2));
        assert!(queue.is_new("c") && !queue.is_new("a"));
        assert!(queue.hear(vec![row("c", 1), row("a", 2)], false));
        assert!(!queue.hear(vec![row("e", 1), row("d", 1)], false));
        assert_eq!(queue.order(), ["e", "d", "c", "b", "a"]);
    }

    #[test]
    fn new_ones_are_held_while_somebody_is_at_the_list() {
        let mut queue = queue();
        queue.hear(vec![row("c", 1)], true);
        queue.hear(vec![row("d", 1), row("c", 5)], true);
        assert_eq!((queue.order().len(), queue.held(), queue.len()), (2, 2, 4));
        queue.release();
        assert_eq!(queue.order(), ["d", "c", "b", "a"]);
        assert_eq!(queue.held(), 0);
    }

    #[test]
    fn what_others_decided_goes() {
        let mut queue = queue();
        queue.hear(vec![row("c", 1)], true);
        queue.take(vec![row("e", 1), row("a", 3)], false);
        assert_eq!(queue.order(), ["e", "a"]);
        assert_eq!((queue.held(), queue.len()), (0, 2));
        assert_eq!((queue.beside("e"), queue.beside("a")), (Some("a"), Some("e")));
        queue.decided("e", "approved");
        assert_eq!(queue.row("e").map(|row| row.state.as_str()), Some("approved"));
        queue.remove("e");
        queue.remove("never there");
        assert_eq!(queue.beside("a"), None);
        assert_eq!(queue.order(), ["a"]);
        assert!(!queue.is_new("e"));
    }
}
