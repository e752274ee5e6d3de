//! From what was stored to the task that makes notices of it. Whoever stores never waits: what does not fit is left out and
//! counted, and messages that mention and answer nobody are not even copied, unless their room is a direct one, or not
//! known to be none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::sync::Cache;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::RoomId;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::acts;
use crate::day_counts::DayCounts;
use crate::limits::{NOTICE_QUEUE_MAX, NOTICE_ROOMS_MAX};

/// Takes in what was stored. Cheap to clone.
#[derive(Clone)]
pub struct NoticeFeed {
    events: Sender<SequencedEvent>,
    direct: Cache<RoomId, bool>,
    lost: Arc<AtomicU64>,
    days: Arc<DayCounts>,
}

/// Gives what was stored and may concern somebody.
pub struct StoredEvents {
    pub(super) events: Receiver<SequencedEvent>,
    /// Whether a room is one of two users. A room stays what it is for.
    pub(super) direct: Cache<RoomId, bool>,
    lost: Arc<AtomicU64>,
    /// How many messages there were, whether they concern somebody or not.
    pub(crate) days: Arc<DayCounts>,
}

/// Both ends.
pub fn feed() -> (NoticeFeed, StoredEvents) {
    let ((sender, events), lost) = (channel(NOTICE_QUEUE_MAX), Arc::new(AtomicU64::new(0)));
    let direct = Cache::new(NOTICE_ROOMS_MAX);
    let days = Arc::new(DayCounts::default());
    let feed = NoticeFeed { events: sender, direct: direct.clone(), lost: Arc::clone(&lost), days: Arc::clone(&days) };
    (feed, StoredEvents { events, direct, lost, days })
}

impl NoticeFeed {
    /// These are stored.
    pub fn offer<'a>(&self, events: impl IntoIterator<Item = &'a SequencedEvent>) {
        let is_direct = |event: &SequencedEvent| {
            let is_said = matches!(event.event.body, EventBody::Message(_));
            is_said && self.direct.get(&event.room).unwrap_or(true)
        };
        let wanted = |event: &&SequencedEvent| may_concern(&event.event.body) || is_direct(event);
        let counted = events.into_iter().inspect(|event| self.days.take(event));
        for event in counted.filter(wanted) {
            if self.events.try_send(event.clone()).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl StoredEvents {
    /// How many did not fit since this was asked last.
    pub(super) fn lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

/// Whether somebody may have to be told of it. Pure, and no search for names: most messages have no `@`.
fn may_concern(body: &EventBody) -> bool {
    match body {
        EventBody::Message(message) => message.reply_to.is_some() || message.content.contains('@'),
        EventBody::MessageChange(MessageChanged::Edited { content, .. }) => content.contains('@'),
        EventBody::Membership(change) => acts::kind_of(change).is_some(),
        EventBody::MessageChange(_) | EventBody::Room(_) | EventBody::Unknown(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use rookery_protocol::clock::UnixMillis;
    use rookery_protocol::event::{Event, NewMessage, Sender as Author};
    use rookery_protocol::id::{ClientId, Epoch, MessageId, Seq, UserId};

    use super::*;

    fn said(content: &str, reply_to: Option<MessageId>) -> SequencedEvent {
        let (room, author) = (RoomId::generate(), Author { user_id: UserId::generate(), username: "ada".to_owned() });
        let new = NewMessage {
            content: content.to_owned(),
            client_id: ClientId::generate(),
            reply_to,
            attachments: Vec::new(),
        };
        let event = Event::message(room, author, new);
        SequencedEvent { room, epoch: Epoch(1), seq: Seq::new(1), timestamp: UnixMillis(1), event }
    }

    #[test]
    fn only_what_may_concern_somebody_is_kept_and_no_more_than_fits() {
        let (feed, mut stored) = feed();
        let [plain, direct, unknown] = [said("hi", None), said("hi", None), said("hi", None)];
        stored.direct.insert(plain.room, false);
        stored.direct.insert(direct.room, true);
        feed.offer(&[plain, direct, unknown]);
        assert_eq!(stored.events.len(), 2);
        let named = [said("hi @ada", None), said("yes", Some(MessageId::generate()))];
        for event in &named {
            stored.direct.insert(event.room, false);
        }
        feed.offer(&named);
        assert_eq!(stored.events.len(), 4);
        let many = vec![said("@ada", None); NOTICE_QUEUE_MAX];
        feed.offer(&many);
        assert_eq!((stored.lost(), stored.lost()), (4, 0));
        assert!(stored.events.try_recv().is_ok());
    }
}
