//! Permissions that are remembered, in little memory: every connection has one for each of its rooms. What is the same
//! for all who are in a room is kept once.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use parking_lot::Mutex;
use rookery_bus::authority::Permission;
use rookery_protocol::access::{RoomKind, RoomRole, Until, Visibility};
use rookery_protocol::id::{AclVersion, RoomId, Slug, UserId};
use tokio::time::Instant;

use crate::compact_vec::reserve_one;
use crate::limits::{PERMISSION_KEPT, PERMISSIONS_MAX};

const SHARDS: usize = 64;

/// Permissions by user and room.
pub(super) struct PermissionCache {
    began: Instant,
    hasher: RandomState,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Default)]
struct Shard {
    rooms: HashMap<RoomId, Room>,
    entries: usize,
    /// When old ones were thrown away last, like [`Entry::at`].
    swept: u64,
}

struct Room {
    slug: Option<Slug>,
    name: String,
    kind: RoomKind,
    visibility: Visibility,
    filter: Option<u64>,
    /// In the order of their users.
    entries: Vec<Entry>,
    /// What holds against users; against most nothing does.
    sanctions: HashMap<UserId, Sanctions>,
}

/// Until when a user is muted and banned, and whether it is blocked.
type Sanctions = (Option<Until>, Option<Until>, bool);

struct Entry {
    user: UserId,
    /// Milliseconds since the process began: when it was asked for, or forgotten.
    at: u64,
    acl: AclVersion,
    /// None: whatever was asked for before is not to be believed.
    role: Option<RoomRole>,
}

impl PermissionCache {
    /// An empty cache.
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { began: Instant::now(), hasher: RandomState::new(), shards }
    }

    /// The permission, and how long ago it was asked for.
    pub(super) fn get(&self, user: UserId, id: RoomId) -> Option<(Permission, Duration)> {
        let now = self.at(Instant::now());
        let shard = self.shard(id).lock();
        let room = shard.rooms.get(&id)?;
        let entry = room.entry(user).filter(|entry| entry.is_kept(now))?;
        let (muted, banned, blocked) = room.sanctions.get(&user).copied().unwrap_or_default();
        let permission = Permission {
            room: id,
            slug: room.slug.clone(),
            name: room.name.clone(),
            kind: room.kind,
            visibility: room.visibility,
            role: Some(entry.role?),
            acl: entry.acl,
            muted,
            banned,
            filter: room.filter,
            blocked,
        };
        Some((permission, Duration::from_millis(now.saturating_sub(entry.at))))
    }

    /// Remembers the permission of a member, unless it was to be forgotten after it was asked for.
    pub(super) fn put(&self, user: UserId, permission: &Permission, asked: Instant) {
        let entry = Entry { user, at: self.at(asked), acl: permission.acl, role: permission.role };
        let mut shard = self.shard(permission.room).lock();
        let known = shard.rooms.get(&permission.room).and_then(|room| room.entry(user));
        if known.is_none_or(|known| known.role.is_some() || known.at < entry.at) {
            let room = self.insert(&mut shard, permission.room, entry);
            room.is_now(permission);
            let Permission { muted, banned, blocked, .. } = *permission;
            if muted.is_some() || banned.is_some() || blocked {
                room.sanctions.insert(user, (muted, banned, blocked));
            }
        }
    }

    /// What was asked for until now is not to be believed.
    pub(super) fn invalidate(&self, user: UserId, room: RoomId) {
        let entry = Entry { user, at: self.at(Instant::now()), acl: AclVersion::default(), role: None };
        self.insert(&mut self.shard(room).lock(), room, entry);
    }

    /// The same for both of a direct room.
    pub(super) fn invalidate_direct(&self, room: RoomId) {
        let mut shard = self.shard(room).lock();
        let Some(known) = shard.rooms.get(&room).filter(|known| known.kind == RoomKind::Direct) else {
            return;
        };
        let (at, users) = (self.at(Instant::now()), known.entries.iter().map(|entry| entry.user).collect::<Vec<_>>());
        for user in users {
            self.insert(&mut shard, room, Entry { user, at, acl: AclVersion::default(), role: None });
        }
    }

    fn insert<'a>(&self, shard: &'a mut Shard, room: RoomId, entry: Entry) -> &'a mut Room {
        self.make_room(shard);
        let room = shard.rooms.entry(room).or_insert_with(Room::unknown);
        shard.entries += usize::from(room.insert(entry));
        room
    }

    /// Throws old ones away now and then, and others when there are too many.
    fn make_room(&self, shard: &mut Shard) {
        let now = self.at(Instant::now());
        let is_full = shard.entries >= PERMISSIONS_MAX / SHARDS;
        let is_due = now.saturating_sub(shard.swept) >= millis(PERMISSION_KEPT) / 4;
        if is_full || is_due {
            shard.swept = now;
            shard.retain(|entry| entry.is_kept(now));
        }
        if shard.entries >= PERMISSIONS_MAX / SHARDS {
            // They are asked for again.
            let mut others = false;
            shard.retain(|_| {
                others = !others;
                others
            });
        }
    }

    fn at(&self, instant: Instant) -> u64 {
        millis(instant.saturating_duration_since(self.began))
    }

    fn shard(&self, room: RoomId) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(room);
        &self.shards[usize::from(hash.to_le_bytes()[0]) % SHARDS]
    }
}

