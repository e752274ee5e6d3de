//! The directory of public rooms: what they are found by, and how many members they have, which is counted once in a while.
//!
//! It is kept beside the rooms. Who makes or changes a room puts its entry in place; members are counted each minute, of the rooms
//! whose members changed. What the directory finds is shown as it is now, and left out if it is no longer public.

use std::cmp::Reverse;
use std::collections::HashMap;

use rookery_protocol::access::{RoomRole, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::cost::Work;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::room::Room;
use rookery_store::room_search::{RoomEntry, RoomRank};
use rookery_store::{StoreError, page};
use tokio::time::sleep;

use super::{Rooms, SeenRoom};
use crate::error::ApiError;
use crate::limits::{DIRECTORY_CHANGES_MAX, DIRECTORY_INTERVAL, DIRECTORY_OVERLAP, DIRECTORY_ROOMS_PER_PASS};

impl Rooms {
    /// Public rooms that the words find, and the user's own private ones if they are to be among them, most members first; and
    /// where the next page begins if there is one.
    pub(crate) async fn search(
        &self,
        user: UserId,
        words: &[String],
        (after, limit): (Option<RoomRank>, usize),
        with_own: bool,
    ) -> Result<(Vec<SeenRoom>, Option<RoomRank>), ApiError> {
        let (mut found, mut next) = self.public_page(user, words, after, limit).await?;
        if with_own {
            // What is behind the end of the public ones is of a later page.
            let is_here =
                |place: RoomRank| after.is_none_or(|after| place < after) && next.is_none_or(|next| place > next);
            found.extend(self.own_private(user, words).await?.into_iter().filter(|(place, _)| is_here(*place)));
            found.sort_unstable_by_key(|(place, _)| Reverse(*place));
            next = page::cut(&mut found, limit).map(|(place, _)| *place).or(next);
        }
        Ok((found.into_iter().map(|(_, seen)| seen).collect(), next))
    }

    /// Public rooms with their places, as they were counted last.
    async fn public_page(
        &self,
        user: UserId,
        words: &[String],
        after: Option<RoomRank>,
        limit: usize,
    ) -> Result<(Vec<(RoomRank, SeenRoom)>, Option<RoomRank>), ApiError> {
        let mut found = self.stores.room_search.search(words, after, limit + 1).await?;
        let next = page::cut(&mut found, limit).copied();
        self.limits.spend(user, Work::Rooms { rooms: found.len() }).await?;
        let ids: Vec<RoomId> = found.iter().map(|rank| rank.room).collect();
        let rooms = self.stores.rooms.by_ids(&ids).await?;
        let mut rooms: HashMap<RoomId, Room> = rooms.into_iter().map(|room| (room.id, room)).collect();
        let places: Vec<(RoomId, UserId)> = ids.iter().map(|room| (*room, user)).collect();
        let own = self.stores.members.places(&places).await?;
        let roles: HashMap<RoomId, RoomRole> = own.iter().map(|member| (member.room_id, member.role)).collect();
        let found = found.into_iter().filter_map(|place| Some((place, rooms.remove(&place.room)?)));
        let public = found.filter(|(_, room)| room.visibility == Visibility::Public);
        let (places, rooms): (Vec<RoomRank>, Vec<_>) =
            public.map(|(place, room)| (place, (roles.get(&room.id).copied(), room))).unzip();
        let seen = self.seen_all(rooms).await?;
        Ok((places.into_iter().zip(seen).collect(), next))
    }

    /// The user's own private rooms that the words find, and their places.
    async fn own_private(&self, user: UserId, words: &[String]) -> Result<Vec<(RoomRank, SeenRoom)>, ApiError> {
        let own = self
            .mine(user)
            .await?
            .into_iter()
            .filter(|seen| seen.room.visibility == Visibility::Private);
        let placed = own.filter_map(|seen| {
            let entry = RoomEntry::of(&seen.room, seen.members);
            words.iter().all(|word| entry.prefixes.contains(word)).then_some((entry.place, seen))
        });
        Ok(placed.collect())
    }

    /// Puts the entry of a room in its place. The room is made or changed by then, so a failure stops nobody: the next count
    /// puts it right.
    pub(crate) async fn list_in_directory(&self, room: RoomId) {
        if let Err(error) = self.index(&[room]).await {
            tracing::warn!(%error, room_id = %room, "a room is not in the directory yet");
        }
    }

    async fn index(&self, ids: &[RoomId]) -> Result<(), StoreError> {
        let (rooms, counts) = tokio::try_join!(self.stores.rooms.by_ids(ids), self.stores.members.counts(ids))?;
        for gone in ids.iter().filter(|id| rooms.iter().all(|room| room.id != **id)) {
            self.stores.room_search.remove(*gone).await?;
        }
        for room in rooms {
            if room.visibility == Visibility::Public {
                let members = counts.get(&room.id).copied().unwrap_or(0);
                self.stores.room_search.put(&RoomEntry::of(&room, members)).await?;
            } else {
                self.stores.room_search.remove(room.id).await?;
            }
        }
        Ok(())
    }

    /// Every public room, once: those of before there was a directory, and those that nobody put there.
    async fn index_all(&self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let rooms = self.stores.rooms.public(after, DIRECTORY_ROOMS_PER_PASS).await?;
            let ids: Vec<RoomId> = rooms.iter().map(|room| room.id).collect();
            let Some(last) = ids.last() else { return Ok(()) };
            after = Some(*last);
            self.index(&ids).await?;
        }
    }

    /// Counts members again and again. Every api does; twice is as good as once.
    pub(crate) async fn keep_directory(&self) {
        let mut since = UnixMillis::now();
        while let Err(error) = self.index_all().await {
            tracing::debug!(%error, "the directory of rooms is not complete yet");
            sleep(DIRECTORY_INTERVAL).await;
        }
        loop {
            sleep(DIRECTORY_INTERVAL).await;
            let now = UnixMillis::now();
            let counted = async {
                let since = since.minus(DIRECTORY_OVERLAP);
                let changed = self.stores.rooms.raised_since(since, DIRECTORY_CHANGES_MAX).await?;
                if changed.len() == DIRECTORY_CHANGES_MAX {
                    return self.index_all().await;
                }
                for rooms in changed.chunks(DIRECTORY_ROOMS_PER_PASS) {
                    let ids: Vec<RoomId> = rooms.iter().map(|(room, _)| *room).collect();
                    self.index(&ids).await?;
                }
                Ok::<(), StoreError>(())
            };
            match counted.await {
                Ok(()) => since = now,
                Err(error) => tracing::debug!(%error, "members of rooms not counted"),
            }
        }
    }
}
