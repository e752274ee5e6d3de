//! Message changes in MongoDB. Every change is guarded by the place of its event, so it may be made again, late, and
//! beside others. A guard compares one text, `place`, so that it is one range of an index.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt as _, stream};
use mongodb::Collection;
use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::{MessageId, UserId};
use rookery_protocol::mention;
use rookery_protocol::position::Position;
use rookery_store::message::target_of;
use rookery_store::message_state::{MessageState, Reacted};
use rookery_store::{StoreError, integer};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{is_duplicate, left_out};
use super::event_document::MessageDocument;
use super::files::{self, FileDocument};
use super::pin_document::PinDocument;
use super::unread::{self, MentionDocument};
use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::documents::StateDocument;
use crate::error::Failed;
use crate::fields::{date, key, order, place, uuid_of};
use crate::limits::MESSAGE_CHANGES_AT_ONCE;

/// The last word of one user about one reaction; its id is made of the three.
#[derive(Serialize, Deserialize)]
pub(super) struct ReactionDocument {
    #[serde(rename = "_id")]
    id: String,
    message_id: Uuid,
    user_id: Uuid,
    emoji: String,
    epoch: i64,
    seq: i64,
    active: bool,
    /// When it was taken back; none if it is there.
    #[serde(default)]
    taken_back_at: Option<DateTime>,
}

/// The collections that changes of messages update.
#[derive(Clone)]
pub(super) struct MessageChanges {
    messages: Collection<MessageDocument>,
    states: Collection<StateDocument>,
    reactions: Collection<ReactionDocument>,
    mentions: Collection<MentionDocument>,
    pins: Collection<PinDocument>,
    files: Collection<FileDocument>,
}

impl MessageChanges {
    pub(super) fn new(mongo: &Mongo) -> Self {
        Self {
            messages: mongo.messages.clone(),
            states: mongo.states.clone(),
            reactions: mongo.reactions.clone(),
            mentions: mongo.mentions.clone(),
            pins: mongo.pins.clone(),
            files: mongo.files.clone(),
        }
    }

    /// Takes in events that are stored by now.
    pub(super) async fn apply(&self, events: &[SequencedEvent]) -> Result<(), Failed> {
        let changes = self.placed(events).await?;
        let changes = stream::iter(changes)
            .map(|event| self.clone().change(event))
            .buffer_unordered(MESSAGE_CHANGES_AT_ONCE);
        changes.try_collect::<Vec<()>>().await?;
        self.apply_to_messages(events).await
    }

    /// The changes that are stored at their own position. A late repeat is stored at its first one and changes nothing.
    async fn placed(&self, events: &[SequencedEvent]) -> Result<Vec<SequencedEvent>, Failed> {
        let is_change = |event: &&SequencedEvent| target_of(&event.event.body).is_some();
        let changes: Vec<SequencedEvent> = events.iter().filter(is_change).cloned().collect();
        if changes.is_empty() {
            return Ok(changes);
        }
        let ids: Vec<Bson> = changes.iter().map(|event| key(event.event.id.as_uuid()).into()).collect();
        let stored: Vec<MessageDocument> = self.messages.find(any_of("_id", ids)).await?.try_collect().await?;
        let places: HashSet<_> = stored.into_iter().map(|event| (event.id, event.epoch, event.seq)).collect();
        let mut found = Vec::with_capacity(changes.len());
        for event in changes {
            let (epoch, seq) = place_in(&event)?;
            if places.contains(&(key(event.event.id.as_uuid()), epoch, seq)) {
                found.push(event);
            }
        }
        Ok(found)
    }

