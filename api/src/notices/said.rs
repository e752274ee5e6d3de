//! Notices of what was said and done in rooms: mentions and replies, and what was done to members.
//!
//! They are made beside ingest, of what is stored. A process that is killed loses those it has in hand; the counts of
//! unread messages and mentions, which come from history, lose nothing.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use rookery_protocol::access::RoomKind;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::mention;
use rookery_protocol::notice::NoticeKind;
use rookery_runtime::shutdown::Shutdown;
use rookery_store::job::Job;
use rookery_store::joining::RequestState;
use rookery_store::notice::Occasion;
use rookery_store::{StoreError, Stores};
use tokio::time::{sleep, timeout};

use super::feed::StoredEvents;
use super::{Notices, acts};
use crate::limits::{NOTICE_ATTEMPTS, NOTICE_BATCH_MAX, NOTICE_KEPT, NOTICE_PAUSE};

/// How long the end of the process waits for the last events.
const LAST_EVENTS_WAIT: Duration = Duration::from_millis(300);

/// Between a decision and the event that brings somebody in, by different clocks, at most.
const APPROVED_FOR: Duration = Duration::from_mins(1);

/// Members of a direct room.
const DIRECT_MEMBERS: usize = 2;

/// Makes notices of what was said.
pub(crate) struct SaidNotices {
    pub(crate) stores: Stores,
    pub(crate) notices: Notices,
}

/// Somebody is spoken to by a message, by name or by what it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call<'a> {
    event: &'a SequencedEvent,
    message: MessageId,
    names: BTreeSet<String>,
    answers: Option<MessageId>,
}

impl SaidNotices {
    /// Works until the process ends, and once more on what was stored last.
    pub(crate) async fn follow(self: Arc<Self>, mut stored: StoredEvents, shutdown: Shutdown) {
        let mut events = Vec::new();
        let drain = shutdown.drain.clone();
        while let Some(received) =
            drain.run_until_cancelled(stored.events.recv_many(&mut events, NOTICE_BATCH_MAX)).await
        {
            if received == 0 {
                return;
            }
            self.take(&mut events, &stored).await;
        }
        while let Ok(1..) = timeout(LAST_EVENTS_WAIT, stored.events.recv_many(&mut events, NOTICE_BATCH_MAX)).await {
            self.take(&mut events, &stored).await;
        }
        if let Err(error) = stored.days.keep(&self.stores).await {
            tracing::debug!(%error, "the last messages are not counted");
        }
    }

    async fn take(&self, events: &mut Vec<SequencedEvent>, stored: &StoredEvents) {
        let metrics = &self.notices.metrics;
        metrics.notice_events_lost.inc_by(stored.lost());
        for attempt in 1..=NOTICE_ATTEMPTS {
            let Err(error) = self.tell(events, &stored.direct).await else { break };
            if attempt == NOTICE_ATTEMPTS {
                metrics.notice_failures.inc();
                tracing::warn!(%error, events = events.len(), "notices of messages were not made");
            } else {
                sleep(NOTICE_PAUSE).await;
            }
        }
        events.clear();
    }

    /// The pushes of a message, as long as they are known. Of messages in a room of two only those of the newest are.
    pub(crate) async fn pushes(&self, message: &SequencedEvent) -> Result<Vec<Job>, StoreError> {
        let told = self.occasions(slice::from_ref(message), &Cache::new(1)).await?;
        self.notices.pushes(&told).await
    }

    async fn tell(&self, events: &[SequencedEvent], direct: &Cache<RoomId, bool>) -> Result<(), StoreError> {
        let occasions = self.occasions(events, direct).await?;
        self.notices.tell_all(occasions).await
    }

