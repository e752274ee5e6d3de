//! Merging a page of the store with the hot tail. Pure.

use std::collections::BTreeMap;

use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, Seq};
use rookery_protocol::position::Position;
use rookery_store::message::Window;

/// Events that may not be stored yet. Older ones of them may be missing.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    /// Epoch of the events.
    pub(super) epoch: Epoch,
    /// Number up to which the store had everything before its page was read.
    pub(super) stored: Seq,
    /// Number of the newest event that is known. What the store has beyond it came later, and perhaps not all of it.
    pub(super) last: Seq,
    /// The events after that number that the bus still has, in order.
    pub(super) events: Vec<SequencedEvent>,
}

/// The events next to the window's place are neither stored nor in the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SequenceGap;

/// The events of a window.
#[derive(Clone, Debug)]
pub(super) struct Merged {
    /// In order.
    pub(super) events: Vec<SequencedEvent>,
    /// Whether they begin after a gap.
    pub(super) after_gap: bool,
}

/// The events of the window, in order, up to the first gap as seen from the window's place.
pub(super) fn merge(stored: Vec<SequencedEvent>, tail: Option<Tail>, window: Window) -> Result<Merged, SequenceGap> {
    let Some(tail) = tail else {
        return Ok(Merged { events: stored, after_gap: false });
    };
    let came_later = |event: &SequencedEvent| event.epoch == tail.epoch && event.seq > tail.last;
    let boundary = StoredBoundary { epoch: tail.epoch, stored: tail.stored };
    let mut events: BTreeMap<Position, SequencedEvent> = BTreeMap::new();
    for event in stored.into_iter().filter(|event| !came_later(event)).chain(tail.events.iter().cloned()) {
        if is_inside(event.position(), window) {
            events.insert(event.position(), event);
        }
    }
    let events: Vec<_> = events.into_values().collect();
    match window {
        Window::Before(place) if boundary.is_broken(events.last().map(SequencedEvent::position), place) => {
            Err(SequenceGap)
        }
        Window::Latest | Window::Before(_) => Ok(newest_run(events, boundary)),
        Window::After(place) => oldest_run(events, place, boundary),
    }
}

/// Where the store's part ends and the tail's begins.
#[derive(Clone, Copy)]
struct StoredBoundary {
    epoch: Epoch,
    stored: Seq,
}

impl StoredBoundary {
    /// Whether something is missing just before `place`. Below the boundary the store has everything there is.
    fn is_broken(self, before: Option<Position>, place: Position) -> bool {
        let unstored = place.epoch == self.epoch && place.seq > self.stored.next();
        unstored && before.is_none_or(|before| before.epoch != place.epoch || before.seq.next() != place.seq)
    }
}

fn is_inside(place: Position, window: Window) -> bool {
    match window {
        Window::Latest => true,
        Window::Before(end) => place < end,
        Window::After(start) => place > start,
    }
}

/// From the end back to the first gap.
fn newest_run(mut events: Vec<SequencedEvent>, boundary: StoredBoundary) -> Merged {
    let places: Vec<Position> = events.iter().map(SequencedEvent::position).collect();
    let broken = places.windows(2).rposition(|pair| boundary.is_broken(Some(pair[0]), pair[1]));
    events.drain(..broken.map_or(0, |index| index + 1));
    let alone = places.first().is_some_and(|first| boundary.is_broken(None, *first));
    Merged { after_gap: broken.is_some() || alone, events }
}

