//! Rooms.

use std::collections::HashSet;

use rookery_api::domain::room::Room;
use rookery_api::store::{StoreError, Unique};
use rookery_shared::access::Visibility;
use rookery_shared::id::{AclVersion, RoomId, RoomRef, UserId};

use super::Home;
use super::samples::room;

pub(crate) async fn rooms_are_found_as_they_were_written(home: Home) {
    let rooms = home.stores().await.rooms;
    let owned = Room { owner: Some(UserId::generate()), acl: AclVersion(7), ..room(None) };
    for room in [room(Some("general")), owned] {
        rooms.insert(&room).await.unwrap();
        assert_eq!(rooms.find(&RoomRef::Id(room.id)).await.unwrap().as_ref(), Some(&room));
        if let Some(slug) = &room.slug {
            assert_eq!(rooms.find(&RoomRef::Slug(slug.clone())).await.unwrap().as_ref(), Some(&room));
        }
    }
    assert_eq!(rooms.find(&RoomRef::Id(RoomId::generate())).await.unwrap(), None);
    assert_eq!(rooms.find(&"nowhere".parse().unwrap()).await.unwrap(), None);
}

pub(crate) async fn slugs_are_unique(home: Home) {
    let rooms = home.stores().await.rooms;
    let first = room(Some("general"));
    rooms.insert(&first).await.unwrap();
    let outcome = rooms.insert(&room(Some("general"))).await;
    assert!(matches!(outcome, Err(StoreError::Taken(Unique::Slug))), "{outcome:?}");
    let outcome = rooms.insert(&Room { id: first.id, ..room(None) }).await;
    assert!(matches!(outcome, Err(StoreError::Taken(Unique::Id))), "{outcome:?}");
}

pub(crate) async fn rooms_without_a_slug_do_not_collide(home: Home) {
    let rooms = home.stores().await.rooms;
    for _ in 0..3 {
        rooms.insert(&room(None)).await.unwrap();
    }
}

pub(crate) async fn public_rooms_come_in_pages(home: Home) {
    let rooms = home.stores().await.rooms;
    let mut public = Vec::new();
    for n in 0..7 {
        let room = room(Some(&format!("room-{n}")));
        rooms.insert(&room).await.unwrap();
        rooms
            .insert(&Room { visibility: Visibility::Private, ..super::samples::room(None) })
            .await
            .unwrap();
        public.push(room);
    }
    public.sort_by_key(|room| room.id);
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = rooms.public(after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seen.extend(page);
    }
    assert_eq!(seen, public);
    assert_eq!(rooms.public(None, 0).await.unwrap(), []);
    assert_eq!(rooms.public(None, 100).await.unwrap(), public);
}

pub(crate) async fn rooms_are_found_by_many_ids(home: Home) {
    let rooms = home.stores().await.rooms;
    let all = [room(Some("one")), room(None), room(Some("three"))];
    for room in &all {
        rooms.insert(room).await.unwrap();
    }
    let wanted = [all[0].id, all[1].id, RoomId::generate()];
    let found: HashSet<_> = rooms.by_ids(&wanted).await.unwrap().into_iter().map(|room| room.id).collect();
    assert_eq!(found, HashSet::from([all[0].id, all[1].id]));
    assert_eq!(rooms.by_ids(&[]).await.unwrap(), []);
}
