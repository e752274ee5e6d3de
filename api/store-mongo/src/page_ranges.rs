//! The ranges in which a page of a history is looked for, nearest first.
//!
//! Places are ordered by epoch, then by number, so "beyond a place" is the rest of its epoch and then all epochs further
//! on, one after the other. Each part is one range of an index, and no longer than it has to be: a server may read and
//! sort all of a range before it takes the first of it. Numbers nearly follow each other, also from one epoch to the
//! next, so a page is nearly always found in what is near. That is where to look first and not what to rely on: together
//! the ranges are all there is, in order. What is stored never changes, so they need no snapshot. Upper ends are never part
//! of a range: not every server finds what lies at the end of a range of an index that has more fields. And an epoch is
//! named, not bounded, wherever that is possible: below a bounded field a server may read all that there is. Numbers of
//! epochs do not follow each other, so the partition's document remembers the last ones.

use mongodb::bson::{Document, Uuid, doc};
use rookery_protocol::position::Position;
use rookery_store::message::{Kinds, Window};
use rookery_store::{PageQuestion, integer};

use super::documents::{EpochDocument, NOT_KNOWN};
use crate::limits::EPOCHS_KEPT;

/// Epochs that are looked through one by one; what is beyond them is one range.
const EPOCHS_MAX: usize = 8;
/// The second range is so many times as long as the first.
const WIDER: i64 = 8;

/// The epochs that a partition has had, as far as they are known one by one.
pub(super) struct Given {
    /// Each of them, oldest first.
    known: Vec<i64>,
    /// All numbers up to here, which are older.
    dense: i64,
    /// Whether there may have been others between these and those.
    is_forgetful: bool,
}

impl From<Option<EpochDocument>> for Given {
    fn from(document: Option<EpochDocument>) -> Self {
        // Where nobody has counted, nothing is known.
        let (known, dense) = document.as_ref().map_or((&[][..], NOT_KNOWN), EpochDocument::known);
        let is_forgetful = known.len() >= EPOCHS_KEPT || dense == NOT_KNOWN;
        Self { known: known.to_vec(), dense, is_forgetful }
    }
}

impl Given {
    /// Those up to `epoch`, newest first, at most [`EPOCHS_MAX`]; and the one below which all others lie, if there may be
    /// any.
    fn upto(&self, epoch: i64) -> (Vec<i64>, Option<i64>) {
        let known = self.known.iter().rev().copied().filter(|known| *known <= epoch);
        // What was forgotten lies between these and those.
        let dense = if self.is_forgetful { 0 } else { self.dense.min(epoch) };
        let mut epochs = known.chain((1..=dense).rev());
        let each: Vec<i64> = epochs.by_ref().take(EPOCHS_MAX).collect();
        let oldest = each.last().copied().unwrap_or_else(|| epoch.saturating_add(1));
        let is_more = (self.is_forgetful || epochs.next().is_some()) && oldest > 1;
        (each, is_more.then_some(oldest))
    }

    /// Those after `epoch`, oldest first, at most [`EPOCHS_MAX`]; and the one above which all others lie, if there are.
    fn after(&self, epoch: i64) -> (Vec<i64>, Option<i64>) {
        let is_between = self.is_forgetful && epoch < self.first();
        if is_between {
            return (Vec::new(), Some(epoch));
        }
        let dense = (epoch.max(0)..=self.dense).skip_while(|known| *known <= epoch);
        let known = self.known.iter().copied().filter(|known| *known > epoch);
        let each: Vec<i64> = dense.chain(known).take(EPOCHS_MAX).collect();
        let last = self.known.last().copied().unwrap_or(self.dense);
        let newest = each.last().copied().unwrap_or(epoch);
        (each, (newest < last).then_some(newest))
    }

    fn first(&self) -> i64 {
        self.known.first().copied().unwrap_or(i64::MAX)
    }
}

/// The way from a place through a room's history.
pub(super) struct Walk {
    /// What all ranges have in common.
    base: Document,
    limit: i64,
    way: Way,
}

enum Way {
    Back(Position),
    On(Position),
    /// Back from the newest, whose number was this one not long ago.
    Latest(Option<i64>),
}

