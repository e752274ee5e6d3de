//! What a load test needs: accounts without a usable password, rooms, and who is in which.

use rookery_protocol::access::{RoomRole, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, SessionId, UserId};
use rookery_protocol::position::Position;

use crate::room::{Member, Room, RoomName};
use crate::session::Session;
use crate::user::{Email, User, Username};

/// How much is made, and how the users are spread.
///
/// A load generator that spreads its connections over gateways in turn has connection `i` at gateway `i % gateways`.
/// So that every room has members at each of them, user `i` is in room `i / gateways % rooms` and in the rooms after it.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of rooms.
    pub rooms: usize,
    /// Number of accounts.
    pub users: usize,
    /// Rooms of each account.
    pub rooms_per_user: usize,
    /// Gateways that the connections of the accounts are spread over.
    pub gateways: usize,
    /// Of the rooms.
    pub visibility: Visibility,
}

/// Things to store, all at once.
#[derive(Clone, Debug, Default)]
pub struct LoadSet {
    /// Accounts.
    pub users: Vec<User>,
    /// A login of each account.
    pub sessions: Vec<Session>,
    /// Rooms.
    pub rooms: Vec<Room>,
    /// Memberships.
    pub members: Vec<Member>,
}

/// Where the parts of names come from that nobody else has, and the hash of the password that nobody knows.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Begins every name; at most eight letters and digits.
    pub name: &'a str,
    /// In PHC form.
    pub password_hash: &'a str,
    /// Now.
    pub now: UnixMillis,
    /// When the logins end.
    pub until: UnixMillis,
}

impl Plan {
    /// The rooms of a user, by their numbers; none twice.
    pub fn rooms_of(self, user: usize) -> impl Iterator<Item = usize> {
        let first = user / self.gateways.max(1);
        (0..self.rooms_per_user.min(self.rooms)).map(move |n| (first + n) % self.rooms)
    }

    /// All that is to be stored. An error names what is not valid.
    pub fn make(self, origin: Origin<'_>) -> Result<LoadSet, &'static str> {
        let rooms = (0..self.rooms).map(|n| room(n, self.visibility, origin)).collect::<Result<Vec<_>, _>>()?;
        let users = (0..self.users).map(|n| user(n, origin)).collect::<Result<Vec<_>, _>>()?;
        let sessions = users.iter().map(|user| session(user.id, origin)).collect();
        let member = |user: UserId, room: usize| {
            let room_id = rooms.get(room)?.id;
            Some(Member {
                room_id,
                user_id: user,
                role: RoomRole::Member,
                joined_at: origin.now,
                read: Position::START,
            })
        };
        let places = users
            .iter()
            .enumerate()
            .flat_map(|(n, user)| self.rooms_of(n).map(|room| (user.id, room)));
        let members = places.filter_map(|(user, room)| member(user, room)).collect();
        Ok(LoadSet { users, sessions, rooms, members })
    }
}

fn user(n: usize, origin: Origin<'_>) -> Result<User, &'static str> {
    let name = format!("load-{}-{n}", origin.name);
    let email = Email::try_from(format!("{name}@example.invalid"))?;
    let (username, password_hash) = (Username::try_from(name)?, origin.password_hash.to_owned());
    Ok(User::new(UserId::generate(), username, email, password_hash, origin.now))
}

fn room(n: usize, visibility: Visibility, origin: Origin<'_>) -> Result<Room, &'static str> {
    let name = RoomName::try_from(format!("Load {} {n}", origin.name))?;
    Ok(Room::new(RoomId::generate(), name, visibility, origin.now))
}

/// A login that can be revoked like any other but not refreshed: its refresh token never existed.
fn session(user: UserId, origin: Origin<'_>) -> Session {
    let id = SessionId::generate();
    Session {
        id,
        lookup: *uuid::Uuid::new_v4().as_bytes(),
        user_id: user,
        chain_key: [0; 32],
        current: [0; 32],
        parent: None,
        rotated_at: origin.now,
        replaced: Vec::new(),
        created_at: origin.now,
        expires_at: origin.until,
        revoked_at: None,
        device: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan = Plan { rooms: 3, users: 12, rooms_per_user: 1, gateways: 2, visibility: Visibility::Private };

    #[test]
    fn every_room_has_members_at_every_gateway() {
        for room in 0..PLAN.rooms {
            let members: Vec<usize> = (0..PLAN.users).filter(|&n| PLAN.rooms_of(n).any(|r| r == room)).collect();
            assert_eq!(members.len(), 4);
            assert_eq!(members.iter().filter(|&&n| n % 2 == 0).count(), 2);
        }
    }

    #[test]
    fn nobody_is_in_a_room_twice() {
        let plan = Plan { rooms_per_user: 10, ..PLAN };
        assert_eq!(plan.rooms_of(4).collect::<Vec<_>>(), [2, 0, 1]);
    }

    #[test]
    fn everything_belongs_together() {
        let now = UnixMillis(1_800_000_000_000);
        let set = PLAN.make(Origin { name: "a1b2c3d4", password_hash: "x", now, until: now }).unwrap();
        assert_eq!((set.users.len(), set.rooms.len(), set.members.len()), (12, 3, 12));
        assert!(set.sessions.iter().zip(&set.users).all(|(session, user)| session.user_id == user.id));
        assert_eq!(set.members[5].room_id, set.rooms[2].id);
    }
}
