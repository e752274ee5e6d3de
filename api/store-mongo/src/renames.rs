//! Names, addresses and reactions of before there were rules for them, see [`rookery_store::renames`]. Whatever is done here
//! may be done twice, also at the same time: the outcome is the same.

use futures_util::TryStreamExt as _;
use mongodb::bson::{DateTime, Document, Uuid, doc};
use mongodb::{Collection, Database};
use rookery_protocol::access::Visibility;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::id::{RoomId, Slug, UserId};
use rookery_store::renames::{self, NamedRoom, OldAddress, OldRoom};
use serde::Deserialize;

use super::by_id;
use super::error::is_duplicate;
use crate::error::Failed;
use crate::fields::{key, time, uuid_of};

#[derive(Deserialize)]
struct RoomNames {
    #[serde(rename = "_id")]
    id: Uuid,
    slug: Option<String>,
    name: String,
    description: String,
    visibility: Visibility,
    created_at: DateTime,
}

#[derive(Deserialize)]
struct Address {
    #[serde(rename = "_id")]
    id: Uuid,
    email: String,
    email_key: String,
    created_at: DateTime,
}

/// Brings them up to the rules of today.
pub(super) async fn run(database: Database) -> Result<(), Failed> {
    name_rooms(&database).await?;
    name_addresses(&database).await?;
    name_reactions(&database.collection("reactions")).await
}

async fn name_rooms(database: &Database) -> Result<(), Failed> {
    let rooms = database.collection::<RoomNames>("rooms");
    let old: Vec<RoomNames> = rooms.find(doc! {}).await?.try_collect().await?;
    let old = old.into_iter().map(|room| OldRoom {
        id: RoomId::from_uuid(uuid_of(room.id)),
        slug: room.slug,
        name: room.name,
        description: room.description,
        visibility: room.visibility,
        created_at: time(room.created_at),
    });
    for NamedRoom { id, slug, name, description, key: unique, renamed } in renames::rooms(old.collect()) {
        let mut set = doc! { "name": name.as_str(), "description": description.as_str() };
        set.extend(slug.as_ref().map(|slug| ("slug".to_owned(), Slug::as_str(slug).into())));
        set.extend(unique.map(|key| ("name_key".to_owned(), key.into())));
        rooms.update_one(by_id(key(id.as_uuid())), doc! { "$set": set }).await?;
        if renamed {
            tracing::warn!(room_id = %id, "room has another name or address: its own was taken, reserved, or not visible");
        }
    }
    Ok(())
}

async fn name_addresses(database: &Database) -> Result<(), Failed> {
    let users = database.collection::<Address>("users");
    let old: Vec<Address> = users.find(doc! {}).await?.try_collect().await?;
    let old = old.into_iter().map(|user| OldAddress {
        id: UserId::from_uuid(uuid_of(user.id)),
        email: user.email,
        key: user.email_key,
        created_at: time(user.created_at),
    });
    for (user, unique) in renames::addresses(old.collect()) {
        let set = doc! { "$set": { "email_key": unique } };
        match users.update_one(by_id(key(user.as_uuid())), set).await {
            // Somebody registered with it this moment; the account is still found by the form it has.
            Err(error) if is_duplicate(&error) => {}
            outcome => drop(outcome?),
        }
    }
    Ok(())
}

/// Forms of one emoji become one reaction, by the last word of its user; what is none goes.
async fn name_reactions(reactions: &Collection<Document>) -> Result<(), Failed> {
    let mut all = reactions.find(doc! {}).await?;
    while let Some(reaction) = all.try_next().await? {
        let old = reaction.get_str("emoji").unwrap_or_default().to_owned();
        let emoji = Emoji::kept(old.clone());
        if emoji.is_known() && emoji.as_str() == old {
            continue;
        }
        if emoji.is_known() {
            merge(reactions, &reaction, &emoji).await?;
        }
        reactions.delete_one(doc! { "_id": reaction.get("_id") }).await?;
    }
    Ok(())
}

async fn merge(reactions: &Collection<Document>, old: &Document, emoji: &Emoji) -> Result<(), Failed> {
    let id = old.get_str("_id").unwrap_or_default();
    let owner = id.rsplit_once(' ').map_or(id, |(owner, _)| owner);
    let mut filter = by_id(format!("{owner} {emoji}"));
    filter.insert("place", doc! { "$lt": old.get("place") });
    let mut set = old.clone();
    set.remove("_id");
    set.insert("emoji", emoji.as_str());
    match reactions.update_one(filter, doc! { "$set": set }).upsert(true).await {
        // The other form has a later word.
        Err(error) if is_duplicate(&error) => Ok(()),
        outcome => Ok(outcome.map(drop)?),
    }
}
