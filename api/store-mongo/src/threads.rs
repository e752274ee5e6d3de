//! Threads in MongoDB. A count is taken from the history each time an answer comes or goes, and replaces the one before only
//! if nobody else has replaced that meanwhile; so whatever happens in which order, the last one has seen everything.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use mongodb::options::Hint;
use mongodb::{Collection, Database};
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::position::Position;
use rookery_store::limits::{REPLIERS_LOOKED_THROUGH, REPLIES_COUNTED_MAX};
use rookery_store::thread::{Replies, Threads, answered_by, deleted_by};
use rookery_store::{StoreError, integer};
use serde::{Deserialize, Serialize};

use super::error::is_duplicate;
use super::event_document::MessageDocument;
use super::{Mongo, by_id};
use crate::batch_reads::page_by;
use crate::error::Failed;
use crate::fields::{key, number, time, uuid_of};
use crate::limits::{MESSAGE_CHANGES_AT_ONCE, THREAD_TRIES_MAX};
use crate::room_locks::RoomLocks;

/// What answers a message; its id is made of room and message.
#[derive(Serialize, Deserialize)]
pub(super) struct ThreadDocument {
    #[serde(rename = "_id")]
    id: String,
    room_id: Uuid,
    message_id: Uuid,
    /// How often it was counted.
    version: i64,
    replies: i64,
    last_at: Option<DateTime>,
    users: Vec<Uuid>,
}

/// An answer, as much of it as is counted.
#[derive(Deserialize)]
struct ReplyPart {
    said_by: Uuid,
    timestamp: DateTime,
}

/// A message that something answers: its room and itself.
type Answered = (Uuid, Uuid);

#[derive(Deserialize)]
struct AnsweredPart {
    room_id: Uuid,
    #[serde(default)]
    reply_to: Option<Uuid>,
}

/// The collections that counting needs.
#[derive(Clone)]
pub(super) struct Counting {
    messages: Collection<MessageDocument>,
    threads: Collection<ThreadDocument>,
    /// Within a process the counts of one room take turns.
    turns: Arc<RoomLocks>,
}

#[async_trait]
impl Threads for Mongo {
    async fn replies(&self, messages: &[(RoomId, MessageId)]) -> Result<HashMap<MessageId, Replies>, StoreError> {
        if messages.is_empty() {
            return Ok(HashMap::new());
        }
        let id = |(room, message): &(RoomId, MessageId)| id((key(room.as_uuid()), key(message.as_uuid())));
        let ids: Vec<Bson> = messages.iter().map(|place| id(place).into()).collect();
        let threads = self.threads.clone();
        let found = self
            .calls
            .run(async move { Ok(threads.find(doc! { "_id": { "$in": ids } }).await?.try_collect::<Vec<_>>().await?) });
        let counted = found.await?.into_iter().filter(|thread| thread.replies > 0);
        Ok(counted
            .map(|thread| (MessageId::from_uuid(uuid_of(thread.message_id)), thread.into()))
            .collect())
    }

    async fn page(
        &self,
        room: RoomId,
        message: MessageId,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, StoreError> {
        let (messages, answers) = (self.messages.clone(), answers((key(room.as_uuid()), key(message.as_uuid()))));
        let ranges = match after {
            None => vec![answers],
            Some(Position { epoch, seq }) => {
                let (epoch, seq) = (integer::bound(epoch.0), integer::bound(seq.get()));
                let with = |part: Document| answers.clone().into_iter().chain(part).collect();
                vec![with(doc! { "epoch": epoch, "seq": { "$gt": seq } }), with(doc! { "epoch": { "$gt": epoch } })]
            }
        };
        let order = (ordered(1), Some(by_replies()));
        let found = self.calls.run(async move { page_by(&messages, ranges, order, limit).await });
        found.await?.into_iter().map(SequencedEvent::try_from).collect()
    }
}

impl Counting {
    pub(super) fn new(mongo: &Mongo) -> Self {
        let turns = Arc::clone(&mongo.thread_turns);
        Self { messages: mongo.messages.clone(), threads: mongo.threads.clone(), turns }
    }

    /// Takes in events that are applied by now.
    pub(super) async fn apply(&self, events: &[SequencedEvent]) -> Result<(), Failed> {
        let reply = |event: &SequencedEvent| Some((key(event.room.as_uuid()), key(answered_by(event)?.as_uuid())));
        let mut answered: HashSet<Answered> = events.iter().filter_map(reply).collect();
        let deleted: Vec<Bson> = events
            .iter()
            .filter_map(deleted_by)
            .map(|message| key(message.as_uuid()).into())
            .collect();
        answered.extend(self.answered_by_any(deleted).await?);
        self.count_each(answered).await
    }

    /// Messages that may be answers are gone.
    pub(super) async fn uncount(&self, messages: &[Uuid]) -> Result<(), Failed> {
        let answered = self.answered_by_any(messages.iter().map(|id| (*id).into()).collect()).await?;
        self.count_each(answered).await
    }