impl Walk {
    /// The way to a page of a room. `top` is the newest number as far as it is known.
    pub(super) fn new(room: Uuid, question: PageQuestion, top: Option<i64>) -> Self {
        let PageQuestion { window, kinds, limit } = question;
        let base = match kinds {
            Kinds::All => doc! { "room_id": room },
            // Events that change no message have no such field.
            Kinds::WithoutChanges => doc! { "room_id": room, "is_act": null },
        };
        let limit = integer::limit(limit);
        let way = match window {
            Window::Latest => Way::Latest(top),
            Window::Before(place) => Way::Back(place),
            Window::After(place) => Way::On(place),
        };
        Self { base, limit, way }
    }

    /// Whether newer events come first.
    pub(super) const fn is_backwards(&self) -> bool {
        !matches!(self.way, Way::On(_))
    }

    /// The rest of the epoch it begins in.
    pub(super) fn near(&self) -> Vec<Document> {
        let (epoch, seq) = match self.way {
            Way::Latest(Some(_)) => return Vec::new(),
            Way::Latest(None) => return vec![self.base.clone()],
            Way::Back(Position { epoch, seq }) | Way::On(Position { epoch, seq }) => {
                (integer::bound(epoch.0), integer::bound(seq.get()))
            }
        };
        let bound = if self.is_backwards() {
            doc! { "$lt": seq }
        } else {
            doc! { "$gt": seq }
        };
        self.epoch(epoch, seq, &bound)
    }

    /// The epochs beyond that, as far as they were given when this way began. What comes into a newer one meanwhile is for
    /// the next page.
    pub(super) fn further(&self, given: &Given) -> Vec<Document> {
        match &self.way {
            Way::Latest(None) => Vec::new(),
            Way::Latest(Some(top)) => self.older(given, i64::MAX - 1, *top),
            Way::Back(place) => {
                self.older(given, integer::bound(place.epoch.0).saturating_sub(1), integer::bound(place.seq.get()))
            }
            Way::On(place) => {
                let (epochs, above) = given.after(integer::bound(place.epoch.0));
                let seq = integer::bound(place.seq.get());
                let each = epochs.into_iter().flat_map(|epoch| self.epoch(epoch, seq, &Document::new()));
                let rest = above.map(|last| self.with(doc! { "epoch": { "$gt": last } }));
                each.chain(rest).collect()
            }
        }
    }

    fn with(&self, part: Document) -> Document {
        self.base.clone().into_iter().chain(part).collect()
    }

    /// This epoch and those before it, whose newest number is about `seq`.
    fn older(&self, given: &Given, epoch: i64, seq: i64) -> Vec<Document> {
        let (epochs, below) = given.upto(epoch);
        let each = epochs.into_iter().flat_map(|epoch| self.epoch(epoch, seq, &Document::new()));
        let rest = below.map(|first| self.with(doc! { "epoch": { "$lt": first } }));
        each.chain(rest).collect()
    }

    /// All of an epoch that `bound` leaves of its numbers: near `seq`, less near, and the rest.
    fn epoch(&self, epoch: i64, seq: i64, bound: &Document) -> Vec<Document> {
        let (near, wide) = (self.limit, self.limit.saturating_mul(WIDER));
        let (inner, outer, at) = if self.is_backwards() {
            ("$gte", "$lt", [near, wide].map(|width| seq.saturating_sub(width)))
        } else {
            ("$lt", "$gte", [near, wide].map(|width| seq.saturating_add(width).saturating_add(1)))
        };
        let mut first = bound.clone();
        first.insert(inner, at[0]);
        let parts = [first, doc! { outer: at[0], inner: at[1] }, doc! { outer: at[1] }];
        // Nothing has a number below one.
        let parts = parts.into_iter().filter(|part| part.get_i64("$lt").unwrap_or(i64::MAX) > 1);
        parts.map(|seq| self.with(doc! { "epoch": epoch, "seq": seq })).collect()
    }
}

#[cfg(test)]
mod tests {
    use rookery_protocol::id::{Epoch, Seq};

    use super::*;

