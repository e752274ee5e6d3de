//! Sends pushes: the handler of jobs of the kind `push`. What is right is decided when one is sent, not when it was ordered.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::EventBody;
use rookery_protocol::id::{MessageId, NoticeId, RoomId, UserId};
use rookery_protocol::notice::NoticeKind;
use rookery_runtime::outgoing::{Answer, OutgoingError, SECURE};
use rookery_store::job::Job;
use rookery_store::notice::Notice;
use rookery_store::push::PushSubscription;
use rookery_store::user::{NotificationLevel, User};
use rookery_store::{StoreError, Stores};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::encryption::{DeviceKeys, encrypt};
use super::payload::{Payload, Words, snippet};
use super::{Push, PushOrder, What, is_said, topic, topic_of, topic_of_room};
use crate::jobs::{Handler, JobError, job_payload};
use crate::limits::{JOB_ATTEMPTS_MAX, PUSH_DEADLINE, PUSH_TTL, PUSH_TURN_WAIT, PUSHES_AT_ONCE};
use crate::metrics::Metrics;
use crate::purged::hide_purged;

const TTL: HeaderName = HeaderName::from_static("ttl");
const URGENCY: HeaderName = HeaderName::from_static("urgency");
const TOPIC: HeaderName = HeaderName::from_static("topic");

/// Sends pushes.
pub(crate) struct PushSender {
    push: Push,
    stores: Stores,
    metrics: Metrics,
    /// So that push services that are slow leave other jobs their turns.
    permits: Semaphore,
}

/// A push that is to be sent.
struct Letter {
    payload: Payload,
    topic: String,
    urgency: &'static str,
    /// How long a push service keeps it for a device that is away.
    ttl: Duration,
}

/// What becomes of a push.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Sent,
    /// The device is not subscribed any more.
    Gone,
    /// It is too long for this push service.
    Long,
    /// It will not be taken, now or later.
    Refused(String),
    /// It may be taken later.
    Later(String, Option<Duration>),
}

#[async_trait]
impl Handler for PushSender {
    fn kind(&self) -> &'static str {
        super::KIND
    }

    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let result = self.carry_out(job).await?;
        self.metrics.pushes.with_label_values(&[result]).inc();
        Ok(())
    }
}

