//! What users have saved for themselves.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::Stores;
use rookery_store::saved::{SavedMessage, SavedPlace};

use super::{Home, at_once};
use crate::samples::NOON;

pub(crate) fn saved(room: RoomId, ms: i64) -> SavedMessage {
    SavedMessage { message: MessageId::generate(), room, at: UnixMillis(NOON.0 + ms) }
}

async fn all(stores: &Stores, user: UserId) -> Vec<SavedMessage> {
    stores.saved.page(user, None, 1_000).await.unwrap()
}

pub(crate) async fn what_is_saved_comes_newest_first_in_pages(home: Home) {
    let stores = home.stores().await;
    let (user, room) = (UserId::generate(), RoomId::generate());
    let mut wanted: Vec<_> = [5, 3, 3, 3, 9, 1, 7].map(|ms| saved(room, ms)).into();
    for saved in &wanted {
        assert!(stores.saved.put(user, saved, 100).await.unwrap());
    }
    stores.saved.put(UserId::generate(), &wanted[0], 100).await.unwrap();
    wanted.sort_by_key(|saved| (saved.at, *saved.message.as_uuid().as_bytes()));
    wanted.reverse();
    for limit in [1, 2, 3, 100] {
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let page = stores.saved.page(user, before, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(SavedPlace::from(last));
            seen.extend(page);
        }
        assert_eq!(seen, wanted, "{limit} at a time");
    }
}

pub(crate) async fn a_message_is_saved_once_and_taken_back(home: Home) {
    let stores = home.stores().await;
    let (user, first) = (UserId::generate(), saved(RoomId::generate(), 1));
    let again = SavedMessage { at: UnixMillis(NOON.0 + 9), ..first };
    assert!(stores.saved.put(user, &first, 1).await.unwrap());
    assert!(stores.saved.put(user, &again, 1).await.unwrap(), "it is saved");
    assert!(!stores.saved.put(user, &saved(first.room, 2), 1).await.unwrap());
    assert_eq!(all(&stores, user).await, [first], "the first time counts");
    for _ in 0..2 {
        stores.saved.remove(user, first.message).await.unwrap();
    }
    assert_eq!(all(&stores, user).await, []);
    assert!(stores.saved.put(user, &again, 1).await.unwrap());
}

pub(crate) async fn never_more_is_saved_than_may_be(home: Home) {
    let stores = home.stores().await;
    let (user, room) = (UserId::generate(), RoomId::generate());
    let outcomes = at_once(12, |n| {
        let stores = stores.clone();
        async move { stores.saved.put(user, &saved(room, i64::try_from(n).unwrap()), 5).await.unwrap() }
    })
    .await;
    let (kept, known) = (outcomes.into_iter().filter(|kept| *kept).count(), all(&stores, user).await.len());
    assert!(kept == known && known <= 5, "{kept} {known}");
}