/// From the start on to the first gap.
fn oldest_run(
    mut events: Vec<SequencedEvent>,
    start: Position,
    boundary: StoredBoundary,
) -> Result<Merged, SequenceGap> {
    let mut before = start;
    let whole = events.iter().map(SequencedEvent::position).take_while(|place| {
        let follows = !boundary.is_broken(Some(before), *place);
        before = *place;
        follows
    });
    let whole = whole.count();
    if whole == 0 && !events.is_empty() {
        return Err(SequenceGap);
    }
    events.truncate(whole);
    Ok(Merged { events, after_gap: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rookery_protocol::clock::UnixMillis;
    use rookery_protocol::event::{Event, EventBody, MembershipChange, Sender};
    use rookery_protocol::id::{MessageId, RoomId, UserId};
    use uuid::Uuid;

    fn event((epoch, seq): (u64, u64)) -> SequencedEvent {
        SequencedEvent {
            room: RoomId::from_uuid(Uuid::nil()),
            epoch: Epoch(epoch),
            seq: Seq::new(seq),
            timestamp: UnixMillis(0),
            event: Event::new(
                MessageId::from_uuid(Uuid::from_u64_pair(epoch, seq)),
                Sender { user_id: UserId::from_uuid(Uuid::nil()), username: "abc".to_owned() },
                EventBody::Membership(MembershipChange::Joined {}),
            ),
        }
    }

    fn events(places: &[(u64, u64)]) -> Vec<SequencedEvent> {
        places.iter().copied().map(event).collect()
    }

    fn tail(stored: u64, places: &[(u64, u64)]) -> Tail {
        let last = places.iter().map(|place| Seq::new(place.1)).max().unwrap_or(Seq::MAX);
        Tail { epoch: Epoch(2), stored: Seq::new(stored), last, events: events(places) }
    }

    fn at(epoch: u64, seq: u64) -> Position {
        Position { epoch: Epoch(epoch), seq: Seq::new(seq) }
    }

    fn merged(stored: &[(u64, u64)], tail: Tail, window: Window) -> Result<Vec<(u64, u64)>, SequenceGap> {
        let merged = merge(events(stored), Some(tail), window)?;
        Ok(merged.events.iter().map(|event| (event.epoch.0, event.seq.get())).collect())
    }

    #[test]
    fn an_unstored_event_is_read_and_none_is_read_twice() {
        let tail = tail(5, &[(2, 6), (2, 7)]);
        assert_eq!(merged(&[(1, 4), (2, 5), (2, 6)], tail, Window::Latest), Ok(vec![(1, 4), (2, 5), (2, 6), (2, 7)]));
    }

    #[test]
    fn the_latest_page_ends_at_a_hole() {
        assert_eq!(merged(&[(2, 4), (2, 5)], tail(5, &[(2, 8), (2, 9)]), Window::Latest), Ok(vec![(2, 8), (2, 9)]));
        let whole = merge(events(&[(2, 5)]), Some(tail(5, &[(2, 6)])), Window::Latest).unwrap();
        assert!(!whole.after_gap);
        for stored in [&[(2, 5)][..], &[]] {
            assert!(merge(events(stored), Some(tail(5, &[(2, 8)])), Window::Latest).unwrap().after_gap);
        }
    }

    #[test]
    fn a_page_before_a_hole_has_to_wait() {
        let gap = tail(5, &[(2, 8), (2, 9)]);
        assert_eq!(merged(&[(2, 4), (2, 5)], gap.clone(), Window::Before(at(2, 8))), Err(SequenceGap));
        assert_eq!(merged(&[(2, 4), (2, 5)], gap.clone(), Window::Before(at(2, 9))), Ok(vec![(2, 8)]));
        assert_eq!(merged(&[(2, 4)], gap, Window::Before(at(2, 5))), Ok(vec![(2, 4)]));
    }

    #[test]
    fn a_page_after_a_place_never_jumps_a_hole() {
        let gap = tail(5, &[(2, 8), (2, 9)]);
        assert_eq!(merged(&[(2, 5)], gap.clone(), Window::After(at(2, 4))), Ok(vec![(2, 5)]));
        assert_eq!(merged(&[], gap.clone(), Window::After(at(2, 5))), Err(SequenceGap));
        assert_eq!(merged(&[], gap.clone(), Window::After(at(2, 8))), Ok(vec![(2, 9)]));
        assert_eq!(merged(&[], gap, Window::After(at(2, 9))), Ok(vec![]));
    }

    /// Of a store that was asked for messages alone, numbers do not follow each other.
    #[test]
    fn b06_what_came_after_the_question_is_for_the_next_page() {
        let tail = tail(5, &[(2, 6), (2, 7)]);
        let page = merged(&[(2, 3), (2, 5), (2, 7), (2, 9)], tail, Window::Latest);
        assert_eq!(page, Ok(vec![(2, 3), (2, 5), (2, 6), (2, 7)]));
    }

    #[test]
    fn a_new_epoch_follows_an_old_one_without_a_hole() {
        let tail = tail(3, &[(2, 4)]);
        assert_eq!(merged(&[(1, 3)], tail.clone(), Window::Latest), Ok(vec![(1, 3), (2, 4)]));
        assert_eq!(merged(&[], tail, Window::After(at(1, 3))), Ok(vec![(2, 4)]));
    }
}
