//! Rooms.

use std::collections::HashSet;

use rookery_protocol::access::Visibility;
use rookery_protocol::event::{Event, EventBody, RoomChange, RoomSettings};
use rookery_protocol::id::{AclVersion, RoomId, RoomRef, UserId};
use rookery_store::room::{Room, RoomName, SettingsChange};
use rookery_store::{Announcement, StoreError, Unique};

use super::{Home, at_once};
use crate::samples::{event, room};

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
    let other = RoomName::try_from("Another name".to_owned()).unwrap();
    let outcome = rooms.insert(&Room { name: other, ..room(Some("general")) }).await;
    assert!(matches!(outcome, Err(StoreError::Taken(Unique::Slug))), "{outcome:?}");
    let outcome = rooms.insert(&Room { id: first.id, ..room(None) }).await;
    assert!(matches!(outcome, Err(StoreError::Taken(Unique::Id))), "{outcome:?}");
}

pub(crate) async fn c01_names_of_public_rooms_are_unique_in_one_form(home: Home) {
    let rooms = home.stores().await.rooms;
    let named = |name: &str, slug: &str| {
        let name = RoomName::try_from(name.to_owned()).unwrap();
        Room { name, ..room(Some(slug)) }
    };
    rooms.insert(&named("Straße 1", "a")).await.unwrap();
    let outcome = rooms.insert(&named("STRASSE １", "b")).await;
    assert!(matches!(outcome, Err(StoreError::Taken(Unique::RoomName))), "{outcome:?}");
    rooms.insert(&named("Straße 2", "c")).await.unwrap();
    let private = Room { visibility: Visibility::Private, slug: None, ..named("Straße 1", "d") };
    rooms.insert(&private).await.unwrap();
    let outcomes = at_once(8, |n| {
        let (rooms, room) = (rooms.clone(), named(if n % 2 == 0 { "Same" } else { "SAME" }, &format!("same-{n}")));
        async move { rooms.insert(&room).await.is_ok() }
    })
    .await;
    assert_eq!(outcomes.into_iter().filter(|made| *made).count(), 1);
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
            .insert(&Room { visibility: Visibility::Private, ..crate::samples::room(None) })
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

pub(crate) async fn settings_change_and_are_announced(home: Home) {
    let (stores, room, user) = (home.stores().await, room(Some("general")), UserId::generate());
    stores.rooms.insert(&room).await.unwrap();
    assert_eq!(room.settings, RoomSettings::default());
    let unsaid =
        || event(user, EventBody::Room(RoomChange::Updated { settings: RoomSettings::default(), changed: None }));
    let slow = SettingsChange { slow_mode_ms: Some(5_000), frozen: None, ..SettingsChange::default() };
    let frozen = SettingsChange { slow_mode_ms: None, frozen: Some(true), ..SettingsChange::default() };
    let mut told = Vec::new();
    for (change, version, slow_mode_ms, is_frozen) in [(&slow, 1, 5_000, false), (&frozen, 2, 5_000, true)] {
        let event = unsaid();
        let announced = stores.rooms.apply_settings(room.id, change, &event).await.unwrap().unwrap();
        let settings =
            RoomSettings { version: AclVersion(version), slow_mode_ms, frozen: is_frozen, ..RoomSettings::default() };
        let event = Event { body: EventBody::Room(RoomChange::Updated { settings, changed: None }), ..event };
        assert_eq!(announced, Announcement { room: room.id, acl: AclVersion(version), event });
        let found = stores.rooms.find(&RoomRef::Id(room.id)).await.unwrap().unwrap();
        assert_eq!((found.settings, found.acl), (settings, AclVersion(version)));
        assert_eq!(stores.rooms.apply_settings(room.id, change, &unsaid()).await.unwrap(), None, "it is so already");
        told.push(announced);
    }
    assert_eq!(stores.outbox.pending(10).await.unwrap(), told);
    let nowhere = stores.rooms.apply_settings(RoomId::generate(), &slow, &unsaid()).await;
    assert!(matches!(nowhere, Err(StoreError::Inconsistent(_))), "{nowhere:?}");
}

/// Two people change two things at once: neither takes the other's change back.
pub(crate) async fn settings_race(home: Home) {
    let (stores, room) = (home.stores().await, room(Some("general")));
    stores.rooms.insert(&room).await.unwrap();
    let changes = [
        SettingsChange { slow_mode_ms: Some(7), frozen: None, ..SettingsChange::default() },
        SettingsChange { slow_mode_ms: None, frozen: Some(true), ..SettingsChange::default() },
    ];
    let outcomes = at_once(2, |n| {
        let (rooms, room, changes) = (stores.rooms.clone(), room.id, changes.clone());
        let event = event(
            UserId::generate(),
            EventBody::Room(RoomChange::Updated { settings: RoomSettings::default(), changed: None }),
        );
        async move { rooms.apply_settings(room, &changes[n], &event).await.unwrap() }
    })
    .await;
    assert!(outcomes.iter().all(Option::is_some));
    let found = stores.rooms.find(&RoomRef::Id(room.id)).await.unwrap().unwrap().settings;
    assert_eq!(
        found,
        RoomSettings { version: AclVersion(2), slow_mode_ms: 7, frozen: true, ..RoomSettings::default() }
    );
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
