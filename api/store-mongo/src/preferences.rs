//! What users want of rooms, in MongoDB.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use mongodb::options::ReturnDocument;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::change::Change;
use rookery_store::preference::{Notify, Preferences, PreferencesChange, RoomPreferences};
use rookery_store::{StoreError, integer};
use serde::{Deserialize, Serialize};

use super::Mongo;
use crate::batch_reads::sanctions_at;
use crate::error::is_duplicate;
use crate::fields::{date, key, time, uuid_of};

/// What one user wants of one room; what was never chosen is left out.
#[derive(Serialize, Deserialize)]
pub(super) struct PreferencesDocument {
    user_id: Uuid,
    room_id: Uuid,
    #[serde(default)]
    notify: Option<Notify>,
    #[serde(default)]
    muted_until: Option<DateTime>,
    #[serde(default)]
    favourite: bool,
    #[serde(default)]
    hidden: bool,
    #[serde(default)]
    marked_unread: bool,
}

#[async_trait]
impl Preferences for Mongo {
    async fn change(
        &self,
        user: UserId,
        room: RoomId,
        change: &PreferencesChange,
    ) -> Result<RoomPreferences, StoreError> {
        let set = fields_of(change);
        if set.is_empty() {
            return Preferences::get(self, user, room).await;
        }
        let (all, filter, set) = (self.preferences.clone(), of(user, room), doc! { "$set": set });
        let changed = self.calls.run(async move {
            let change = || {
                let update = all.find_one_and_update(filter.clone(), set.clone());
                update.upsert(true).return_document(ReturnDocument::After)
            };
            // Two first ones at once collide; the second try finds what the other made.
            match change().await {
                Err(error) if is_duplicate(&error) => Ok(change().await?),
                outcome => Ok(outcome?),
            }
        });
        Ok(changed.await?.map(RoomPreferences::from).unwrap_or_default())
    }

    async fn get(&self, user: UserId, room: RoomId) -> Result<RoomPreferences, StoreError> {
        let (all, filter) = (self.preferences.clone(), of(user, room));
        let found = self.calls.run(async move { Ok(all.find_one(filter).await?) });
        Ok(found.await?.map(RoomPreferences::from).unwrap_or_default())
    }

    async fn of_user(&self, user: UserId, limit: usize) -> Result<HashMap<RoomId, RoomPreferences>, StoreError> {
        let (all, own) = (self.preferences.clone(), doc! { "user_id": key(user.as_uuid()) });
        let found = self.calls.run(async move {
            let found = all.find(own).limit(integer::limit(limit)).await?;
            Ok(found.try_collect::<Vec<_>>().await?)
        });
        let room = |found: PreferencesDocument| (RoomId::from_uuid(uuid_of(found.room_id)), found.into());
        Ok(found.await?.into_iter().map(room).collect())
    }

    async fn among(
        &self,
        places: &[(RoomId, UserId)],
    ) -> Result<HashMap<(RoomId, UserId), RoomPreferences>, StoreError> {
        let found = self.all_of(&self.preferences, sanctions_at(places)).await?;
        let place = |found: PreferencesDocument| {
            let (room, user) = (uuid_of(found.room_id), uuid_of(found.user_id));
            ((RoomId::from_uuid(room), UserId::from_uuid(user)), found.into())
        };
        Ok(found.into_iter().map(place).collect())
    }
}

fn of(user: UserId, room: RoomId) -> Document {
    doc! { "user_id": key(user.as_uuid()), "room_id": key(room.as_uuid()) }
}

fn fields_of(change: &PreferencesChange) -> Document {
    let PreferencesChange { notify, muted_until, favourite, hidden, marked_unread } = *change;
    let mut set = Document::new();
    set.extend(notify.map(|notify| ("notify".to_owned(), Bson::from(notify.as_str()))));
    match muted_until {
        Change::Keep => {}
        Change::Set(until) => {
            set.insert("muted_until", date(until));
        }
        Change::Clear => {
            set.insert("muted_until", Bson::Null);
        }
    }
    let flags = [("favourite", favourite), ("hidden", hidden), ("marked_unread", marked_unread)];
    set.extend(flags.into_iter().filter_map(|(name, flag)| Some((name.to_owned(), Bson::from(flag?)))));
    set
}

impl From<PreferencesDocument> for RoomPreferences {
    fn from(found: PreferencesDocument) -> Self {
        let PreferencesDocument { notify, muted_until, favourite, hidden, marked_unread, .. } = found;
        Self { notify, muted_until: muted_until.map(time), favourite, hidden, marked_unread }
    }
}