    /// Who is to be told of what.
    async fn occasions(
        &self,
        events: &[SequencedEvent],
        direct: &Cache<RoomId, bool>,
    ) -> Result<Vec<(UserId, Occasion)>, StoreError> {
        let oldest = UnixMillis::now().minus(NOTICE_KEPT);
        let calls: Vec<Call<'_>> =
            events.iter().filter(|event| event.timestamp > oldest).filter_map(Call::of).collect();
        let (users, authors) = (self.users(&calls).await?, self.authors(&calls).await?);
        let mut told: HashMap<(RoomId, UserId), Vec<Occasion>> = HashMap::new();
        for call in &calls {
            for (to, kind) in call.spoken_to(&users, &authors) {
                told.entry((call.event.room, to)).or_default().push(call.occasion(kind));
            }
        }
        let places: Vec<(RoomId, UserId)> = told.keys().copied().collect();
        let members = if places.is_empty() {
            Vec::new()
        } else {
            self.stores.members.places(&places).await?
        };
        let members: HashSet<(RoomId, UserId)> =
            members.into_iter().map(|member| (member.room_id, member.user_id)).collect();
        let said = told
            .into_iter()
            .filter(|(place, _)| members.contains(place))
            .flat_map(|((_, to), occasions)| occasions.into_iter().map(move |occasion| (to, occasion)));
        let mut all: Vec<(UserId, Occasion)> = said.collect();
        // Who was removed is told as well.
        for event in events.iter().filter(|event| event.timestamp > oldest) {
            let Some((member, done)) = acts::of_event(event) else { continue };
            if done.kind != NoticeKind::Invite || !self.is_approved(event, member).await? {
                all.push((member, done));
            }
        }
        let written = self.written(events, direct).await?;
        // Who is written to in a room of two is told that, however the message speaks.
        all.retain(|(_, occasion)| occasion.room.is_none_or(|room| direct.get(&room) != Some(true)));
        all.extend(written);
        Ok(all)
    }

    /// Whether somebody comes in who had asked to, and is told of that decision instead.
    async fn is_approved(&self, event: &SequencedEvent, member: UserId) -> Result<bool, StoreError> {
        let request = self.stores.join_requests.get(event.room, member).await?;
        Ok(request.is_some_and(|request| {
            let decided_at = request.decided_at.filter(|_| request.state == RequestState::Approved);
            decided_at.is_some_and(|at| at.since(event.timestamp).max(event.timestamp.since(at)) <= APPROVED_FOR)
        }))
    }

    /// The newest message to each other one in rooms of two.
    async fn written(
        &self,
        events: &[SequencedEvent],
        direct: &Cache<RoomId, bool>,
    ) -> Result<Vec<(UserId, Occasion)>, StoreError> {
        let messages = || events.iter().filter(|event| matches!(event.event.body, EventBody::Message(_)));
        let unknown: HashSet<RoomId> =
            messages().map(|event| event.room).filter(|room| direct.get(room).is_none()).collect();
        if !unknown.is_empty() {
            let unknown: Vec<RoomId> = unknown.into_iter().collect();
            for room in self.stores.rooms.by_ids(&unknown).await? {
                direct.insert(room.id, room.kind == RoomKind::Direct);
            }
        }
        let newest: HashMap<(RoomId, UserId), &SequencedEvent> = messages()
            .filter(|event| direct.get(&event.room) == Some(true))
            .map(|event| ((event.room, event.event.user_id), event))
            .collect();
        let mut all = Vec::new();
        for ((room, by), event) in newest {
            let members = self.stores.members.page(room, None, DIRECT_MEMBERS).await?;
            let occasion = Occasion::said(NoticeKind::DirectMessage, room, event.event.id, event.position(), by);
            let others = members.iter().filter(|member| member.user_id != by);
            all.extend(others.map(|member| (member.user_id, occasion.clone())));
        }
        Ok(all)
    }

