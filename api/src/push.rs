//! Web Push: devices of users are told of notices while no page is open.
//!
//! # Promise
//! * What a device is told was in the inbox before, and was not read by then; nothing is told in quiet hours.
//! * A push names ids only, unless its user has `push_text` on. Only the device can read it (RFC 8291).
//! * A device is told as long as the login lives that it was subscribed with.
//! * What is read on one device is cleared on the others.

use std::sync::{Arc, OnceLock};

use axum::extract::FromRef;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{NoticeId, RoomId, UserId};
use rookery_protocol::notice::NoticeKind;
use rookery_store::job::Job;
use rookery_store::notice::Notice;
use rookery_store::push::PushSubscription;
use rookery_store::{Pushes, StoreError};
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::http::extract::Authentication;
use crate::jobs::{JobQueue, Order};
use crate::limits::{PUSH_DELAY, PUSH_SHOWN_TAKEN_MAX, PUSH_SUBSCRIPTIONS_READ_MAX};

mod encryption;
mod key;
pub mod options;
mod payload;
mod sender;
pub mod subscriptions;

use key::PushKey;
pub use options::{PushOptions, SETTINGS};
pub(crate) use sender::PushSender;

/// The kind of jobs that are pushes.
const KIND: &str = "push";
/// Characters of a topic, at most (RFC 8030).
const TOPIC_CHARS: usize = 32;

/// The routes of subscriptions.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Push: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(subscriptions::subscribe, subscriptions::unsubscribe))
}

/// Has pushes sent. Cheap to clone.
#[derive(Clone)]
pub struct Push {
    store: Arc<dyn Pushes>,
    jobs: JobQueue,
    options: PushOptions,
    /// There once the store has it.
    key: Arc<OnceLock<PushKey>>,
}

/// One push to one device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PushOrder {
    subscription: Uuid,
    user: UserId,
    what: What,
}

/// What a push is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// There is a notice, made at that time.
    Notice { id: NoticeId, at: UnixMillis },
    /// A room was read, or the inbox.
    Read { room: Option<RoomId>, at: UnixMillis },
}

impl Push {
    pub(crate) fn new(store: Arc<dyn Pushes>, jobs: JobQueue, options: PushOptions) -> Self {
        Self { store, jobs, options, key: Arc::default() }
    }

    /// Makes sure of the key. Idempotent.
    pub(crate) async fn prepare(&self) -> Result<(), StoreError> {
        if self.key.get().is_none() {
            let key = PushKey::load(&*self.store).await?;
            self.key.set(key).ok();
        }
        Ok(())
    }

    /// The public key, as pages need it to subscribe.
    pub(crate) fn public_key(&self) -> Option<String> {
        self.key.get().map(PushKey::public)
    }

    /// Devices are told of these notices, a moment later: who looks at them now has read them by then.
    pub(crate) async fn tell(&self, notices: &[Notice]) -> Result<(), StoreError> {
        let now = UnixMillis::now();
        for (subscription, notice) in self.devices_of(notices).await? {
            let what = What::Notice { id: notice.id, at: notice.at };
            let order = PushOrder { subscription, user: notice.to, what };
            self.order(&key_of(subscription, notice), &order, now, now.plus(PUSH_DELAY)).await?;
        }
        Ok(())
    }

    /// The pushes of these notices, as long as they are known.
    pub(crate) async fn of(&self, notices: &[Notice]) -> Result<Vec<Job>, StoreError> {
        let devices = self.devices_of(notices).await?;
        let keys: Vec<String> =
            devices.into_iter().map(|(subscription, notice)| key_of(subscription, notice)).collect();
        if keys.is_empty() {
            Ok(Vec::new())
        } else {
            self.jobs.store.by_keys(&keys).await
        }
    }

    /// Each notice with each device of whom it is to.
    async fn devices_of<'a>(&self, notices: &'a [Notice]) -> Result<Vec<(Uuid, &'a Notice)>, StoreError> {
        let mut users: Vec<UserId> = notices.iter().map(|notice| notice.to).collect();
        users.sort_unstable();
        users.dedup();
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let subscriptions = self.store.subscriptions(&users, PUSH_SUBSCRIPTIONS_READ_MAX).await?;
        let of_device = |subscription: PushSubscription| {
            let own = notices.iter().filter(move |notice| notice.to == subscription.user);
            own.map(move |notice| (subscription.id, notice))
        };
        Ok(subscriptions.into_iter().flat_map(of_device).collect())
    }

    /// The room was read, or the whole inbox: devices that show something of it take it away.
    pub(crate) async fn read(&self, user: UserId, room: Option<RoomId>) -> Result<(), StoreError> {
        let topic = room.map(|room| topic_of_room(user, room));
        let now = UnixMillis::now();
        for id in self.store.take_shown(user, topic.as_deref(), PUSH_SHOWN_TAKEN_MAX).await? {
            let place = room.map(|room| room.to_string()).unwrap_or_default();
            let key = format!("push {} read {place} {}", id.simple(), now.0);
            let order = PushOrder { subscription: id, user, what: What::Read { room, at: now } };
            self.order(&key, &order, now, now).await?;
        }
        Ok(())
    }

    async fn order(&self, key: &str, payload: &PushOrder, now: UnixMillis, due: UnixMillis) -> Result<(), StoreError> {
        let order = Order { kind: KIND, key, about: Some(payload.user), payload };
        self.jobs.add_later(order, now, due).await.map(drop)
    }
}

/// One push of a notice to a device is one job.
fn key_of(subscription: Uuid, notice: &Notice) -> String {
    format!("push {} {} {}", subscription.simple(), notice.id, notice.at.0)
}

/// Whether a notice is about something that was said: reading the room clears it.
const fn is_said(kind: NoticeKind) -> bool {
    matches!(kind, NoticeKind::Mention | NoticeKind::Reply | NoticeKind::DirectMessage)
}

/// What replaces what, at the push service and on the device: the newest of what was said in a room.
fn topic_of(notice: &Notice) -> String {
    match notice.room {
        Some(room) if is_said(notice.kind) => topic_of_room(notice.to, room),
        Some(_) | None => topic(&[b"notice", notice.id.as_uuid().as_bytes()]),
    }
}

/// It says nothing of the room to whoever carries it.
fn topic_of_room(user: UserId, room: RoomId) -> String {
    topic(&[b"room", user.as_uuid().as_bytes(), room.as_uuid().as_bytes()])
}

fn topic(parts: &[&[u8]]) -> String {
    let mut text = URL_SAFE_NO_PAD.encode(digest(&SHA256, &parts.concat()));
    text.truncate(TOPIC_CHARS);
    text
}