impl Shard {
    fn retain(&mut self, mut stays: impl FnMut(&Entry) -> bool) {
        self.rooms.retain(|_, room| {
            room.retain(&mut stays);
            !room.entries.is_empty()
        });
        self.entries = self.rooms.values().map(|room| room.entries.len()).sum();
    }
}

impl Room {
    fn unknown() -> Self {
        Self {
            slug: None,
            name: String::new(),
            kind: RoomKind::Room,
            visibility: Visibility::Private,
            filter: None,
            entries: Vec::new(),
            sanctions: HashMap::new(),
        }
    }

    fn entry(&self, user: UserId) -> Option<&Entry> {
        self.place(user).ok().map(|place| &self.entries[place])
    }

    /// In place of what there was of the same user; true if that was nothing.
    fn insert(&mut self, entry: Entry) -> bool {
        self.sanctions.remove(&entry.user);
        match self.place(entry.user) {
            Ok(place) => {
                self.entries[place] = entry;
                false
            }
            Err(place) => {
                reserve_one(&mut self.entries);
                self.entries.insert(place, entry);
                true
            }
        }
    }

    fn retain(&mut self, mut stays: impl FnMut(&Entry) -> bool) {
        self.entries.retain(|entry| stays(entry));
        if self.entries.len() < self.entries.capacity() / 4 {
            self.entries.shrink_to_fit();
        }
        let entries = &self.entries;
        self.sanctions
            .retain(|user, _| entries.binary_search_by_key(user, |entry| entry.user).is_ok());
    }

    fn place(&self, user: UserId) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&user, |entry| entry.user)
    }

    fn is_now(&mut self, permission: &Permission) {
        self.slug.clone_from(&permission.slug);
        self.name.clone_from(&permission.name);
        self.kind = permission.kind;
        self.visibility = permission.visibility;
        self.filter = permission.filter;
    }
}

impl Entry {
    fn is_kept(&self, now: u64) -> bool {
        now.saturating_sub(self.at) < millis(PERMISSION_KEPT)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use rookery_protocol::clock::UnixMillis;
    use tokio::time::advance;

    use super::*;

    fn permission(room: RoomId, name: &str) -> Permission {
        Permission {
            room,
            slug: None,
            name: name.to_owned(),
            kind: RoomKind::Room,
            visibility: Visibility::Public,
            role: Some(RoomRole::Member),
            acl: AclVersion(3),
            muted: None,
            banned: None,
            filter: None,
            blocked: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn comes_back_as_it_went_in_and_ends() {
        let (remembered, user, room) = (PermissionCache::new(), UserId::generate(), RoomId::generate());
        assert!(remembered.get(user, room).is_none());
        let muted = Permission { muted: Some(Until::Time(UnixMillis(7))), blocked: true, ..permission(room, "one") };
        remembered.put(user, &muted, Instant::now());
        advance(Duration::from_secs(5)).await;
        assert_eq!(remembered.get(user, room), Some((muted, Duration::from_secs(5))));
        assert!(remembered.get(UserId::generate(), room).is_none());
        advance(PERMISSION_KEPT).await;
        assert!(remembered.get(user, room).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_forgotten_meanwhile_is_not_remembered() {
        let (remembered, user, room) = (PermissionCache::new(), UserId::generate(), RoomId::generate());
        for _ in 0..2 {
            let asked = Instant::now();
            remembered.invalidate(user, room);
            remembered.put(user, &permission(room, "one"), asked);
            assert!(remembered.get(user, room).is_none());
            advance(Duration::from_millis(1)).await;
            remembered.put(user, &permission(room, "one"), Instant::now());
            assert!(remembered.get(user, room).is_some());
            advance(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_sanction_that_has_ended_is_not_remembered_and_that_of_another_user_is() {
        let (remembered, room) = (PermissionCache::new(), RoomId::generate());
        let users: Vec<UserId> = (0..20).map(|_| UserId::generate()).collect();
        let muted = Permission { muted: Some(Until::Revoked), ..permission(room, "one") };
        for user in &users {
            remembered.put(*user, &muted, Instant::now());
        }
        remembered.put(users[3], &permission(room, "one"), Instant::now());
        for (n, user) in users.iter().enumerate() {
            assert_eq!(remembered.get(*user, room).unwrap().0.muted.is_some(), n != 3, "{n}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_name_of_a_room_holds_and_forgetting_somebody_does_not_change_it() {
        let (remembered, room) = (PermissionCache::new(), RoomId::generate());
        let users = [UserId::generate(), UserId::generate()];
        for (user, name) in users.into_iter().zip(["old", "new"]) {
            remembered.put(user, &permission(room, name), Instant::now());
        }
        remembered.invalidate(users[1], room);
        remembered.invalidate(UserId::generate(), room);
        assert_eq!(remembered.get(users[0], room).unwrap().0.name, "new");
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_more_than_the_bound_and_the_newest_is_there() {
        let (remembered, room) = (PermissionCache::new(), RoomId::generate());
        for _ in 0..PERMISSIONS_MAX / SHARDS + 10 {
            let user = UserId::generate();
            remembered.put(user, &permission(room, "one"), Instant::now());
            assert!(remembered.get(user, room).is_some());
        }
        let shard = remembered.shard(room).lock();
        assert!(shard.entries <= PERMISSIONS_MAX / SHARDS);
        assert_eq!(shard.entries, shard.rooms[&room].entries.len());
    }
}