    async fn users(&self, calls: &[Call<'_>]) -> Result<HashMap<String, UserId>, StoreError> {
        let names: BTreeSet<String> = calls.iter().flat_map(|call| call.names.iter().cloned()).collect();
        if names.is_empty() {
            return Ok(HashMap::new());
        }
        let names: Vec<String> = names.into_iter().collect();
        let found = self.stores.users.by_names(&names).await?;
        Ok(found.into_iter().map(|user| (user.username.key(), user.id)).collect())
    }

    /// Whose the messages are that were answered, and in which rooms.
    async fn authors(&self, calls: &[Call<'_>]) -> Result<HashMap<MessageId, UserId>, StoreError> {
        let mut authors = HashMap::new();
        for (room, answered) in calls.iter().filter_map(|call| Some((call.event.room, call.answers?))) {
            if authors.contains_key(&answered) {
                continue;
            }
            if let Some(message) = self.stores.messages.message(room, answered).await? {
                authors.insert(answered, message.event.user_id);
            }
        }
        Ok(authors)
    }
}

impl<'a> Call<'a> {
    /// None if it speaks to nobody.
    fn of(event: &'a SequencedEvent) -> Option<Self> {
        let (message, text, answers) = match &event.event.body {
            EventBody::Message(message) => (event.event.id, &message.content, message.reply_to),
            EventBody::MessageChange(MessageChanged::Edited { message_id, content, .. }) => {
                (*message_id, content, None)
            }
            EventBody::MessageChange(_) | EventBody::Membership(_) | EventBody::Room(_) | EventBody::Unknown(_) => {
                return None;
            }
        };
        let names = mention::names(text);
        (!names.is_empty() || answers.is_some()).then_some(Self { event, message, names, answers })
    }

    /// Who is told, of what: somebody who is both answered and named is told once.
    fn spoken_to(
        &self,
        users: &HashMap<String, UserId>,
        authors: &HashMap<MessageId, UserId>,
    ) -> HashMap<UserId, NoticeKind> {
        let named = self.names.iter().filter_map(|name| users.get(name));
        let mut told: HashMap<UserId, NoticeKind> = named.map(|user| (*user, NoticeKind::Mention)).collect();
        let answered = self.answers.and_then(|message| authors.get(&message));
        told.extend(answered.map(|user| (*user, NoticeKind::Reply)));
        told.remove(&self.event.event.user_id);
        told
    }

    fn occasion(&self, kind: NoticeKind) -> Occasion {
        let SequencedEvent { room, event, .. } = self.event;
        Occasion::said(kind, *room, self.message, self.event.position(), event.user_id)
    }
}

#[cfg(test)]
mod tests {
    use rookery_protocol::event::{Event, NewMessage, Sender};
    use rookery_protocol::id::{ClientId, Epoch, Seq};

    use super::*;

    fn said(by: UserId, content: &str, reply_to: Option<MessageId>) -> SequencedEvent {
        let room = RoomId::generate();
        let sender = Sender { user_id: by, username: "ann".to_owned() };
        let new = NewMessage {
            content: content.to_owned(),
            client_id: ClientId::generate(),
            reply_to,
            attachments: Vec::new(),
        };
        let event = Event::message(room, sender, new);
        SequencedEvent { room, epoch: Epoch(1), seq: Seq::new(7), timestamp: UnixMillis(1), event }
    }

    #[test]
    fn who_is_answered_and_named_is_told_once_and_nobody_of_oneself() {
        let (ann, ben, cy) = (UserId::generate(), UserId::generate(), UserId::generate());
        let users = [("ann".to_owned(), ann), ("ben".to_owned(), ben), ("cyd".to_owned(), cy)].into();
        let answered = MessageId::generate();
        let event = said(ann, "@ann @ben @cyd @nobody", Some(answered));
        let call = Call::of(&event).unwrap();
        let told = call.spoken_to(&users, &[(answered, ben)].into());
        assert_eq!(told, [(ben, NoticeKind::Reply), (cy, NoticeKind::Mention)].into());
        assert_eq!(call.spoken_to(&users, &HashMap::new()).len(), 2);
        assert_eq!(Call::of(&said(ann, "a@b c", None)), None);
        let own = said(ann, "again", Some(answered));
        assert_eq!(Call::of(&own).unwrap().spoken_to(&users, &[(answered, ann)].into()), HashMap::new());
    }
}
