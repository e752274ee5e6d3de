//! Read marks and counts in MongoDB. A count is one range of an index, or three where a room has changed epochs since
//! the mark.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt as _, stream};
use mongodb::Collection;
use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use mongodb::options::{Hint, ReturnDocument};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::position::Position;
use rookery_store::limits::COUNTS_AT_ONCE;
use rookery_store::message_state::MessageState;
use rookery_store::room::{Member, MembershipPlace};
use rookery_store::unread::{Counts, Mention, Reader, Receipt, Span, mentions_of, unread_author};
use rookery_store::{StoreError, Unread, integer};
use serde::{Deserialize, Serialize};

use super::Mongo;
use crate::batch_reads::page_of;
use crate::documents::{StateDocument, one};
use crate::error::Failed;
use crate::fields::{date, key, order, place_in_order, time, uuid_of};

/// What of a membership says how far was read.
#[derive(Deserialize)]
struct ReceiptDocument {
    user_id: Uuid,
    #[serde(default)]
    read: String,
    #[serde(default)]
    read_at: Option<DateTime>,
}

impl From<ReceiptDocument> for Receipt {
    fn from(found: ReceiptDocument) -> Self {
        Self {
            user: UserId::from_uuid(uuid_of(found.user_id)),
            read: place_in_order(&found.read).unwrap_or(Position::START),
            at: found.read_at.map(time),
        }
    }
}

/// A name in one text of a message; the id is made of the three.
#[derive(Serialize, Deserialize)]
pub(super) struct MentionDocument {
    #[serde(rename = "_id")]
    id: String,
    pub(super) message_id: Uuid,
    name: String,
    /// The place of the edit that brought the text, as text; empty for the first one.
    pub(super) edit: String,
    /// When the message was said; absent where a release of before has stored it and not been followed yet.
    #[serde(default)]
    pub(super) said_at: Option<DateTime>,
    /// Place and author of the message.
    pub(super) room_id: Uuid,
    epoch: i64,
    seq: i64,
    #[serde(rename = "said_by")]
    author: Uuid,
}

#[async_trait]
impl Unread for Mongo {
    async fn advance(&self, room: RoomId, user: UserId, to: Position) -> Result<Option<Position>, StoreError> {
        let (members, filter) = (self.members.clone(), one(room, user));
        let found = self.calls.run(async move {
            let mut older = filter.clone();
            older.insert("read", doc! { "$lt": order(to) });
            let raise = doc! { "$set": { "read": order(to), "read_at": date(UnixMillis::now()) } };
            let raised = members.find_one_and_update(older, raise).return_document(ReturnDocument::After);
            match raised.await? {
                Some(raised) => Ok(Some(raised)),
                None => Ok(members.find_one(filter).await?),
            }
        });
        Ok(found.await?.map(|member| Member::from(member).read))
    }

    async fn receipts(&self, room: RoomId, limit: usize) -> Result<Vec<Receipt>, StoreError> {
        let members = self.members.clone_with_type::<ReceiptDocument>();
        let filter = doc! { "room_id": key(room.as_uuid()) };
        let found = self.calls.run(async move {
            let found = members.find(filter).limit(integer::limit(limit)).await?;
            Ok(found.try_collect::<Vec<_>>().await?)
        });
        Ok(found.await?.into_iter().map(Receipt::from).collect())
    }

    async fn marks(&self, user: UserId, rooms: &[RoomId]) -> Result<Vec<Member>, StoreError> {
        let rooms: Vec<Bson> = rooms.iter().map(|room| key(room.as_uuid()).into()).collect();
        let filter = doc! { "room_id": { "$in": rooms }, "user_id": key(user.as_uuid()) };
        let members = self.members.clone();
        let found = self
            .calls
            .run(async move { Ok(members.find(filter).await?.try_collect::<Vec<_>>().await?) });
        Ok(found.await?.into_iter().map(Member::from).collect())
    }

    async fn rooms(
        &self,
        user: UserId,
        after: Option<MembershipPlace>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let (members, ranges) = (self.members.clone(), ranges(user, after));
        let order = doc! { "user_id": 1, "joined_at": 1, "room_id": 1 };
        let found = self.calls.run(async move { page_of(&members, ranges, order, limit).await });
        Ok(found.await?.into_iter().map(Member::from).collect())
    }

    async fn counts(&self, reader: &Reader, spans: &[Span], most: usize) -> Result<Vec<Counts>, StoreError> {
        let counted = stream::iter(spans.to_vec()).map(|span| self.count(reader, span, most));
        Ok(counted.buffered(COUNTS_AT_ONCE).try_collect().await?)
    }
}

impl Mongo {
    async fn count(&self, reader: &Reader, span: Span, most: usize) -> Result<Counts, Failed> {
        let question = Question {
            messages: self.messages.clone(),
            mentions: self.mentions.clone(),
            states: self.states.clone(),
            reader: reader.clone(),
            span,
            most,
        };
        Ok(self.calls.run(question.count()).await?)
    }
}

/// One count, with all it needs.
struct Question {
    messages: Collection<super::MessageDocument>,
    mentions: Collection<MentionDocument>,
    states: Collection<StateDocument>,
    reader: Reader,
    span: Span,
    most: usize,
}

