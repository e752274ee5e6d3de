//! What staff have done, and the settings that they have changed.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::audit::{AuditEntry, AuditFilter, StoredSettings};
use uuid::Uuid;

use super::{Home, at_once};
use crate::samples::NOON;

pub(crate) fn entry(actor: UserId, action: &str, room: Option<RoomId>) -> AuditEntry {
    AuditEntry {
        id: Uuid::now_v7(),
        at: NOON,
        actor,
        action: action.to_owned(),
        room,
        user: room.map(|_| UserId::generate()),
        reason: room.map(|_| "spam".to_owned()),
        detail: room.map(|_| r#"{"n":1}"#.to_owned()),
    }
}

pub(crate) async fn entries_are_found_newest_first(home: Home) {
    let audit = home.stores().await.audit;
    let (ada, bob, room) = (UserId::generate(), UserId::generate(), RoomId::generate());
    let all = [
        entry(ada, "a", None),
        entry(bob, "a", Some(room)),
        entry(ada, "b", Some(room)),
        entry(ada, "a", Some(RoomId::generate())),
    ];
    for entry in &all {
        audit.add(entry).await.unwrap();
    }
    // What is added again is there once.
    audit.add(&all[1]).await.unwrap();
    let found = async |room, actor, action: Option<&str>| {
        let filter = AuditFilter { room, actor, action: action.map(str::to_owned) };
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let page = audit.page(&filter, before, 1).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            found.extend(page);
        }
        found
            .iter()
            .map(|found| all.iter().position(|entry| entry == found).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(found(None, None, None).await, [3, 2, 1, 0]);
    assert_eq!(found(None, Some(ada), None).await, [3, 2, 0]);
    assert_eq!(found(None, None, Some("a")).await, [3, 1, 0]);
    assert_eq!(found(None, Some(ada), Some("a")).await, [3, 0]);
    assert_eq!(found(Some(room), None, None).await, [2, 1]);
    assert_eq!(found(Some(room), Some(ada), Some("b")).await, [2]);
    assert_eq!(audit.purge(NOON, 9).await.unwrap(), 0);
    assert_eq!(audit.purge(UnixMillis(NOON.0 + 1), 3).await.unwrap(), 3);
}

pub(crate) async fn settings_follow_each_other(home: Home) {
    let stores = home.stores().await;
    assert_eq!(stores.server_settings.read().await.unwrap(), None);
    let next = |version: u64, n: usize| StoredSettings { version, values: format!("{n}") };
    let actor = UserId::generate();
    for version in 1..=3 {
        let replaced = at_once(8, |n| {
            let (settings, entry) = (stores.server_settings.clone(), entry(actor, "settings", None));
            async move { settings.replace(&next(version, n), &entry).await.unwrap().then_some(n) }
        })
        .await;
        let won: Vec<usize> = replaced.into_iter().flatten().collect();
        assert_eq!(won.len(), 1, "version {version}");
        assert_eq!(stores.server_settings.read().await.unwrap(), Some(next(version, won[0])));
    }
    let skipped = stores.server_settings.replace(&next(9, 0), &entry(actor, "settings", None)).await;
    assert!(!skipped.unwrap());
    let entries = stores.audit.page(&AuditFilter::default(), None, 99).await.unwrap();
    assert_eq!(entries.len(), 3, "each change has one entry, and nothing else has");
}
