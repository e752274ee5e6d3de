//! What load tests are furnished with.

use rookery_protocol::access::Visibility;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::RoomRef;
use rookery_store::StoreError;
use rookery_store::load::{LoadSet, Origin, Plan};

use super::Home;
use crate::samples::NOON;

fn set(users: usize) -> LoadSet {
    let plan = Plan { rooms: 10, users, rooms_per_user: 3, gateways: 2, visibility: Visibility::Public };
    let origin = Origin { name: "0123abcd", password_hash: "x", now: NOON, until: UnixMillis(NOON.0 + 1_000) };
    plan.make(origin).unwrap()
}

pub(crate) async fn a_load_set_is_there_as_it_was_made(home: Home) {
    let stores = home.stores().await;
    // More than one insert takes.
    let set = set(1_200);
    stores.backend.insert_load(&set).await.unwrap();
    for (n, user) in set.users.iter().enumerate().step_by(300) {
        assert_eq!(stores.users.by_id(user.id).await.unwrap().as_ref(), Some(user));
        let session = &set.sessions[n];
        assert_eq!(stores.sessions.by_lookup(&session.lookup).await.unwrap().as_ref(), Some(session));
        assert_eq!(stores.members.of_user(user.id, 10).await.unwrap().len(), 3);
    }
    for room in &set.rooms {
        assert_eq!(stores.rooms.find(&RoomRef::Id(room.id)).await.unwrap().as_ref(), Some(room));
        assert_eq!(stores.members.count(room.id).await.unwrap(), 360);
    }
    assert_eq!(stores.outbox.pending(10).await.unwrap(), [], "nobody is told");
}

pub(crate) async fn a_load_set_collides_like_anything_else(home: Home) {
    let stores = home.stores().await;
    let set = set(4);
    stores.backend.insert_load(&set).await.unwrap();
    let again = stores.backend.insert_load(&set).await;
    assert!(matches!(again, Err(StoreError::Taken(_))), "{again:?}");
}
