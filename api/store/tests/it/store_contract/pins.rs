//! Messages that are pinned to rooms.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::message_change::ChangeKind;
use rookery_store::Stores;
use rookery_store::pin::{Pin, PinPlace, Pinned};

use super::{Home, at_once};
use crate::samples::{NOON, left, message, room};

pub(crate) fn pin(message: MessageId, ms: i64) -> Pin {
    Pin { message, by: UserId::generate(), at: UnixMillis(NOON.0 + ms) }
}

async fn place(stores: &Stores, slug: &str) -> RoomId {
    let place = room(Some(slug));
    stores.rooms.insert(&place).await.unwrap();
    place.id
}

async fn all(stores: &Stores, room: RoomId) -> Vec<Pin> {
    stores.pins.page(room, None, 1_000).await.unwrap()
}

pub(crate) async fn a_pin_is_announced_once_and_taken_back(home: Home) {
    let stores = home.stores().await;
    let (room, first) = (place(&stores, "pins").await, pin(MessageId::generate(), 1));
    let event = left(first.by);
    let Pinned::Done(announced) = stores.pins.pin(room, &first, 1, &event).await.unwrap() else {
        panic!("refused")
    };
    assert_eq!((announced.room, &announced.event), (room, &event));
    assert_eq!(stores.outbox.pending(9).await.unwrap(), [announced]);
    let again = Pin { at: UnixMillis(NOON.0 + 9), ..first };
    assert_eq!(stores.pins.pin(room, &again, 1, &left(first.by)).await.unwrap(), Pinned::Unchanged);
    let other = pin(MessageId::generate(), 2);
    assert_eq!(stores.pins.pin(room, &other, 1, &left(first.by)).await.unwrap(), Pinned::Full);
    assert_eq!(all(&stores, room).await, [first], "the first time counts");
    assert_eq!(stores.pins.unpin(room, other.message, &left(first.by)).await.unwrap(), None);
    let event = left(first.by);
    let announced = stores.pins.unpin(room, first.message, &event).await.unwrap().unwrap();
    assert_eq!((announced.room, &announced.event), (room, &event));
    assert_eq!((all(&stores, room).await, stores.outbox.pending(9).await.unwrap().len()), (Vec::new(), 2));
    assert!(matches!(stores.pins.pin(room, &other, 1, &left(first.by)).await.unwrap(), Pinned::Done(_)));
    assert!(
        stores
            .pins
            .pin(RoomId::generate(), &pin(MessageId::generate(), 1), 1, &event)
            .await
            .is_err()
    );
}

pub(crate) async fn pins_come_newest_first_in_pages(home: Home) {
    let stores = home.stores().await;
    let rooms = [place(&stores, "one").await, place(&stores, "two").await];
    let mut wanted: Vec<Pin> = [5, 3, 3, 9, 1].map(|ms| pin(MessageId::generate(), ms)).into();
    for pin in &wanted {
        stores.pins.pin(rooms[0], pin, 100, &left(pin.by)).await.unwrap();
    }
    let elsewhere = pin(MessageId::generate(), 4);
    stores.pins.pin(rooms[1], &elsewhere, 100, &left(elsewhere.by)).await.unwrap();
    wanted.sort_by_key(|pin| (pin.at, *pin.message.as_uuid().as_bytes()));
    wanted.reverse();
    for limit in [1, 2, 100] {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = stores.pins.page(rooms[0], before, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(PinPlace::from(last));
            seen.extend(page);
        }
        assert_eq!(seen, wanted, "{limit} at a time");
    }
    assert_eq!(all(&stores, rooms[1]).await, [elsewhere]);
}

pub(crate) async fn a_room_never_has_more_pins_than_it_may(home: Home) {
    let stores = home.stores().await;
    let room = place(&stores, "full").await;
    let outcomes = at_once(8, |n| {
        let (stores, pin) = (stores.clone(), pin(MessageId::generate(), i64::try_from(n).unwrap()));
        async move { stores.pins.pin(room, &pin, 3, &left(pin.by)).await.unwrap() }
    })
    .await;
    let done = outcomes.iter().filter(|outcome| matches!(outcome, Pinned::Done(_))).count();
    assert_eq!((done, all(&stores, room).await.len()), (3, 3), "{outcomes:?}");
}

pub(crate) async fn a_deleted_message_is_pinned_no_more(home: Home) {
    let stores = home.stores().await;
    let said = message(place(&stores, "gone").await, 1, 1);
    stores.messages.apply(std::slice::from_ref(&said)).await.unwrap();
    let kept = pin(said.event.id, 1);
    stores.pins.pin(said.room, &kept, 9, &left(kept.by)).await.unwrap();
    stores.messages.apply(&[super::unread::act(&said, 2, ChangeKind::Delete)]).await.unwrap();
    assert_eq!(all(&stores, said.room).await, []);
}
