//! Marks, epochs, and places that turn out to be others.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, Seq};

use super::*;
use crate::Relocated;

const T: Partition = Partition(3);
const FIRST: StoredPosition = StoredPosition { epoch: Epoch(1), seq: Seq::ZERO, timestamp: UnixMillis(7) };

fn at(epoch: u64, ms: u64) -> LogPosition {
    LogPosition { epoch: Epoch(epoch), ms, n: 0 }
}

/// A fresh place, answered by a server in the place's epoch.
fn fresh(position: LogPosition) -> Appended {
    Appended {
        id: MessageId::generate(),
        epoch: position.epoch,
        seq: Seq::new(position.ms),
        timestamp: UnixMillis(0),
        position,
        repeated: false,
        answered: position.epoch,
        stored: false,
    }
}

fn upto(position: LogPosition) -> Mark {
    Mark { upto: position, moves: 0, moved: Vec::new() }
}

fn stored<T>(items: impl IntoIterator<Item = T>) -> Completed<T> {
    Completed { stored: items.into_iter().map(|item| (item, None)).collect(), uncertain: Vec::new() }
}

fn uncertain<T>(items: impl IntoIterator<Item = T>) -> Completed<T> {
    Completed { stored: Vec::new(), uncertain: items.into_iter().collect() }
}

#[test]
fn items_are_released_in_order_up_to_the_mark() {
    let mut acks = PendingAcks::default();
    for ms in [3, 1, 2] {
        assert_eq!(acks.wait(T, &fresh(at(1, ms)), ms), Ok(stored([])));
    }
    assert_eq!(acks.advance(T, &upto(at(1, 2))), stored([1, 2]));
    assert_eq!((acks.len(), acks.waiting()), (1, vec![T]));
    assert_eq!(acks.advance(Partition(4), &upto(at(1, 9))), stored([]));
}

#[test]
fn what_is_stored_already_does_not_wait() {
    let mut acks = PendingAcks::default();
    acks.advance(T, &upto(at(1, 5)));
    assert_eq!(acks.wait(T, &fresh(at(1, 5)), "a"), Ok(stored(["a"])));
    assert_eq!(acks.wait(T, &fresh(at(1, 6)), "b"), Ok(stored([])));
    acks.advance(T, &upto(at(1, 4)));
    assert_eq!(acks.wait(T, &fresh(at(1, 5)), "c"), Ok(stored(["c"])), "an older mark changes nothing");
    let known = Appended { stored: true, repeated: true, ..fresh(at(1, 9)) };
    assert_eq!(acks.wait(T, &known, "d"), Ok(stored(["d"])), "the server knew");
}

#[test]
fn a_new_epoch_takes_back_what_waited_in_the_old_one() {
    let mut acks = PendingAcks::default();
    assert_eq!(acks.wait(T, &fresh(at(1, 9)), "old"), Ok(stored([])));
    assert_eq!(acks.wait(T, &fresh(at(2, 1)), "new"), Ok(uncertain(["old"])));
    assert_eq!(acks.advance(T, &upto(at(1, 9))), stored([]), "a mark of an epoch that is over");
    assert_eq!(acks.advance(T, &upto(at(2, 5))), stored(["new"]));
    assert!(acks.is_empty());
}

/// A server was stopped for ten seconds, replaced, and went on: it numbered what lay in its buffers, and the node took
/// the place of the old epoch for one that had survived. Also REST sends took any place of an old epoch for stored.
#[test]
fn a_server_that_was_replaced_is_never_believed() {
    let mut acks = PendingAcks::default();
    acks.advance(T, &upto(at(2, 1)));
    assert_eq!(acks.wait(T, &fresh(at(1, 1)), "appended there"), Err(StaleAnswer));
    let repeat = Appended { repeated: true, stored: true, ..fresh(at(1, 1)) };
    assert_eq!(acks.wait(T, &repeat, "repeated there"), Err(StaleAnswer));
    assert!(acks.is_empty());
}

/// Redis was killed and came back with its data. A message accepted before was sent again after, and the bus answered
/// with its first place, in the epoch before: no mark of the new epoch released it, and its sender waited for ever.
#[test]
fn a_place_that_survived_its_epoch_is_stored() {
    let mut acks = PendingAcks::default();
    let repeat = Appended { repeated: true, stored: true, answered: Epoch(2), ..fresh(at(1, 5)) };
    assert_eq!(acks.wait(T, &repeat, "a"), Ok(stored(["a"])));
    assert_eq!(acks.wait(T, &fresh(at(1, 6)), "b"), Err(StaleAnswer), "and the epoch is known from it");
}

/// Redis was wiped after a message was stored and before its ack. Its repeat got a number that history never held, and
/// the ack told that one.
#[test]
fn what_was_stored_before_is_told_with_its_first_place() {
    let mut acks = PendingAcks::default();
    for ms in [1, 2] {
        assert_eq!(acks.wait(T, &fresh(at(2, ms)), ms), Ok(stored([])));
    }
    let mark = Mark { upto: at(2, 2), moves: 1, moved: vec![Relocated { position: at(2, 2), first: FIRST }] };
    let told = Completed { stored: vec![(1, None), (2, Some(FIRST))], uncertain: Vec::new() };
    assert_eq!(acks.advance(T, &mark), told);
    assert_eq!(acks.wait(T, &fresh(at(2, 2)), 2), Err(StaleAnswer), "the mark was faster than the answer");
    assert_eq!(acks.advance(T, &Mark { upto: at(2, 3), moves: 1, moved: Vec::new() }), stored([]));
}

#[test]
fn a_lost_word_of_another_place_makes_everybody_ask_again() {
    let mut acks = PendingAcks::default();
    assert_eq!(acks.wait(T, &fresh(at(2, 4)), "a"), Ok(stored([])));
    assert_eq!(acks.advance(T, &Mark { upto: at(2, 5), moves: 1, moved: Vec::new() }), uncertain(["a"]));
    let repeat = Appended { repeated: true, stored: true, ..fresh(at(2, 4)) };
    assert_eq!(acks.wait(T, &repeat, "a"), Ok(stored(["a"])), "the server knows");
    assert_eq!(acks.wait(T, &fresh(at(2, 6)), "b"), Ok(stored([])));
    assert_eq!(acks.advance(T, &Mark { upto: at(2, 6), moves: 1, moved: Vec::new() }), stored(["b"]));
}
