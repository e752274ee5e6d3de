//! Reading history page by page.

use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, RoomId, Seq};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::Position;
use rookery_store::message::Window;
use rookery_store::{PageQuestion, Stores};

use super::Home;
use crate::samples::{message, messages};

fn place(epoch: u64, seq: u64) -> Position {
    Position { epoch: Epoch(epoch), seq: Seq::new(seq) }
}

/// Three epochs whose numbers overlap, applied out of order, beside another room.
async fn three_epochs(stores: &Stores) -> (RoomId, Vec<SequencedEvent>) {
    let room = RoomId::generate();
    let mut events = messages(room, 1, 1..=6);
    events.extend(messages(room, 2, 4..=8));
    events.extend(messages(room, 10, 7..=9));
    let mut mixed = events.clone();
    mixed.reverse();
    mixed.push(message(RoomId::generate(), 2, 5));
    stores.messages.apply(&mixed).await.unwrap();
    (room, events)
}

async fn page(stores: &Stores, room: RoomId, window: Window, limit: usize) -> Vec<SequencedEvent> {
    stores.messages.page(room, PageQuestion::all(window, limit)).await.unwrap()
}

pub(crate) async fn pages_are_in_order_over_epochs(home: Home) {
    let stores = home.stores().await;
    let (room, events) = three_epochs(&stores).await;
    assert_eq!(page(&stores, room, Window::Latest, 100).await, events);
    assert_eq!(page(&stores, room, Window::Latest, 4).await, events[10..]);
    assert_eq!(page(&stores, room, Window::Latest, 0).await, []);
}

pub(crate) async fn windows_leave_their_place_out(home: Home) {
    let stores = home.stores().await;
    let (room, events) = three_epochs(&stores).await;
    for (n, event) in events.iter().enumerate() {
        let place = event.position();
        assert_eq!(page(&stores, room, Window::Before(place), 100).await, events[..n], "before {place:?}");
        assert_eq!(page(&stores, room, Window::After(place), 100).await, events[n + 1..], "after {place:?}");
        assert_eq!(page(&stores, room, Window::Before(place), 3).await, events[n.saturating_sub(3)..n]);
        assert_eq!(page(&stores, room, Window::After(place), 3).await, events[n + 1..events.len().min(n + 4)]);
    }
}

pub(crate) async fn windows_end_where_history_ends(home: Home) {
    let stores = home.stores().await;
    let empty = RoomId::generate();
    for window in [Window::Latest, Window::Before(place(1, 1)), Window::After(place(1, 1))] {
        assert_eq!(page(&stores, empty, window, 5).await, []);
    }
    let (room, events) = three_epochs(&stores).await;
    assert_eq!(page(&stores, room, Window::Before(place(1, 1)), 5).await, []);
    assert_eq!(page(&stores, room, Window::After(place(10, 9)), 5).await, []);
    assert_eq!(page(&stores, room, Window::Before(place(11, 0)), 100).await, events);
    assert_eq!(page(&stores, room, Window::After(place(0, 99)), 100).await, events);
    assert_eq!(page(&stores, room, Window::After(place(5, 0)), 100).await, events[11..]);
    assert_eq!(page(&stores, room, Window::Before(place(5, 0)), 100).await, events[..11]);
}

pub(crate) async fn every_page_size_visits_every_event_once(home: Home) {
    let stores = home.stores().await;
    let (room, events) = three_epochs(&stores).await;
    for size in 1..=events.len() + 1 {
        let mut back = page(&stores, room, Window::Latest, size).await;
        while let Some(first) = back.first() {
            let earlier = page(&stores, room, Window::Before(first.position()), size).await;
            if earlier.is_empty() {
                break;
            }
            back.splice(0..0, earlier);
        }
        assert_eq!(back, events, "backwards by {size}");
        let mut forth = page(&stores, room, Window::After(place(0, 0)), size).await;
        while let Some(last) = forth.last() {
            let later = page(&stores, room, Window::After(last.position()), size).await;
            if later.is_empty() {
                break;
            }
            forth.extend(later);
        }
        assert_eq!(forth, events, "forwards by {size}");
    }
}

/// Numbers of repeats are left out, and epochs without a word.
pub(crate) async fn every_page_is_found_where_numbers_leap(home: Home) {
    let stores = home.stores().await;
    // Nobody has counted; fifteen epochs were given; more than are remembered.
    for known in [0, 15, 60] {
        let room = RoomId::generate();
        let mut given = vec![1, 3, 15];
        for n in 0..known {
            given.truncate(n);
            given.push(stores.epochs.next(partition_of(room)).await.unwrap().0);
        }
        let [first, second, last] = [given[0], given[2], given[given.len() - 1]];
        let places = [(first, 1), (first, 40), (first, 41), (first, 500), (second, 20), (second, 2_000)];
        let places = places.into_iter().chain([(last, 2_001), (last, 9_000), (last, 9_001)]);
        let events: Vec<SequencedEvent> = places.map(|(epoch, seq)| message(room, epoch, seq)).collect();
        stores.messages.apply(&events).await.unwrap();
        for size in [1, 2, 5, 100] {
            assert_eq!(page(&stores, room, Window::Latest, size).await, events[events.len().saturating_sub(size)..]);
            for (n, event) in events.iter().enumerate() {
                let (before, after) = (Window::Before(event.position()), Window::After(event.position()));
                let (start, end) = (n.saturating_sub(size), events.len().min(n + 1 + size));
                assert_eq!(page(&stores, room, before, size).await, events[start..n], "{size} before {n}");
                assert_eq!(page(&stores, room, after, size).await, events[n + 1..end], "{size} after {n}");
            }
        }
    }
}

pub(crate) async fn rooms_have_separate_histories(home: Home) {
    let stores = home.stores().await;
    let (one, two) = (RoomId::generate(), RoomId::generate());
    let (in_one, in_two) = (messages(one, 1, 1..=3), messages(two, 1, 1..=3));
    stores.messages.apply(&[in_one.clone(), in_two.clone()].concat()).await.unwrap();
    assert_eq!(page(&stores, one, Window::Latest, 10).await, in_one);
    assert_eq!(page(&stores, two, Window::After(place(1, 1)), 10).await, in_two[1..]);
    assert_eq!(page(&stores, two, Window::Before(place(1, 3)), 10).await, in_two[..2]);
}

/// A cursor may name a place that no store can hold.
pub(crate) async fn places_may_be_anywhere(home: Home) {
    let stores = home.stores().await;
    let (room, events) = three_epochs(&stores).await;
    let end = place(u64::MAX, u64::MAX);
    assert_eq!(page(&stores, room, Window::Before(end), 100).await, events);
    assert_eq!(page(&stores, room, Window::After(end), 100).await, []);
}
