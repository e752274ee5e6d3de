//! Permissions that are remembered, in little memory: every connection has one for each of its rooms. What is the same
//! for all who are in a room is kept once.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use parking_lot::Mutex;
use rookery_shared::access::{RoomRole, Until, Visibility};
use rookery_shared::authority::Permission;
use rookery_shared::id::{AclVersion, RoomId, Slug, UserId};
use rookery_shared::limits::{PERMISSION_KEPT, PERMISSIONS_MAX};
use tokio::time::Instant;

const SHARDS: usize = 64;

/// See the module's text.
pub(super) struct Remembered {
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
    visibility: Visibility,
    users: HashMap<UserId, Entry>,
}

struct Entry {
    /// Milliseconds since the process began: when it was asked for, or forgotten.
    at: u64,
    acl: AclVersion,
    /// None: whatever was asked for before is not to be believed.
    role: Option<RoomRole>,
    /// Muted and banned; most are neither.
    sanctions: Option<Box<(Option<Until>, Option<Until>)>>,
}

impl Remembered {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { began: Instant::now(), hasher: RandomState::new(), shards }
    }

    /// The permission, and how long ago it was asked for.
    pub(super) fn get(&self, user: UserId, id: RoomId) -> Option<(Permission, Duration)> {
        let now = self.at(Instant::now());
        let shard = self.shard(id).lock();
        let room = shard.rooms.get(&id)?;
        let entry = room.users.get(&user).filter(|entry| entry.is_kept(now))?;
        let (muted, banned) = entry.sanctions.as_deref().copied().unwrap_or_default();
        let permission = Permission {
            room: id,
            slug: room.slug.clone(),
            name: room.name.clone(),
            visibility: room.visibility,
            role: Some(entry.role?),
            acl: entry.acl,
            muted,
            banned,
        };
        Some((permission, Duration::from_millis(now.saturating_sub(entry.at))))
    }

    /// Remembers the permission of a member, unless it was to be forgotten after it was asked for.
    pub(super) fn put(&self, user: UserId, permission: &Permission, asked: Instant) {
        let sanctions = (permission.muted, permission.banned);
        let sanctions = (sanctions != (None, None)).then(|| Box::new(sanctions));
        let entry = Entry { at: self.at(asked), acl: permission.acl, role: permission.role, sanctions };
        let mut shard = self.shard(permission.room).lock();
        let known = shard.rooms.get(&permission.room).and_then(|room| room.users.get(&user));
        if known.is_none_or(|known| known.role.is_some() || known.at < entry.at) {
            self.insert(&mut shard, user, permission.room, entry).is_now(permission);
        }
    }

    /// What was asked for until now is not to be believed.
    pub(super) fn forget(&self, user: UserId, room: RoomId) {
        let entry = Entry { at: self.at(Instant::now()), acl: AclVersion::default(), role: None, sanctions: None };
        self.insert(&mut self.shard(room).lock(), user, room, entry);
    }

    fn insert<'a>(&self, shard: &'a mut Shard, user: UserId, room: RoomId, entry: Entry) -> &'a mut Room {
        self.make_room(shard);
        let room = shard.rooms.entry(room).or_insert_with(Room::unknown);
        shard.entries += usize::from(room.users.insert(user, entry).is_none());
        room
    }

    /// Throws old ones away now and then, and others when there are too many.
    fn make_room(&self, shard: &mut Shard) {
        let now = self.at(Instant::now());
        let is_full = shard.entries >= PERMISSIONS_MAX / SHARDS;
        let is_due = now.saturating_sub(shard.swept) >= millis(PERMISSION_KEPT) / 4;
        if is_full || is_due {
            shard.swept = now;
            shard.retain(|_, entry| entry.is_kept(now));
        }
        if shard.entries >= PERMISSIONS_MAX / SHARDS {
            // They are asked for again.
            let mut others = false;
            shard.retain(|_, _| {
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
    fn retain(&mut self, mut stays: impl FnMut(&UserId, &Entry) -> bool) {
        self.rooms.retain(|_, room| {
            room.users.retain(|user, entry| stays(user, entry));
            if room.users.len() < room.users.capacity() / 4 {
                room.users.shrink_to_fit();
            }
            !room.users.is_empty()
        });
        self.entries = self.rooms.values().map(|room| room.users.len()).sum();
    }
}

impl Room {
    fn unknown() -> Self {
        Self { slug: None, name: String::new(), visibility: Visibility::Private, users: HashMap::new() }
    }

    fn is_now(&mut self, permission: &Permission) {
        self.slug.clone_from(&permission.slug);
        self.name.clone_from(&permission.name);
        self.visibility = permission.visibility;
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
    use rookery_shared::clock::UnixMillis;
    use tokio::time::advance;

    use super::*;

    fn permission(room: RoomId, name: &str) -> Permission {
        Permission {
            room,
            slug: None,
            name: name.to_owned(),
            visibility: Visibility::Public,
            role: Some(RoomRole::Member),
            acl: AclVersion(3),
            muted: None,
            banned: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn comes_back_as_it_went_in_and_ends() {
        let (remembered, user, room) = (Remembered::new(), UserId::generate(), RoomId::generate());
        assert!(remembered.get(user, room).is_none());
        let muted = Permission { muted: Some(Until::Time(UnixMillis(7))), ..permission(room, "one") };
        remembered.put(user, &muted, Instant::now());
        advance(Duration::from_secs(5)).await;
        assert_eq!(remembered.get(user, room), Some((muted, Duration::from_secs(5))));
        assert!(remembered.get(UserId::generate(), room).is_none());
        advance(PERMISSION_KEPT).await;
        assert!(remembered.get(user, room).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_forgotten_meanwhile_is_not_remembered() {
        let (remembered, user, room) = (Remembered::new(), UserId::generate(), RoomId::generate());
        for _ in 0..2 {
            let asked = Instant::now();
            remembered.forget(user, room);
            remembered.put(user, &permission(room, "one"), asked);
            assert!(remembered.get(user, room).is_none());
            advance(Duration::from_millis(1)).await;
            remembered.put(user, &permission(room, "one"), Instant::now());
            assert!(remembered.get(user, room).is_some());
            advance(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_name_of_a_room_holds_and_forgetting_somebody_does_not_change_it() {
        let (remembered, room) = (Remembered::new(), RoomId::generate());
        let users = [UserId::generate(), UserId::generate()];
        for (user, name) in users.into_iter().zip(["old", "new"]) {
            remembered.put(user, &permission(room, name), Instant::now());
        }
        remembered.forget(users[1], room);
        remembered.forget(UserId::generate(), room);
        assert_eq!(remembered.get(users[0], room).unwrap().0.name, "new");
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_never_more_than_the_bound_and_the_newest_is_there() {
        let (remembered, room) = (Remembered::new(), RoomId::generate());
        for _ in 0..PERMISSIONS_MAX / SHARDS + 10 {
            let user = UserId::generate();
            remembered.put(user, &permission(room, "one"), Instant::now());
            assert!(remembered.get(user, room).is_some());
        }
        let shard = remembered.shard(room).lock();
        assert!(shard.entries <= PERMISSIONS_MAX / SHARDS);
        assert_eq!(shard.entries, shard.rooms[&room].users.len());
    }
}
