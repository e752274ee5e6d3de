//! Questions about many documents: as several small ones side by side, each a range or a few points of one index. A
//! single `$or` of them all would be planned anew by each server, and not by each well.

use std::collections::HashMap;
use std::hash::Hash;

use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};
use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::Hint;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::integer;
use rookery_store::limits::{STORE_IDS_PER_READ_MAX, STORE_READS_AT_ONCE};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Mongo;
use crate::error::Failed;
use crate::fields::key;

/// Rooms of one user from which on all its rooms are read.
const RANGE_FROM: usize = 4;

/// At most `limit` documents of the ranges, which follow each other in this order.
pub(super) async fn page_of<T>(
    collection: &Collection<T>,
    ranges: Vec<Document>,
    order: Document,
    limit: usize,
) -> Result<Vec<T>, Failed>
where
    T: DeserializeOwned + Send + Sync,
{
    page_by(collection, ranges, (order, None), limit).await
}

/// The same by an index that is named, where not every planner finds it.
pub(super) async fn page_by<T>(
    collection: &Collection<T>,
    ranges: Vec<Document>,
    (order, index): (Document, Option<Hint>),
    limit: usize,
) -> Result<Vec<T>, Failed>
where
    T: DeserializeOwned + Send + Sync,
{
    let mut found = Vec::new();
    for range in ranges {
        let missing = limit.saturating_sub(found.len());
        // To the database, no rows at all means no limit.
        if missing == 0 {
            break;
        }
        let mut page = collection.find(range).sort(order.clone()).limit(integer::limit(missing));
        if let Some(index) = &index {
            page = page.hint(index.clone());
        }
        found.extend(page.await?.try_collect::<Vec<_>>().await?);
    }
    Ok(found)
}

impl Mongo {
    /// What the pipelines make of a collection, all together.
    pub(super) async fn groups_of<T>(
        &self,
        collection: &Collection<impl Send + Sync>,
        pipelines: Vec<Vec<Document>>,
    ) -> Result<Vec<T>, Failed>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let found: Vec<Vec<T>> = stream::iter(pipelines)
            .map(|pipeline| {
                let collection = collection.clone_with_type::<Document>();
                self.calls.run(async move {
                    let found = collection.aggregate(pipeline).with_type::<T>().await?;
                    Ok(found.try_collect::<Vec<_>>().await?)
                })
            })
            .buffer_unordered(STORE_READS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// What the filters find, all together.
    pub(super) async fn all_of<T>(&self, collection: &Collection<T>, filters: Vec<Document>) -> Result<Vec<T>, Failed>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let found: Vec<Vec<T>> = stream::iter(filters)
            .map(|filter| {
                let collection = collection.clone();
                self.calls
                    .run(async move { Ok(collection.find(filter).await?.try_collect::<Vec<_>>().await?) })
            })
            .buffer_unordered(STORE_READS_AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// Finds the members among these places, and perhaps others of the same users. Who is asked about in several rooms is
/// asked for all rooms it has; that is one range.
pub(super) fn members_at(places: &[(RoomId, UserId)]) -> Vec<Document> {
    let users = grouped(places.iter().map(|(room, user)| (user.as_uuid(), room.as_uuid())));
    let (ranges, points): (Vec<_>, Vec<_>) = users.into_iter().partition(|(_, rooms)| rooms.len() >= RANGE_FROM);
    let ranges = ranges.into_iter().map(|(user, _)| doc! { "user_id": key(user) });
    let points = points
        .into_iter()
        .flat_map(|(user, rooms)| rooms.into_iter().map(move |room| (room, user)));
    ranges.chain(points_at(points)).collect()
}

/// Finds what is kept at these places, one room after the other.
pub(super) fn sanctions_at(places: &[(RoomId, UserId)]) -> Vec<Document> {
    points_at(places.iter().map(|(room, user)| (room.as_uuid(), user.as_uuid()))).collect()
}

fn points_at(places: impl Iterator<Item = (Uuid, Uuid)>) -> impl Iterator<Item = Document> {
    grouped(places).into_iter().flat_map(|(room, users)| {
        let chunks = users.chunks(STORE_IDS_PER_READ_MAX).map(any_of).collect::<Vec<_>>();
        chunks.into_iter().map(move |users| doc! { "room_id": key(room), "user_id": users })
    })
}

fn any_of(ids: &[Uuid]) -> Document {
    doc! { "$in": ids.iter().map(|id| Bson::from(key(*id))).collect::<Vec<_>>() }
}

fn grouped<K: Eq + Hash>(pairs: impl Iterator<Item = (K, Uuid)>) -> HashMap<K, Vec<Uuid>> {
    let mut groups: HashMap<K, Vec<Uuid>> = HashMap::new();
    for (group, id) in pairs {
        groups.entry(group).or_default().push(id);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_asked_for_with_few_questions() {
        let (room, users) = (RoomId::generate(), (0..250).map(|_| UserId::generate()).collect::<Vec<_>>());
        let of_one_room: Vec<_> = users.iter().map(|user| (room, *user)).collect();
        assert_eq!(members_at(&of_one_room).len(), users.len().div_ceil(STORE_IDS_PER_READ_MAX));
        let of_one_user: Vec<_> = (0..10).map(|_| (RoomId::generate(), users[0])).collect();
        assert_eq!(members_at(&of_one_user).len(), 1);
        assert_eq!(members_at(&of_one_user[..2]).len(), 2);
        assert!(members_at(&[]).is_empty());
        assert_eq!(sanctions_at(&of_one_user).len(), 10);
        assert!(sanctions_at(&[]).is_empty());
    }
}
