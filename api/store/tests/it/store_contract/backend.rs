//! The backend: schema, restarts.

use rookery_protocol::id::{Partition, RoomRef};
use rookery_store::message::Window;
use rookery_store::{PageQuestion, Rotation, Stores};

use super::{Home, at_once};
use crate::samples::{NOON, joined, member, messages, room, session, user};

pub(crate) async fn it_answers(home: Home) {
    home.stores().await.backend.ping().await.unwrap();
}

pub(crate) async fn migrating_twice_is_fine(home: Home) {
    let stores = home.stores().await;
    stores.users.insert(&user("ada")).await.unwrap();
    stores.backend.migrate().await.unwrap();
    home.stores().await.backend.migrate().await.unwrap();
    assert!(stores.users.insert(&user("Ada")).await.is_err(), "the unique index is still there");
    assert!(stores.users.by_login("ada").await.unwrap().is_some());
}

/// Several processes start on an empty database at once.
pub(crate) async fn migrating_at_once_is_fine(home: Home) {
    let mut opened = Vec::new();
    for _ in 0..4 {
        opened.push(home.open().await);
    }
    let outcomes = at_once(4, |n| {
        let stores = opened[n].clone();
        async move {
            stores.backend.migrate().await.unwrap();
            // Whoever returns finds the schema in place.
            stores.users.insert(&user("same")).await.is_ok()
        }
    })
    .await;
    assert_eq!(outcomes.into_iter().filter(|inserted| *inserted).count(), 1);
}

pub(crate) async fn reopening_keeps_everything(home: Home) {
    let (ada, login, place) = (user("ada"), session(), room(Some("general")));
    let (member, event) = (member(place.id, ada.id), joined(ada.id));
    let events = messages(place.id, 1, 1..=5);
    let to = Rotation { current: [5; 32], at: NOON, expires_at: NOON, replaced: Vec::new() };
    let (announcement, epoch) = {
        let stores = home.stores().await;
        stores.users.insert(&ada).await.unwrap();
        stores.sessions.insert(&login).await.unwrap();
        assert!(stores.sessions.rotate(login.id, &login.current, to.clone()).await.unwrap());
        stores.rooms.insert(&place).await.unwrap();
        stores.messages.apply(&events).await.unwrap();
        let epoch = stores.epochs.next(Partition(1)).await.unwrap();
        (stores.members.join(&member, &event).await.unwrap(), epoch)
    };
    let Stores { users, sessions, rooms, members, outbox, messages, epochs, .. } = home.stores().await;
    assert_eq!(users.by_id(ada.id).await.unwrap().as_ref(), Some(&ada));
    assert_eq!(sessions.by_lookup(&login.lookup).await.unwrap().map(|session| session.current), Some(to.current));
    assert_eq!(rooms.find(&RoomRef::Id(place.id)).await.unwrap().map(|room| room.acl.0), Some(1));
    assert_eq!(members.get(place.id, ada.id).await.unwrap(), Some(member));
    assert_eq!(outbox.pending(10).await.unwrap(), Vec::from_iter(announcement));
    assert_eq!(messages.page(place.id, PageQuestion::all(Window::Latest, 10)).await.unwrap(), events);
    assert_eq!(epochs.current(Partition(1)).await.unwrap(), Some(epoch));
}