impl Question {
    async fn count(self) -> Result<Counts, Failed> {
        if self.span.is_empty() {
            return Ok(Counts::default());
        }
        let unread = self.unread().await?;
        if unread == 0 {
            return Ok(Counts::default());
        }
        let found = self.mentions().await?;
        // A text that is no longer current took a place among those that were looked for.
        let more = found.len() > self.most;
        let current = self.current(found).await?;
        let counts = Counts::new(unread, current, self.most);
        Ok(Counts { capped: counts.capped || more, ..counts })
    }

    async fn unread(&self) -> Result<usize, Failed> {
        let mut unread = 0;
        for mut range in segments(self.span) {
            let missing = (self.most + 1).saturating_sub(unread);
            if missing == 0 {
                break;
            }
            // The bound below repeats the rule of the index.
            let nobody = key(uuid::Uuid::nil());
            range.insert("said_by", doc! { "$gt": nobody, "$ne": key(self.reader.user.as_uuid()) });
            let limit = u64::try_from(missing).unwrap_or(u64::MAX);
            // Named, because planners differ in what they make of two conditions of which one is a rule of an index.
            let count = self.messages.count_documents(range).limit(limit).hint(by("messages_unread"));
            let count = count.await?;
            unread += usize::try_from(count).unwrap_or(usize::MAX);
        }
        Ok(unread)
    }

    async fn mentions(&self) -> Result<Vec<MentionDocument>, Failed> {
        let mut found = Vec::new();
        for mut range in segments(self.span) {
            let missing = (self.most + 1).saturating_sub(found.len());
            if missing == 0 {
                break;
            }
            range.insert("name", self.reader.name.clone());
            range.insert("said_by", doc! { "$ne": key(self.reader.user.as_uuid()) });
            let page = self.mentions.find(range).limit(integer::limit(missing)).hint(by("mentions_name"));
            found.extend(page.await?.try_collect::<Vec<_>>().await?);
        }
        Ok(found)
    }

    /// How many of the names are in texts that are still current.
    async fn current(&self, found: Vec<MentionDocument>) -> Result<usize, Failed> {
        if found.is_empty() {
            return Ok(0);
        }
        let ids: Vec<Bson> = found.iter().map(|mention| mention.message_id.into()).collect();
        let mut states: HashMap<Uuid, MessageState> = HashMap::new();
        let mut known = self.states.find(doc! { "_id": { "$in": ids } }).await?;
        while let Some(state) = known.try_next().await? {
            states.insert(state.id, MessageState::try_from(state)?);
        }
        let holds =
            |mention: &&MentionDocument| Mention::holds(place_in_order(&mention.edit), states.get(&mention.message_id));
        Ok(found.iter().filter(holds).count())
    }
}

pub(super) fn by(index: &str) -> Hint {
    Hint::Name(index.to_owned())
}

/// The parts of a span, each of which is one range of an index on every server.
fn segments(span: Span) -> Vec<Document> {
    let Span { room, after, upto } = span;
    let room = key(room.as_uuid());
    let (first, last) = (integer::bound(after.epoch.0), integer::bound(upto.epoch.0));
    let (after, upto) = (integer::bound(after.seq.get()), integer::bound(upto.seq.get()));
    if first == last {
        return vec![doc! { "room_id": room, "epoch": first, "seq": { "$gt": after, "$lte": upto } }];
    }
    let begin = doc! { "room_id": room, "epoch": first, "seq": { "$gt": after } };
    let between =
        (last.saturating_sub(first) > 1).then(|| doc! { "room_id": room, "epoch": { "$gt": first, "$lt": last } });
    let end = doc! { "room_id": room, "epoch": last, "seq": { "$lte": upto } };
    [Some(begin), between, Some(end)].into_iter().flatten().collect()
}

/// The parts of the list after a place, in order.
fn ranges(user: UserId, after: Option<MembershipPlace>) -> Vec<Document> {
    let user = key(user.as_uuid());
    let Some(MembershipPlace { joined_at, room_id }) = after else {
        return vec![doc! { "user_id": user }];
    };
    let (joined_at, room_id) = (date(joined_at), key(room_id.as_uuid()));
    vec![
        doc! { "user_id": user, "joined_at": joined_at, "room_id": { "$gt": room_id } },
        doc! { "user_id": user, "joined_at": { "$gt": joined_at } },
    ]
}

/// The names that a stored message is known to have in its texts.
pub(super) fn mentions(message: &SequencedEvent, state: Option<&MessageState>) -> Result<Vec<MentionDocument>, Failed> {
    let Some(author) = unread_author(message) else { return Ok(Vec::new()) };
    let (epoch, seq) = (integer::stored(message.epoch.0)?, integer::stored(message.seq.get())?);
    let document = |Mention { name, edit }: Mention| {
        let edit = edit.map(order).unwrap_or_default();
        MentionDocument {
            id: format!("{} {name} {edit}", message.event.id),
            message_id: key(message.event.id.as_uuid()),
            name,
            edit,
            said_at: Some(date(message.timestamp)),
            room_id: key(message.room.as_uuid()),
            epoch,
            seq,
            author: key(author.as_uuid()),
        }
    };
    Ok(mentions_of(message, state).into_iter().map(document).collect())
}
