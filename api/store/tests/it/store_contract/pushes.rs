//! Subscriptions of Web Push, and the server's key.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{SessionId, UserId};
use rookery_store::Stores;
use rookery_store::push::{P256DH_BYTES, PUSH_AUTH_BYTES, PushSubscription};

use super::{Home, at_once};
use crate::samples::NOON;

pub(crate) fn subscription(user: UserId, endpoint: &str, ms: i64) -> PushSubscription {
    PushSubscription {
        id: PushSubscription::id_of(endpoint),
        user,
        session: SessionId::generate(),
        endpoint: endpoint.to_owned(),
        p256dh: [4; P256DH_BYTES],
        auth: [7; PUSH_AUTH_BYTES],
        created_at: UnixMillis(NOON.0 + ms),
    }
}

async fn endpoints(stores: &Stores, users: &[UserId]) -> Vec<String> {
    let found = stores.pushes.subscriptions(users, 100).await.unwrap();
    let mut endpoints: Vec<String> = found.into_iter().map(|found| found.endpoint).collect();
    endpoints.sort();
    endpoints
}

pub(crate) async fn a_device_has_one_subscription_whoever_is_logged_in(home: Home) {
    let stores = home.stores().await;
    let (ada, bob) = (UserId::generate(), UserId::generate());
    let first = subscription(ada, "https://push.example/a", 1);
    stores.pushes.subscribe(&first, 5).await.unwrap();
    assert_eq!(stores.pushes.subscription(first.id).await.unwrap(), Some(first.clone()));
    let again = PushSubscription { auth: [9; PUSH_AUTH_BYTES], ..subscription(bob, "https://push.example/a", 2) };
    stores.pushes.subscribe(&again, 5).await.unwrap();
    assert_eq!(stores.pushes.subscription(first.id).await.unwrap(), Some(again));
    assert_eq!(endpoints(&stores, &[ada]).await, Vec::<String>::new());
    assert!(!stores.pushes.unsubscribe(ada, first.id).await.unwrap(), "it is somebody else's by now");
    assert!(stores.pushes.unsubscribe(bob, first.id).await.unwrap());
    assert!(!stores.pushes.unsubscribe(bob, first.id).await.unwrap());
    assert_eq!(stores.pushes.subscription(first.id).await.unwrap(), None);
}

pub(crate) async fn the_newest_subscriptions_of_a_user_stay(home: Home) {
    let stores = home.stores().await;
    let (ada, bob) = (UserId::generate(), UserId::generate());
    for n in [3, 1, 2, 4] {
        let new = subscription(ada, &format!("https://push.example/{n}"), n);
        stores.pushes.subscribe(&new, 2).await.unwrap();
    }
    stores.pushes.subscribe(&subscription(bob, "https://push.example/b", 0), 2).await.unwrap();
    assert_eq!(endpoints(&stores, &[ada]).await, ["https://push.example/3", "https://push.example/4"]);
    assert_eq!(endpoints(&stores, &[ada, bob]).await.len(), 3);
    assert_eq!(stores.pushes.subscriptions(&[ada, bob], 2).await.unwrap().len(), 2);
}

pub(crate) async fn the_first_key_of_the_server_stays(home: Home) {
    let stores = home.stores().await;
    let keys = at_once(8, |n| {
        let stores = stores.clone();
        async move { stores.pushes.push_key(&[u8::try_from(n).unwrap(); 9]).await.unwrap() }
    })
    .await;
    assert!(keys.iter().all(|key| *key == keys[0] && key.len() == 9), "{keys:?}");
    assert_eq!(stores.pushes.push_key(&[99]).await.unwrap(), keys[0]);
}

pub(crate) async fn what_is_on_a_device_is_taken_back_once(home: Home) {
    let stores = home.stores().await;
    let user = UserId::generate();
    let [phone, desk] = ["phone", "desk"].map(|name| subscription(user, &format!("https://push.example/{name}"), 1));
    let at = |ms: i64| UnixMillis(NOON.0 + ms);
    for (device, topic) in [(&phone, "a"), (&phone, "a"), (&phone, "b"), (&desk, "a"), (&desk, "c")] {
        stores.pushes.note_shown(device, topic, at(5), at(0)).await.unwrap();
    }
    let none: [uuid::Uuid; 0] = [];
    let take = async |user, topic, limit| stores.pushes.take_shown(user, topic, limit).await.unwrap();
    assert_eq!(take(UserId::generate(), None, 9).await, none);
    assert_eq!(take(user, Some("none"), 9).await, none);
    let mut both = vec![phone.id, desk.id];
    both.sort_unstable();
    assert_eq!(take(user, Some("a"), 9).await, both);
    assert_eq!(take(user, Some("a"), 9).await, none);
    assert_eq!(take(user, None, 9).await, both);
    assert_eq!(take(user, None, 9).await, none);
    // What is old is forgotten with the next one.
    stores.pushes.note_shown(&phone, "old", at(5), at(0)).await.unwrap();
    stores.pushes.note_shown(&phone, "new", at(9), at(6)).await.unwrap();
    assert_eq!(take(user, Some("old"), 9).await, none);
    assert_eq!(take(user, None, 9).await, [phone.id]);
}
