//! Whose password is hashed next: of all addresses that wait, the one that owes the least for passwords of late; among
//! equals one after the other. Pure.
//!
//! # Promise
//! Whoever tries passwords, or registers, without end waits behind everybody who does not, however many addresses it
//! comes from; an address has only so many waiting.

use std::collections::{HashMap, VecDeque};

use rookery_protocol::clock::UnixMillis;

use crate::limits::{PASSWORD_ADDRESSES_MAX, PASSWORD_COST, PASSWORD_DEBT_MAX, PASSWORDS_WAITING_MAX};

/// Who hashes next. A `T` is who waits.
#[derive(Debug)]
pub(super) struct Turns<T> {
    free: usize,
    per_address: usize,
    waiting: usize,
    served: u64,
    addresses: HashMap<u128, Address<T>>,
}

#[derive(Debug)]
struct Address<T> {
    waiting: VecDeque<T>,
    /// When everything is paid.
    paid: UnixMillis,
    /// When it had its last turn, by the number of turns.
    last: u64,
}

/// Outcome of a request for a turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission<T> {
    /// The turn is granted at once.
    Now(T),
    /// The request is queued.
    Queued,
    /// The queue is full.
    Refused,
}

impl<T> Turns<T> {
    /// For so many at a time, and so many of one address that wait.
    pub(super) fn new(free: usize, per_address: usize) -> Self {
        Self { free, per_address, waiting: 0, served: 0, addresses: HashMap::new() }
    }

    /// Requests a turn for an address. `is_gone` tells which waiting requests were given up.
    pub(super) fn request(&mut self, address: u128, who: T, is_gone: impl Fn(&T) -> bool) -> Admission<T> {
        if self.free > 0 {
            self.free -= 1;
            return Admission::Now(who);
        }
        let entry = self.addresses.entry(address).or_default();
        let before = entry.waiting.len();
        entry.waiting.retain(|other| !is_gone(other));
        self.waiting -= before - entry.waiting.len();
        if entry.waiting.len() >= self.per_address || self.waiting >= PASSWORDS_WAITING_MAX {
            return Admission::Refused;
        }
        entry.waiting.push_back(who);
        self.waiting += 1;
        Admission::Queued
    }

    /// A turn is over: whose is next. Nobody's is free.
    pub(super) fn next(&mut self, now: UnixMillis) -> Option<T> {
        let waiting = self.addresses.iter_mut().filter(|(_, entry)| !entry.waiting.is_empty());
        let Some((_, entry)) = waiting.min_by_key(|(_, entry)| (entry.paid.max(now), entry.last)) else {
            self.free += 1;
            return None;
        };
        self.served += 1;
        self.waiting -= 1;
        entry.last = self.served;
        entry.waiting.pop_front()
    }

    /// Somebody at an address has had a password hashed.
    pub(super) fn charge(&mut self, address: u128, now: UnixMillis) {
        if self.addresses.len() >= PASSWORD_ADDRESSES_MAX {
            self.addresses.retain(|_, entry| !entry.waiting.is_empty() || entry.paid > now);
        }
        if self.addresses.len() >= PASSWORD_ADDRESSES_MAX && !self.addresses.contains_key(&address) {
            return;
        }
        let entry = self.addresses.entry(address).or_default();
        entry.paid = entry.paid.max(now).plus(PASSWORD_COST).min(now.plus(PASSWORD_DEBT_MAX));
    }

    /// It was the right one, which costs nothing.
    pub(super) fn refund(&mut self, address: u128) {
        if let Some(entry) = self.addresses.get_mut(&address) {
            entry.paid = entry.paid.minus(PASSWORD_COST);
        }
    }

    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.free
    }
}

impl<T> Default for Address<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), paid: UnixMillis::default(), last: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    /// All that wait, in the order of their turns.
    fn order(turns: &mut Turns<u32>) -> Vec<u32> {
        std::iter::from_fn(|| turns.next(NOW)).collect()
    }

    fn request(turns: &mut Turns<u32>, address: u128, who: u32) -> Admission<u32> {
        turns.request(address, who, |_| false)
    }

    #[test]
    fn addresses_take_turns() {
        let mut turns = Turns::new(0, 3);
        for (address, who) in [(1, 10), (1, 11), (1, 12), (2, 20), (2, 21), (3, 30)] {
            assert_eq!(request(&mut turns, address, who), Admission::Queued);
        }
        assert_eq!(request(&mut turns, 1, 13), Admission::Refused, "an address has only so many waiting");
        let first: Vec<u32> = order(&mut turns).into_iter().take(3).map(|who| who / 10).collect();
        let mut each = first.clone();
        each.sort_unstable();
        assert_eq!(each, [1, 2, 3], "{first:?}");
    }

    #[test]
    fn who_owes_nothing_goes_before_a_crowd_that_does() {
        let mut turns = Turns::new(0, 8);
        for address in 0..50 {
            turns.charge(address, NOW);
            assert_eq!(request(&mut turns, address, 1), Admission::Queued);
        }
        assert_eq!(request(&mut turns, 99, 2), Admission::Queued);
        assert_eq!(turns.next(NOW), Some(2));
        turns.charge(99, NOW);
        turns.refund(99);
        assert_eq!(request(&mut turns, 99, 2), Admission::Queued);
        assert_eq!(turns.next(NOW), Some(2), "the right password costs nothing");
        turns.charge(99, NOW);
        turns.charge(99, NOW);
        assert_eq!(request(&mut turns, 99, 2), Admission::Queued);
        assert_eq!(order(&mut turns).last(), Some(&2), "wrong ones do");
    }

    #[test]
    fn a_free_turn_is_taken_and_given_back() {
        let mut turns = Turns::new(1, 1);
        assert_eq!(request(&mut turns, 1, 1), Admission::Now(1));
        assert_eq!(request(&mut turns, 1, 2), Admission::Queued);
        assert_eq!(turns.request(1, 3, |who| *who == 2), Admission::Queued, "who gave up takes no place");
        assert_eq!((turns.next(NOW), turns.next(NOW)), (Some(3), None));
        assert_eq!(turns.free(), 1);
    }

    #[test]
    fn debts_end_and_are_bounded() {
        let mut turns = Turns::<u32>::new(0, 1);
        for _ in 0..1_000 {
            turns.charge(1, NOW);
        }
        assert_eq!(turns.addresses[&1].paid, NOW.plus(PASSWORD_DEBT_MAX));
        for address in 0..2 * PASSWORD_ADDRESSES_MAX as u128 {
            turns.charge(address, NOW);
        }
        assert!(turns.addresses.len() <= PASSWORD_ADDRESSES_MAX);
    }
}