    fn walk(window: Window, top: Option<i64>) -> Walk {
        Walk::new(Uuid::from_bytes([7; 16]), PageQuestion { window, kinds: Kinds::All, limit: 10 }, top)
    }

    fn at(epoch: u64, seq: u64) -> Position {
        Position { epoch: Epoch(epoch), seq: Seq::new(seq) }
    }

    fn given(known: &[i64], dense: i64) -> Given {
        Given { known: known.to_vec(), dense, is_forgetful: known.len() >= EPOCHS_KEPT }
    }

    fn epochs(parts: &[Document]) -> Vec<i64> {
        let mut epochs: Vec<i64> = parts.iter().filter_map(|part| part.get_i64("epoch").ok()).collect();
        epochs.dedup();
        epochs
    }

    fn rest(parts: &[Document]) -> Option<Document> {
        parts.last().and_then(|part| part.get_document("epoch").ok().cloned())
    }

    #[test]
    fn a_page_is_looked_for_near_its_place_first() {
        let walk = walk(Window::After(at(2, 100)), None);
        let near: Vec<Document> = walk.near().iter().map(|part| part.get_document("seq").unwrap().clone()).collect();
        let wanted = [doc! { "$gt": 100_i64, "$lt": 111_i64 }, doc! { "$gte": 111_i64, "$lt": 181_i64 }];
        assert_eq!((&near[..2], near.len()), (&wanted[..], 3));
        assert!(walk.further(&given(&[], 2)).is_empty(), "nobody has been given a newer epoch");
    }

    #[test]
    fn epochs_are_looked_through_one_by_one_as_far_as_they_are_known() {
        let of = given(&[70, 500], 3);
        let back = walk(Window::Latest, Some(100)).further(&of);
        assert_eq!((epochs(&back), rest(&back)), (vec![500, 70, 3, 2, 1], None));
        let back = walk(Window::Before(at(70, 1)), None).further(&of);
        assert_eq!((epochs(&back), rest(&back)), (vec![3, 2, 1], None));
        let on = walk(Window::After(at(2, 1)), None).further(&of);
        assert_eq!((epochs(&on), rest(&on)), (vec![3, 70, 500], None));
        assert!(walk(Window::After(at(500, 1)), None).further(&of).is_empty());
    }

    #[test]
    fn what_is_not_known_one_by_one_is_one_range() {
        let many: Vec<i64> = (0..32).map(|n| 1_000 + n * 10).collect();
        let of = given(&many, 3);
        let back = walk(Window::Latest, Some(100)).further(&of);
        assert_eq!((epochs(&back).len(), rest(&back)), (8, Some(doc! { "$lt": 1_240_i64 })));
        let back = walk(Window::Before(at(900, 5)), None).further(&of);
        assert_eq!((epochs(&back), rest(&back)), (vec![], Some(doc! { "$lt": 900_i64 })));
        let on = walk(Window::After(at(2, 100)), None).further(&of);
        assert_eq!((epochs(&on), rest(&on)), (vec![], Some(doc! { "$gt": 2_i64 })));
        let on = walk(Window::After(at(1_000, 100)), None).further(&of);
        assert_eq!((epochs(&on).len(), rest(&on)), (8, Some(doc! { "$gt": 1_080_i64 })));
        assert!(walk(Window::Before(at(1, 5)), None).further(&given(&[], 9)).is_empty());
    }

    #[test]
    fn where_nobody_has_counted_epochs_all_are_looked_through() {
        let of = Given::from(None);
        assert_eq!(walk(Window::Latest, Some(100)).further(&of).len(), 1);
        assert_eq!(rest(&walk(Window::After(at(2, 100)), None).further(&of)), Some(doc! { "$gt": 2_i64 }));
    }

    #[test]
    fn the_ends_of_all_numbers_are_places_too() {
        assert_eq!(walk(Window::Before(at(1, 5)), None).near().len(), 1);
        assert!(walk(Window::After(at(u64::MAX, u64::MAX)), None).further(&given(&[5], 3)).is_empty());
        assert_eq!(walk(Window::Latest, None).near().len(), 1);
    }
}