impl PushSender {
    pub(crate) fn new(push: Push, stores: Stores, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self { push, stores, metrics, permits: Semaphore::new(PUSHES_AT_ONCE) })
    }

    /// What became of it, as it is counted.
    async fn carry_out(&self, job: &Job) -> Result<&'static str, JobError> {
        let order: PushOrder = job_payload(job, "the push")?;
        let now = UnixMillis::now();
        let ttl = PUSH_TTL.saturating_sub(now.since(job.created_at));
        if ttl.is_zero() {
            return Ok("expired");
        }
        let Some((subscription, user)) = self.recipient(&order, now).await? else { return Ok("gone") };
        let Some(letter) = self.letter(&order.what, &user, now, ttl).await? else { return Ok("unwanted") };
        let late = || JobError::After("other pushes are under way".to_owned(), PUSH_TURN_WAIT);
        let fate = match timeout(PUSH_TURN_WAIT, self.permits.acquire()).await {
            Ok(Ok(_permit)) => self.send(&subscription, &letter, now).await,
            Ok(Err(_)) | Err(_) => return self.again(job, late()),
        };
        match fate {
            Fate::Sent => {
                self.note(&subscription, &order.what, &letter, now).await?;
                Ok("sent")
            }
            Fate::Gone => {
                self.push.store.unsubscribe(subscription.user, subscription.id).await?;
                Ok("gone")
            }
            Fate::Long => Ok("refused"),
            Fate::Refused(why) => {
                tracing::warn!(why, "a push was refused for good");
                Ok("refused")
            }
            Fate::Later(why, None) => self.again(job, JobError::Again(why)),
            Fate::Later(why, Some(wait)) => self.again(job, JobError::After(why, wait)),
        }
    }

    /// A push that never gets through is no matter for an operator's list of dead jobs.
    fn again(&self, job: &Job, error: JobError) -> Result<&'static str, JobError> {
        if job.attempts >= JOB_ATTEMPTS_MAX {
            return Ok("given_up");
        }
        self.metrics.pushes.with_label_values(&["again"]).inc();
        Err(error)
    }

    /// The device and whose it is, as long as the login lives that it was subscribed with. One that has ended is forgotten.
    async fn recipient(
        &self,
        order: &PushOrder,
        now: UnixMillis,
    ) -> Result<Option<(PushSubscription, User)>, StoreError> {
        let found = self.push.store.subscription(order.subscription).await?;
        let Some(subscription) = found.filter(|found| found.user == order.user) else { return Ok(None) };
        let session = self.stores.sessions.by_id(subscription.session).await?;
        let is_open = session.is_some_and(|session| session.revoked_at.is_none() && now < session.ends_at());
        let user = if is_open { self.stores.users.enabled(order.user).await? } else { None };
        match user {
            Some(user) => Ok(Some((subscription, user))),
            None => self.push.store.unsubscribe(order.user, subscription.id).await.map(|_| None),
        }
    }

    /// None if there is nothing to tell, or any more.
    async fn letter(
        &self,
        what: &What,
        user: &User,
        now: UnixMillis,
        ttl: Duration,
    ) -> Result<Option<Letter>, StoreError> {
        match what {
            What::Read { room, .. } => {
                let topic = match room {
                    Some(room) => topic_of_room(user.id, *room),
                    None => topic(&[b"read", user.id.as_uuid().as_bytes()]),
                };
                Ok(Some(Letter { payload: Payload::Read { room: *room }, topic, urgency: "normal", ttl }))
            }
            What::Notice { id, at } => {
                let found = self.unread(user.id, *id, *at).await?;
                let Some(notice) = found else { return Ok(None) };
                if !self.is_wanted(&notice, user, now).await? {
                    return Ok(None);
                }
                let has_words = user.settings.notifications.push_text;
                let said = match (notice.room, notice.message) {
                    (Some(room), Some(message)) if has_words || is_said(notice.kind) => {
                        let said = self.text(room, message).await?;
                        // It was deleted meanwhile.
                        if said.is_none() && is_said(notice.kind) {
                            return Ok(None);
                        }
                        said
                    }
                    _ => None,
                };
                let words = if has_words { Some(self.words(&notice, said).await?) } else { None };
                let urgency = match (is_said(notice.kind), notice.kind == NoticeKind::Announcement) {
                    (true, _) => "high",
                    (false, true) => "low",
                    (false, false) => "normal",
                };
                let topic = topic_of(&notice);
                Ok(Some(Letter { payload: Payload::of(&notice, words), topic, urgency, ttl }))
            }
        }
    }

    /// The notice, if it is still the one that was made then and nobody has read it.
    async fn unread(&self, user: UserId, id: NoticeId, at: UnixMillis) -> Result<Option<Notice>, StoreError> {
        let found = self.stores.notices.get(user, id).await?;
        Ok(found.filter(|notice| !notice.read && notice.at == at))
    }

    /// What is chosen for the room counts, else what is chosen for all of them. Nothing is told in quiet hours, or of rooms that
    /// the user is in no more.
    async fn is_wanted(&self, notice: &Notice, user: &User, now: UnixMillis) -> Result<bool, StoreError> {
        let settings = &user.settings.notifications;
        if settings.quiet_hours.is_some_and(|hours| hours.contain(now)) {
            return Ok(false);
        }
        let Some(room) = notice.room else { return Ok(settings.level != NotificationLevel::None) };
        let chosen = self.stores.preferences.get(user.id, room).await?;
        if !is_said(notice.kind) {
            return Ok(settings.level != NotificationLevel::None && !chosen.is_muted(now));
        }
        Ok(chosen.wants(notice.kind, settings.level, now) && self.stores.members.get(room, user.id).await?.is_some())
    }

    async fn words(&self, notice: &Notice, said: Option<String>) -> Result<Words, StoreError> {
        let by = match notice.by {
            Some(by) => self.stores.users.by_id(by).await?,
            None => None,
        };
        let by_name = by.map(|by| match &by.profile.display_name {
            Some(name) => name.as_str().to_owned(),
            None => by.username.as_str().to_owned(),
        });
        let room_name = match notice.room {
            Some(room) => self.stores.rooms.by_ids(&[room]).await?.pop().map(|room| room.name.as_str().to_owned()),
            None => None,
        };
        let text = said.or_else(|| notice.text.clone()).map(|text| snippet(&text));
        Ok(Words { by_name, room_name: room_name.filter(|name| !name.is_empty()), text })
    }

    /// What a message says now.
    async fn text(&self, room: RoomId, id: MessageId) -> Result<Option<String>, StoreError> {
        let Some(said) = self.stores.messages.message(room, id).await? else { return Ok(None) };
        let mut states = self.stores.messages.states(&[id], &[]).await?;
        hide_purged(&self.stores, std::slice::from_ref(&said), &mut states).await?;
        let state = states.remove(&id).unwrap_or_default();
        let EventBody::Message(message) = said.event.body else { return Ok(None) };
        let content = state.edit.map_or(message.content, |edit| edit.content);
        Ok((!state.deleted).then_some(content))
    }

    /// A push that is too long with its words is sent again without.
    async fn send(&self, to: &PushSubscription, letter: &Letter, now: UnixMillis) -> Fate {
        let fate = self.post(to, letter, &letter.payload.bytes(), now).await;
        if fate == Fate::Long && letter.payload != letter.payload.brief() {
            return self.post(to, letter, &letter.payload.brief().bytes(), now).await;
        }
        fate
    }

    async fn post(&self, to: &PushSubscription, letter: &Letter, text: &[u8], now: UnixMillis) -> Fate {
        let outgoing = &self.push.options.outgoing;
        // Operators may have decided otherwise since.
        let Ok(destination) = outgoing.destination(&to.endpoint, SECURE) else { return Fate::Gone };
        let Ok(body) = encrypt(text, DeviceKeys { p256dh: &to.p256dh, auth: &to.auth }) else {
            return Fate::Gone;
        };
        let Some(headers) = self.headers(&destination.origin(), letter, now) else {
            return Fate::Later("the key of pushes is not known yet".to_owned(), None);
        };
        fate(outgoing.post(&destination, headers, Bytes::from(body), PUSH_DEADLINE).await)
    }

    fn headers(&self, origin: &str, letter: &Letter, now: UnixMillis) -> Option<HeaderMap> {
        let contact = self.push.options.contact.as_deref();
        let authorization = self.push.key.get()?.authorization(origin, contact, now)?;
        let mut authorization = HeaderValue::try_from(authorization).ok()?;
        authorization.set_sensitive(true);
        Some(
            [
                (AUTHORIZATION, authorization),
                (CONTENT_ENCODING, HeaderValue::from_static("aes128gcm")),
                (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
                (TTL, HeaderValue::from(letter.ttl.as_secs())),
                (URGENCY, HeaderValue::from_static(letter.urgency)),
                (TOPIC, HeaderValue::try_from(&letter.topic).ok()?),
            ]
            .into_iter()
            .collect(),
        )
    }

    /// What the device shows now is taken back once it is read; also if that was while it was sent.
    async fn note(
        &self,
        to: &PushSubscription,
        what: &What,
        letter: &Letter,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let What::Notice { id, at } = what else { return Ok(()) };
        self.push.store.note_shown(to, &letter.topic, now, now.minus(PUSH_TTL)).await?;
        let found = self.stores.notices.get(to.user, *id).await?;
        match found.filter(|notice| notice.at == *at && notice.read) {
            Some(notice) => self.push.read(to.user, notice.room.filter(|_| is_said(notice.kind))).await,
            None => Ok(()),
        }
    }
}

