//! Announcements.

use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::{Announcement, Stores};

use super::Home;
use crate::samples::{joined, left, member, room};

async fn room_in(stores: &Stores) -> RoomId {
    let room = room(None);
    stores.rooms.insert(&room).await.unwrap();
    room.id
}

async fn join(stores: &Stores, room: RoomId) -> Announcement {
    let user = UserId::generate();
    stores.members.join(&member(room, user), &joined(user)).await.unwrap().unwrap()
}

pub(crate) async fn announcements_wait_in_order(home: Home) {
    let stores = home.stores().await;
    assert_eq!(stores.outbox.pending(10).await.unwrap(), []);
    let (one, two) = (room_in(&stores).await, room_in(&stores).await);
    let mut made = Vec::new();
    for room in [one, two, two, one, two] {
        made.push(join(&stores, room).await);
        // Between rooms the order is that of the clock, which counts milliseconds.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    assert_eq!(stores.outbox.pending(10).await.unwrap(), made);
    assert_eq!(stores.outbox.pending(2).await.unwrap(), made[..2]);
    assert_eq!(stores.outbox.pending(0).await.unwrap(), []);
    let of_two = [made[1].clone(), made[2].clone(), made[4].clone()];
    assert_eq!(stores.outbox.pending_in(two, 10).await.unwrap(), of_two);
    assert_eq!(stores.outbox.pending_in(two, 2).await.unwrap(), of_two[..2]);
    assert_eq!(stores.outbox.pending_in(RoomId::generate(), 10).await.unwrap(), []);
    stores.outbox.done(made[1].event.id).await.unwrap();
    made.remove(1);
    assert_eq!(stores.outbox.pending(10).await.unwrap(), made);
}

pub(crate) async fn done_is_idempotent(home: Home) {
    let stores = home.stores().await;
    let room = room_in(&stores).await;
    let (first, second) = (join(&stores, room).await, join(&stores, room).await);
    for _ in 0..3 {
        stores.outbox.done(first.event.id).await.unwrap();
        assert_eq!(stores.outbox.pending(10).await.unwrap(), std::slice::from_ref(&second));
    }
    stores.outbox.done(MessageId::generate()).await.unwrap();
    stores.outbox.done(second.event.id).await.unwrap();
    assert_eq!(stores.outbox.pending(10).await.unwrap(), []);
}

/// Faster than the clock ticks: who joined and left must not seem to have left and joined.
pub(crate) async fn announcements_of_one_room_keep_their_order(home: Home) {
    let stores = home.stores().await;
    let (room, user) = (room_in(&stores).await, UserId::generate());
    let mut made = Vec::new();
    for _ in 0..10 {
        made.push(stores.members.join(&member(room, user), &joined(user)).await.unwrap().unwrap());
        made.push(stores.members.leave(room, user, &left(user)).await.unwrap().unwrap());
    }
    assert_eq!(stores.outbox.pending(100).await.unwrap(), made);
}