    async fn change(self, event: SequencedEvent) -> Result<(), Failed> {
        let (epoch, seq) = place_in(&event)?;
        let order = order(event.position());
        match &event.event.body {
            EventBody::MessageChange(MessageChanged::Edited { message_id, content, .. }) => {
                let mut filter = by_id(key(message_id.as_uuid()));
                filter.insert("place", doc! { "$lt": &order });
                let at = date(event.timestamp);
                let set = doc! { "place": order, "epoch": epoch, "seq": seq, "edited_at": at, "content": content };
                upsert(&self.states, filter, doc! { "$set": set }).await
            }
            EventBody::MessageChange(MessageChanged::Deleted { message_id }) => {
                // Without a place no edit is newer.
                let unset = doc! { "place": "", "epoch": "", "seq": "", "edited_at": "", "content": "" };
                let update = doc! { "$set": { "deleted": true }, "$unset": unset };
                upsert(&self.states, by_id(key(message_id.as_uuid())), update).await
            }
            EventBody::MessageChange(
                reacted @ (MessageChanged::ReactionAdded { message_id, emoji }
                | MessageChanged::ReactionRemoved { message_id, emoji }),
            ) => {
                let user = event.event.user_id;
                let mut filter = by_id(format!("{message_id} {user} {emoji}"));
                filter.insert("place", doc! { "$lt": &order });
                let active = matches!(reacted, MessageChanged::ReactionAdded { .. });
                let set = doc! {
                    "place": order,
                    "message_id": key(message_id.as_uuid()),
                    "user_id": key(user.as_uuid()),
                    "emoji": emoji.as_str(),
                    "epoch": epoch,
                    "seq": seq,
                    "active": active,
                };
                let since = doc! { "taken_back_at": date(UnixMillis::now()) };
                let update = if active {
                    doc! { "$set": set, "$unset": since }
                } else {
                    doc! { "$set": set.into_iter().chain(since).collect::<Document>() }
                };
                upsert(&self.reactions, filter, update).await
            }
            EventBody::MessageChange(MessageChanged::Pinned { .. } | MessageChanged::Unpinned { .. })
            | EventBody::Message(_)
            | EventBody::Membership(_)
            | EventBody::Room(_)
            | EventBody::Unknown(_) => Ok(()),
        }
    }

    /// Deletes the texts of deleted messages among those that the events bring or are about, and notes whom the others
    /// mention, whatever came first.
    async fn apply_to_messages(&self, events: &[SequencedEvent]) -> Result<(), Failed> {
        let ids: HashSet<MessageId> = events.iter().filter_map(with_text).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let filter = any_of("_id", ids.into_iter().map(|id| key(id.as_uuid()).into()).collect());
        let known: Vec<StateDocument> = self.states.find(filter).await?.try_collect().await?;
        let (deleted, edited): (Vec<_>, Vec<_>) = known.into_iter().partition(|state| state.deleted);
        for StateDocument { id, .. } in deleted {
            self.clear(id).await?;
        }
        let mut states = HashMap::new();
        for state in edited {
            states.insert(state.id, MessageState::try_from(state)?);
        }
        self.record_mentions(events, &states).await
    }

    /// These messages are as if they were deleted.
    pub(super) async fn discard(&self, ids: &[Uuid]) -> Result<(), Failed> {
        for id in ids {
            let unset = doc! { "place": "", "epoch": "", "seq": "", "edited_at": "", "content": "" };
            let update = doc! { "$set": { "deleted": true }, "$unset": unset };
            upsert(&self.states, by_id(*id), update).await?;
            self.reactions.delete_many(doc! { "message_id": *id }).await?;
            self.clear(*id).await?;
        }
        Ok(())
    }

    async fn clear(&self, id: Uuid) -> Result<(), Failed> {
        let clear = doc! { "$set": { "content": "" }, "$unset": { "said_by": "", "attachments": "" } };
        self.messages.update_one(by_id(id), clear).await?;
        self.messages
            .update_many(doc! { "edit_of": id }, doc! { "$set": { "content": "" } })
            .await?;
        self.mentions.delete_many(doc! { "message_id": id }).await?;
        self.pins.delete_one(by_id(id)).await?;
        files::condemn_of_message(&self.files, MessageId::from_uuid(uuid_of(id))).await
    }