fn fate(answer: Result<Answer, OutgoingError>) -> Fate {
    let Answer { status, retry_after } = match answer {
        Ok(answer) => answer,
        Err(OutgoingError::Private) => return Fate::Refused(OutgoingError::Private.to_string()),
        Err(error @ (OutgoingError::Late | OutgoingError::Failed(_))) => return Fate::Later(error.to_string(), None),
    };
    match status {
        status if status.is_success() => Fate::Sent,
        StatusCode::NOT_FOUND | StatusCode::GONE => Fate::Gone,
        StatusCode::PAYLOAD_TOO_LARGE => Fate::Long,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Fate::Later(told(status), retry_after),
        status if status.is_server_error() => Fate::Later(told(status), retry_after),
        status => Fate::Refused(told(status)),
    }
}

fn told(status: StatusCode) -> String {
    format!("the push service answers {}", status.as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_push_service_answers_decides_what_becomes_of_a_push() {
        let answered = |status, wait: Option<u64>| {
            let status = StatusCode::from_u16(status).unwrap();
            fate(Ok(Answer { status, retry_after: wait.map(Duration::from_secs) }))
        };
        for status in [200, 201, 202, 204] {
            assert_eq!(answered(status, None), Fate::Sent, "{status}");
        }
        for status in [404, 410] {
            assert_eq!(answered(status, None), Fate::Gone, "{status}");
        }
        for status in [301, 307, 400, 401, 403] {
            assert!(matches!(answered(status, None), Fate::Refused(_)), "{status}");
        }
        assert_eq!(answered(413, None), Fate::Long);
        for (status, wait) in [(429, Some(7)), (503, Some(9)), (500, None), (408, None)] {
            let expected = Fate::Later(told(StatusCode::from_u16(status).unwrap()), wait.map(Duration::from_secs));
            assert_eq!(answered(status, wait), expected);
        }
        assert!(matches!(fate(Err(OutgoingError::Private)), Fate::Refused(_)));
        assert!(matches!(fate(Err(OutgoingError::Late)), Fate::Later(_, None)));
    }
}
