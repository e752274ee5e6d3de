//! The ranges in which a page of a history is looked for, nearest first.
//!
//! Places are ordered by epoch, then by number, so "beyond a place" is the rest of its epoch and then all epochs further
//! on, one after the other. Each part is one range of an index, and no longer than it has to be: a server may read and
//! sort all of a range before it takes the first of it. Numbers nearly follow each other, also from one epoch to the
//! next, so a page is nearly always found in what is near. That is where to look first and not what to rely on: together
//! the ranges are all there is, in order. What is stored never changes, so they need no snapshot. Upper ends are never part
//! of a range: not every server finds what lies at the end of a range of an index that has more fields. And an epoch is
//! named, not bounded, wherever that is possible: below a bounded field a server may read all that there is.

use mongodb::bson::{Document, Uuid, doc};

use crate::domain::message::{Kinds, Place, Window};
use crate::store::{PageQuestion, integer};

/// Epochs that are looked through one by one; what is beyond them is one range.
const EPOCHS_MAX: i64 = 8;
/// The second range is so many times as long as the first.
const WIDER: i64 = 8;

/// The way from a place through a room's history.
pub(super) struct Walk {
    /// What all ranges have in common.
    base: Document,
    limit: i64,
    way: Way,
}

enum Way {
    Back(Place),
    On(Place),
    /// Back from the newest, whose number was this one not long ago.
    Latest(Option<i64>),
}

impl Walk {
    /// The way to a page of a room. `top` is the newest number as far as it is known.
    pub(super) fn new(room: Uuid, question: PageQuestion, top: Option<i64>) -> Self {
        let PageQuestion { window, kinds, limit } = question;
        let base = match kinds {
            Kinds::All => doc! { "room_id": room },
            // In what is no act there is no such field.
            Kinds::Shown => doc! { "room_id": room, "is_act": null },
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
            Way::Back(Place { epoch, seq }) | Way::On(Place { epoch, seq }) => {
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

    /// The epochs beyond that, up to `current`, the newest that had been given when this way began; none if nobody has
    /// counted. What comes into a newer one meanwhile is for the next page.
    pub(super) fn further(&self, current: Option<i64>) -> Vec<Document> {
        match (&self.way, current) {
            (Way::Latest(None), _) => Vec::new(),
            (Way::Latest(Some(_)), None) => vec![self.base.clone()],
            (Way::Latest(Some(top)), Some(current)) => self.older(current, *top),
            (Way::Back(place), _) => {
                self.older(integer::bound(place.epoch.0).saturating_sub(1), integer::bound(place.seq.get()))
            }
            (Way::On(place), _) => {
                let (epoch, seq) = (integer::bound(place.epoch.0), integer::bound(place.seq.get()));
                let current = current.unwrap_or(i64::MAX);
                let last = current.min(epoch.saturating_add(EPOCHS_MAX)).max(epoch);
                let each = (epoch..=last).skip(1).flat_map(|epoch| self.epoch(epoch, seq, &Document::new()));
                let rest = (last < current).then(|| self.with(doc! { "epoch": { "$gt": last } }));
                each.chain(rest).collect()
            }
        }
    }

    fn with(&self, part: Document) -> Document {
        self.base.clone().into_iter().chain(part).collect()
    }

    /// This epoch and those before it, whose newest number is about `seq`.
    fn older(&self, epoch: i64, seq: i64) -> Vec<Document> {
        let first = epoch.saturating_sub(EPOCHS_MAX).max(0);
        let each = (first.saturating_add(1)..=epoch)
            .rev()
            .flat_map(|epoch| self.epoch(epoch, seq, &Document::new()));
        // The first epoch is one.
        let rest = (first > 0).then(|| self.with(doc! { "epoch": { "$lt": first.saturating_add(1) } }));
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
    use rookery_shared::id::{Epoch, Seq};

    use super::*;

    fn walk(window: Window, top: Option<i64>) -> Walk {
        Walk::new(Uuid::from_bytes([7; 16]), PageQuestion { window, kinds: Kinds::All, limit: 10 }, top)
    }

    fn at(epoch: u64, seq: u64) -> Place {
        Place { epoch: Epoch(epoch), seq: Seq::new(seq) }
    }

    #[test]
    fn a_page_is_looked_for_near_its_place_first() {
        let walk = walk(Window::After(at(2, 100)), None);
        let near: Vec<Document> = walk.near().iter().map(|part| part.get_document("seq").unwrap().clone()).collect();
        let wanted = [doc! { "$gt": 100_i64, "$lt": 111_i64 }, doc! { "$gte": 111_i64, "$lt": 181_i64 }];
        assert_eq!((&near[..2], near.len()), (&wanted[..], 3));
        assert!(walk.further(Some(2)).is_empty(), "nobody has been given a newer epoch");
    }

    #[test]
    fn far_epochs_are_one_range() {
        for current in [3, 1_000_000, i64::MAX] {
            assert!(walk(Window::After(at(2, 100)), None).further(Some(current)).len() <= 3 * 8 + 1);
            assert!(walk(Window::Latest, Some(100)).further(Some(current)).len() <= 3 * 8 + 1);
        }
        assert!(walk(Window::Before(at(1, 5)), None).further(Some(9)).is_empty());
    }

    #[test]
    fn where_nobody_has_counted_epochs_all_are_looked_through() {
        assert_eq!(walk(Window::Latest, Some(100)).further(None).len(), 1);
        assert!(walk(Window::After(at(2, 100)), None).further(None).len() > 1);
    }

    #[test]
    fn the_ends_of_all_numbers_are_places_too() {
        assert_eq!(walk(Window::Before(at(1, 5)), None).near().len(), 1);
        assert!(walk(Window::After(at(u64::MAX, u64::MAX)), None).further(Some(3)).is_empty());
        assert_eq!(walk(Window::Latest, None).near().len(), 1);
    }
}
