//! Mentions of somebody in MongoDB: one range of an index, or two behind a place. Whether a text is still current is looked up
//! for all of a page together, so a page may be short.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::Database;
use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId};
use rookery_store::mentions::{MentionPage, MentionPlace, Mentioned, Mentions};
use rookery_store::message_state::MessageState;
use rookery_store::unread::{Mention, Reader};
use rookery_store::{StoreError, page};

use super::unread::{MentionDocument, by};
use super::{Mongo, by_id};
use crate::batch_reads::page_by;
use crate::error::Failed;
use crate::fields::{date, key, place_in_order, time, uuid_of};

#[async_trait]
impl Mentions for Mongo {
    async fn page(
        &self,
        reader: &Reader,
        before: Option<MentionPlace>,
        limit: usize,
    ) -> Result<MentionPage, StoreError> {
        let (mentions, states, ranges) = (self.mentions.clone(), self.states.clone(), ranges(reader, before));
        let name = reader.name.clone();
        let found = self.calls.run(async move {
            let order = doc! { "name": -1, "said_at": -1, "message_id": -1 };
            let mut found = page_by(&mentions, ranges, (order, Some(by("mentions_time"))), limit + 1).await?;
            let next = page::cut(&mut found, limit).map(|last| MentionPlace::from(&Mentioned::from(last)));
            if found.is_empty() {
                return Ok(MentionPage::default());
            }
            let ids: Vec<Bson> = found.iter().map(|mention| mention.message_id.into()).collect();
            let mut known: HashMap<Uuid, MessageState> = HashMap::new();
            let mut all = states.find(doc! { "_id": { "$in": ids.clone() } }).await?;
            while let Some(state) = all.try_next().await? {
                known.insert(state.id, MessageState::try_from(state)?);
            }
            // A message has a row for each of its texts; one of them may be the current one, wherever the page ends.
            let of_texts = doc! { "message_id": { "$in": ids }, "name": name };
            let texts: Vec<MentionDocument> =
                mentions.find(of_texts).hint(by("mentions_message")).await?.try_collect().await?;
            let holds =
                |text: &&MentionDocument| Mention::holds(place_in_order(&text.edit), known.get(&text.message_id));
            let current: HashSet<Uuid> = texts.iter().filter(holds).map(|text| text.message_id).collect();
            found.dedup_by_key(|mention| mention.message_id);
            found.retain(|mention| current.contains(&mention.message_id));
            Ok(MentionPage { found: found.iter().map(Mentioned::from).collect(), next })
        });
        found.await
    }
}

/// Notes when what names somebody was said, where a release of before did not. May be made twice, also at the same time.
pub(super) async fn date_all(database: Database) -> Result<(), Failed> {
    let (mentions, messages) =
        (database.collection::<Document>("mentions"), database.collection::<Document>("messages"));
    let mut found = mentions.find(doc! { "said_at": { "$exists": false } }).await?;
    while let Some(mention) = found.try_next().await? {
        let (Some(id), Some(message)) = (mention.get("_id"), mention.get("message_id")) else { continue };
        let said = messages.find_one(by_id(message.clone())).await?;
        let at = said.and_then(|said| said.get_datetime("timestamp").ok().copied());
        let at = at.unwrap_or(DateTime::from_millis(0));
        mentions.update_one(by_id(id.clone()), doc! { "$set": { "said_at": at } }).await?;
    }
    Ok(())
}

/// The parts of the list before a place, in order.
fn ranges(reader: &Reader, before: Option<MentionPlace>) -> Vec<Document> {
    let mut of_others = doc! { "name": reader.name.as_str(), "said_by": { "$ne": key(reader.user.as_uuid()) } };
    let Some(MentionPlace { at, message }) = before else { return vec![of_others] };
    let (at, message) = (date(at), key(message.as_uuid()));
    let mut same_time = of_others.clone();
    same_time.extend(doc! { "said_at": at, "message_id": { "$lt": message } });
    of_others.insert("said_at", doc! { "$lt": at });
    vec![same_time, of_others]
}

impl From<&MentionDocument> for Mentioned {
    fn from(mention: &MentionDocument) -> Self {
        Self {
            message: MessageId::from_uuid(uuid_of(mention.message_id)),
            room: RoomId::from_uuid(uuid_of(mention.room_id)),
            at: mention.said_at.map_or(UnixMillis(0), time),
        }
    }
}
