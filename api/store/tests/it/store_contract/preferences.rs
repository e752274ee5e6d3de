//! What users want of rooms, and what those who run the server tell everybody.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::change::Change;
use rookery_store::preference::{Notify, PreferencesChange, RoomPreferences};
use rookery_store::server_announcement::{AnnouncementText, ServerAnnouncement};
use uuid::Uuid;

use super::{Home, at_once};
use crate::samples::{NOON, user};

pub(crate) async fn preferences_change_as_asked_and_are_ones_own(home: Home) {
    let stores = home.stores().await;
    let (preferences, ada, room) = (&stores.preferences, user("ada"), RoomId::generate());
    assert_eq!(preferences.get(ada.id, room).await.unwrap(), RoomPreferences::default());
    let quiet = PreferencesChange {
        notify: Some(Notify::None),
        muted_until: Change::Set(NOON),
        ..PreferencesChange::default()
    };
    let favourite = PreferencesChange { favourite: Some(true), ..PreferencesChange::default() };
    // Both at once: neither undoes the other.
    at_once(2, |n| {
        let (preferences, change) = (preferences.clone(), [quiet, favourite][n]);
        let user = ada.id;
        async move { preferences.change(user, room, &change).await.unwrap() }
    })
    .await;
    let both = RoomPreferences {
        notify: Some(Notify::None),
        muted_until: Some(NOON),
        favourite: true,
        ..RoomPreferences::default()
    };
    assert_eq!(preferences.get(ada.id, room).await.unwrap(), both);
    assert_eq!(preferences.change(ada.id, room, &PreferencesChange::default()).await.unwrap(), both);
    let loud = PreferencesChange { muted_until: Change::Clear, ..PreferencesChange::default() };
    let after = preferences.change(ada.id, room, &loud).await.unwrap();
    assert_eq!(after, RoomPreferences { muted_until: None, ..both });
    let (other, nobody) = (RoomId::generate(), UserId::generate());
    preferences.change(ada.id, other, &favourite).await.unwrap();
    assert_eq!(preferences.of_user(ada.id, 9).await.unwrap().len(), 2);
    assert_eq!(preferences.of_user(ada.id, 1).await.unwrap().len(), 1);
    let found = preferences
        .among(&[(room, ada.id), (room, nobody), (RoomId::generate(), ada.id)])
        .await
        .unwrap();
    assert_eq!(found, [((room, ada.id), after)].into());
    stores.users.insert(&ada).await.unwrap();
    stores.erasures.begin(ada.id, ada.id, NOON).await.unwrap();
    stores.erasures.forget(ada.id).await.unwrap();
    assert_eq!(preferences.of_user(ada.id, 9).await.unwrap().len(), 0);
}

pub(crate) async fn announcements_are_found_newest_first(home: Home) {
    let announcements = home.stores().await.server_announcements;
    let make = |n: i64| ServerAnnouncement {
        id: Uuid::now_v7(),
        content: AnnouncementText::try_from(format!("number {n}")).unwrap(),
        by: UserId::generate(),
        created_at: UnixMillis(NOON.0 + n),
    };
    let all = [make(1), make(2), make(3)];
    for one in &all {
        announcements.insert(one).await.unwrap();
    }
    let first = announcements.page(None, 2).await.unwrap();
    assert_eq!(first, [all[2].clone(), all[1].clone()]);
    assert_eq!(announcements.page(Some(first[1].id), 2).await.unwrap(), all[..1]);
    assert_eq!(announcements.by_id(all[0].id).await.unwrap().as_ref(), Some(&all[0]));
    assert!(announcements.remove(all[0].id).await.unwrap() && !announcements.remove(all[0].id).await.unwrap());
    assert_eq!(announcements.by_id(all[0].id).await.unwrap(), None);
}
