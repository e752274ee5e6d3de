//! Purges and retention: what is erased, and what stays.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::position::Position;
use rookery_store::message::Window;
use rookery_store::purge::Purge;
use rookery_store::{PageQuestion, Stores};
use uuid::Uuid;

use super::{Home, threads};
use crate::samples::{NOON, left, messages, room};

const fn at(ms: i64) -> UnixMillis {
    UnixMillis(NOON.0 + ms)
}

pub(crate) fn purge(room: RoomId, user: UserId) -> Purge {
    Purge {
        id: Uuid::now_v7(),
        room,
        user,
        by: UserId::generate(),
        from: Some(NOON),
        to: at(50),
        event: MessageId::generate(),
        hides_until: Purge::OPEN,
    }
}

fn text(event: &SequencedEvent) -> &str {
    match &event.event.body {
        EventBody::Message(message) => &message.content,
        EventBody::MessageChange(_) | EventBody::Membership(_) | EventBody::Room(_) | EventBody::Unknown(_) => "",
    }
}

async fn page(stores: &Stores, room: RoomId) -> Vec<SequencedEvent> {
    let question = PageQuestion::all(Window::After(Position::START), 100);
    stores.messages.page(room, question).await.unwrap()
}

pub(crate) async fn a_purge_hides_until_it_is_done(home: Home) {
    let stores = home.stores().await;
    let (place, user) = (room(None), UserId::generate());
    stores.rooms.insert(&place).await.unwrap();
    let made = purge(place.id, user);
    let event = left(made.by);
    let announced = stores.purges.begin(&made, &event).await.unwrap().unwrap();
    assert_eq!((announced.room, announced.event), (place.id, event.clone()));
    assert_eq!(stores.outbox.pending(9).await.unwrap().len(), 1);
    assert_eq!(stores.purges.begin(&made, &left(made.by)).await.unwrap(), None, "it is known");
    assert_eq!(stores.purges.begin(&purge(RoomId::generate(), user), &event).await.unwrap(), None);
    assert_eq!(stores.purges.by_id(made.id).await.unwrap(), Some(made));
    assert_eq!(stores.purges.open(5).await.unwrap(), [made.id]);
    let rooms = [RoomId::generate(), place.id];
    assert_eq!(stores.purges.hiding(&rooms, at(1_000_000)).await.unwrap(), [made]);
    assert!(stores.purges.hiding(&rooms[..1], NOON).await.unwrap().is_empty());
    stores.purges.finish(made.id, at(100)).await.unwrap();
    assert!(stores.purges.open(5).await.unwrap().is_empty());
    assert_eq!(stores.purges.hiding(&rooms, at(99)).await.unwrap().len(), 1);
    assert!(stores.purges.hiding(&rooms, at(100)).await.unwrap().is_empty());
    assert_eq!(stores.purges.purge(at(100), 5).await.unwrap(), 0);
    assert_eq!(stores.purges.purge(at(101), 5).await.unwrap(), 1);
}

pub(crate) async fn discarded_messages_keep_their_places_alone(home: Home) {
    let stores = home.stores().await;
    let place = room(None);
    stores.rooms.insert(&place).await.unwrap();
    let events = messages(place.id, 1, 1..=3);
    stores.messages.apply(&events).await.unwrap();
    let answer = threads::reply(UserId::generate(), &events[0], 40);
    stores.messages.apply(std::slice::from_ref(&answer)).await.unwrap();
    assert_eq!(stores.threads.replies(&[(place.id, events[0].event.id)]).await.unwrap().len(), 1);
    for _ in 0..2 {
        stores.purges.discard(&[events[1].event.id, answer.event.id]).await.unwrap();
    }
    let kept = page(&stores, place.id).await;
    let texts: Vec<bool> = kept.iter().map(|event| text(event).is_empty()).collect();
    assert_eq!(texts, [false, true, false, true]);
    let states = stores.messages.states(&[events[1].event.id], &[]).await.unwrap();
    assert!(states[&events[1].event.id].deleted);
    assert!(stores.threads.replies(&[(place.id, events[0].event.id)]).await.unwrap().is_empty());
}

pub(crate) async fn what_is_too_old_goes_and_the_head_stays(home: Home) {
    let stores = home.stores().await;
    let place = room(None);
    stores.rooms.insert(&place).await.unwrap();
    let mut events = messages(place.id, 1, 1..=5);
    for (event, ms) in events.iter_mut().zip([0, 10, 20, 30, 40]) {
        event.timestamp = at(ms);
    }
    stores.messages.apply(&events).await.unwrap();
    let answer = SequencedEvent { timestamp: at(50), ..threads::reply(UserId::generate(), &events[4], 6) };
    stores.messages.apply(std::slice::from_ref(&answer)).await.unwrap();
    let erase = async |before, limit| stores.room_erasures.erase_before(place.id, at(before), limit).await.unwrap();
    assert_eq!(erase(0, 9).await, 0);
    assert_eq!(erase(25, 2).await, 2, "the oldest first");
    assert_eq!(erase(25, 2).await, 1);
    assert_eq!(erase(25, 2).await, 0);
    let kept: Vec<u64> = page(&stores, place.id).await.iter().map(|event| event.seq.get()).collect();
    assert_eq!(kept, [4, 5, 6]);
    assert_eq!(stores.messages.message(place.id, events[0].event.id).await.unwrap(), None);
    assert!(erase(1_000, 9).await >= 2);
    assert_eq!(erase(1_000, 9).await, 0, "all is done");
    let kept = page(&stores, place.id).await;
    assert_eq!(kept.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), [6]);
    assert_eq!(text(&kept[0]), "", "its text is too old, too");
    assert_eq!(stores.messages.last(place.id).await.unwrap(), answer.position());
    assert_eq!(erase(1_000, 9).await, 0);
}

pub(crate) async fn rooms_of_every_kind_are_listed_and_days_counted(home: Home) {
    let stores = home.stores().await;
    let mut made = Vec::new();
    for slug in [Some("one"), None, Some("two")] {
        let place = room(slug);
        stores.rooms.insert(&place).await.unwrap();
        made.push(place.id);
    }
    made.sort_unstable();
    let listed: Vec<RoomId> = stores.rooms.all(None, 9).await.unwrap().iter().map(|room| room.id).collect();
    assert_eq!(listed, made);
    let rest: Vec<RoomId> = stores.rooms.all(Some(made[0]), 1).await.unwrap().iter().map(|room| room.id).collect();
    assert_eq!(rest, made[1..2]);
    stores.figures.add_messages(UnixMillis(86_400_000), 2).await.unwrap();
    stores.figures.add_messages(UnixMillis(86_400_000), 3).await.unwrap();
    stores.figures.add_messages(UnixMillis(172_800_000), 1).await.unwrap();
    let days = stores.figures.messages(9).await.unwrap();
    assert_eq!(days, [(UnixMillis(172_800_000), 1), (UnixMillis(86_400_000), 5)]);
    assert_eq!(stores.figures.count().await.unwrap().rooms, 3);
}