    /// What these messages answer.
    pub(super) async fn answered_by_any(&self, messages: Vec<Bson>) -> Result<HashSet<Answered>, Failed> {
        let mut answered = HashSet::new();
        if !messages.is_empty() {
            let these = doc! { "_id": { "$in": messages } };
            let mut found = self.messages.clone_with_type::<AnsweredPart>().find(these).await?;
            while let Some(AnsweredPart { room_id, reply_to }) = found.try_next().await? {
                answered.extend(reply_to.map(|reply_to| (room_id, reply_to)));
            }
        }
        Ok(answered)
    }

    pub(super) async fn count_each(&self, answered: HashSet<Answered>) -> Result<(), Failed> {
        let counted = stream::iter(answered).map(|answered| self.count(answered));
        counted.buffer_unordered(MESSAGE_CHANGES_AT_ONCE).try_collect::<Vec<()>>().await?;
        Ok(())
    }

    async fn count(&self, answered: Answered) -> Result<(), Failed> {
        let _turn = self.turns.take(RoomId::from_uuid(uuid_of(answered.0))).await;
        for _ in 0..THREAD_TRIES_MAX {
            if self.try_to_count(answered).await? {
                return Ok(());
            }
        }
        Err(StoreError::Unavailable("a thread is counted by others all the time".to_owned()).into())
    }

    /// False if somebody else has counted meanwhile.
    async fn try_to_count(&self, answered: Answered) -> Result<bool, Failed> {
        let known = self.threads.find_one(by_id(id(answered))).await?;
        let version = known.as_ref().map(|known| known.version);
        let limit = u64::try_from(REPLIES_COUNTED_MAX).unwrap_or(u64::MAX);
        let count = self.messages.count_documents(answers(answered)).limit(limit).hint(by_replies()).await?;
        let parts = self.messages.clone_with_type::<ReplyPart>();
        let fields = doc! { "said_by": 1, "timestamp": 1 };
        let newest = parts.find(answers(answered)).projection(fields).sort(ordered(-1)).hint(by_replies());
        let newest: Vec<ReplyPart> = newest.limit(integer::limit(REPLIERS_LOOKED_THROUGH)).await?.try_collect().await?;
        let newest = newest.iter().map(|part| (UserId::from_uuid(uuid_of(part.said_by)), time(part.timestamp)));
        let replies = Replies::of(usize::try_from(count).unwrap_or(usize::MAX), newest);
        let document = ThreadDocument::new(answered, version.unwrap_or(0) + 1, &replies);
        let Some(version) = version else {
            return match self.threads.insert_one(document).await {
                Err(error) if is_duplicate(&error) => Ok(false),
                outcome => Ok(outcome.map(|_| true)?),
            };
        };
        let same = doc! { "_id": id(answered), "version": version };
        Ok(self.threads.replace_one(same, document).await?.matched_count > 0)
    }
}

/// Counts what is there of before. Also twice, and at the same time.
pub(super) async fn count_all(database: Database) -> Result<(), Failed> {
    let counting = Counting {
        messages: database.collection("messages"),
        threads: database.collection("threads"),
        turns: Arc::new(RoomLocks::new()),
    };
    let nobody = key(uuid::Uuid::nil());
    let replies = doc! { "reply_to": { "$gt": nobody } };
    let mut known = HashSet::new();
    let mut found = counting.messages.clone_with_type::<AnsweredPart>().find(replies).await?;
    while let Some(AnsweredPart { room_id, reply_to }) = found.try_next().await? {
        let Some(reply_to) = reply_to else { continue };
        if known.insert((room_id, reply_to)) {
            counting.count((room_id, reply_to)).await?;
        }
    }
    Ok(())
}

/// The answers that are not deleted.
fn answers((room, message): Answered) -> Document {
    doc! { "room_id": room, "reply_to": message, "said_by": { "$gt": key(uuid::Uuid::nil()) } }
}

fn ordered(direction: i32) -> Document {
    doc! { "room_id": direction, "reply_to": direction, "epoch": direction, "seq": direction }
}

/// Named, as for unread counts: the index has a rule of its own.
fn by_replies() -> Hint {
    Hint::Name("messages_replies".to_owned())
}

/// Id of the count of what answers a message.
pub(super) fn id((room, message): Answered) -> String {
    format!("{} {}", uuid_of(room), uuid_of(message))
}

impl ThreadDocument {
    fn new((room_id, message_id): Answered, version: i64, replies: &Replies) -> Self {
        Self {
            id: id((room_id, message_id)),
            room_id,
            message_id,
            version,
            replies: integer::bound(replies.count),
            last_at: replies.last_at.map(crate::fields::date),
            users: replies.users.iter().map(|user| key(user.as_uuid())).collect(),
        }
    }
}

impl From<ThreadDocument> for Replies {
    fn from(thread: ThreadDocument) -> Self {
        Self {
            count: number(thread.replies),
            last_at: thread.last_at.map(time),
            users: thread.users.into_iter().map(|user| UserId::from_uuid(uuid_of(user))).collect(),
        }
    }
}