    /// The messages are read again: only what is stored counts, at the place it has there.
    async fn record_mentions(
        &self,
        events: &[SequencedEvent],
        states: &HashMap<Uuid, MessageState>,
    ) -> Result<(), Failed> {
        let said = events
            .iter()
            .filter(|event| names_somebody(event))
            .map(|event| key(event.event.id.as_uuid()));
        let edited = states
            .iter()
            .filter(|(_, state)| state.edit.as_ref().is_some_and(|edit| names(&edit.content)));
        let ids: HashSet<Uuid> = said.chain(edited.map(|(id, _)| *id)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let filter = any_of("_id", ids.into_iter().map(Bson::from).collect());
        let messages: Vec<MessageDocument> = self.messages.find(filter).await?.try_collect().await?;
        let mut documents = Vec::new();
        for message in messages {
            let state = states.get(&message.id);
            documents.extend(unread::mentions(&SequencedEvent::try_from(message)?, state)?);
        }
        if documents.is_empty() {
            return Ok(());
        }
        match self.mentions.insert_many(documents).ordered(false).await {
            Err(error) if left_out(&error).is_none() => Err(error.into()),
            Err(_) | Ok(_) => Ok(()),
        }
    }

    /// The states of messages, with the last words of these users.
    pub(super) async fn states(
        &self,
        ids: Vec<Bson>,
        users: &[UserId],
    ) -> Result<HashMap<MessageId, MessageState>, Failed> {
        let mut states: HashMap<MessageId, MessageState> = HashMap::new();
        let mut found = self.states.find(any_of("_id", ids.clone())).await?;
        while let Some(state) = found.try_next().await? {
            states.insert(MessageId::from_uuid(uuid_of(state.id)), MessageState::try_from(state)?);
        }
        let mut found = self.reactions.find(any_of("message_id", ids)).await?;
        while let Some(reaction) = found.try_next().await? {
            let message = MessageId::from_uuid(uuid_of(reaction.message_id));
            states.entry(message).or_default().reactions.take(Reacted::try_from(reaction)?, users);
        }
        Ok(states)
    }

    /// Who has a reaction, after a place.
    pub(super) async fn reacted(
        &self,
        message: MessageId,
        emoji: &Emoji,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Reacted>, Failed> {
        let mut filter = doc! { "message_id": key(message.as_uuid()), "emoji": emoji.as_str(), "active": true };
        filter.insert("place", doc! { "$gt": after.map(order).unwrap_or_default() });
        let ordered = doc! { "message_id": 1, "emoji": 1, "active": 1, "place": 1 };
        let found = page_of(&self.reactions, vec![filter], ordered, limit).await?;
        Ok(found.into_iter().map(Reacted::try_from).collect::<Result<_, _>>()?)
    }

    /// Forgets reactions that were taken back before that time.
    pub(super) async fn sweep(&self, before: UnixMillis, limit: usize) -> Result<usize, Failed> {
        let gone = doc! { "taken_back_at": { "$lt": date(before) } };
        let found = page_of(&self.reactions, vec![gone], doc! { "taken_back_at": 1 }, limit).await?;
        // What was given again meanwhile stays.
        let gone = found.into_iter().map(|reaction| async move {
            let same = doc! { "_id": reaction.id, "taken_back_at": reaction.taken_back_at };
            Ok::<u64, Failed>(self.reactions.delete_one(same).await?.deleted_count)
        });
        let gone: Vec<u64> = stream::iter(gone).buffer_unordered(MESSAGE_CHANGES_AT_ONCE).try_collect().await?;
        Ok(usize::try_from(gone.iter().sum::<u64>()).unwrap_or(usize::MAX))
    }
}

/// Whether it is a message that names somebody.
fn names_somebody(event: &SequencedEvent) -> bool {
    matches!(&event.event.body, EventBody::Message(message) if names(&message.content))
}

fn names(content: &str) -> bool {
    !mention::names(content).is_empty()
}

/// The message whose text an event brings or takes away.
const fn with_text(event: &SequencedEvent) -> Option<MessageId> {
    match &event.event.body {
        EventBody::Message(_) => Some(event.event.id),
        EventBody::MessageChange(
            MessageChanged::Edited { message_id, .. } | MessageChanged::Deleted { message_id },
        ) => Some(*message_id),
        EventBody::MessageChange(_) | EventBody::Membership(_) | EventBody::Room(_) | EventBody::Unknown(_) => None,
    }
}

fn any_of(field: &str, ids: Vec<Bson>) -> Document {
    doc! { field: { "$in": ids } }
}

fn place_in(event: &SequencedEvent) -> Result<(i64, i64), Failed> {
    Ok((integer::stored(event.epoch.0)?, integer::stored(event.seq.get())?))
}

/// Changes what the filter lets be changed, or makes it. A document that the filter keeps out collides with the
/// insert; whether it was only made this moment by somebody else, the second try finds out.
pub(super) async fn upsert<T>(collection: &Collection<T>, filter: Document, update: Document) -> Result<(), Failed>
where
    T: DeserializeOwned + Serialize + Send + Sync,
{
    match collection.update_one(filter.clone(), update.clone()).upsert(true).await {
        Err(error) if is_duplicate(&error) => Ok(collection.update_one(filter, update).await.map(drop)?),
        outcome => Ok(outcome.map(drop)?),
    }
}

impl TryFrom<ReactionDocument> for Reacted {
    type Error = StoreError;

    fn try_from(reaction: ReactionDocument) -> Result<Self, StoreError> {
        Ok(Self {
            user: UserId::from_uuid(uuid_of(reaction.user_id)),
            emoji: Emoji::kept(reaction.emoji),
            place: place(reaction.epoch, reaction.seq)?,
            active: reaction.active,
        })
    }
}
