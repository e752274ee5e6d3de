//! Who is in a room, merged from what each gateway wrote, and the frames about a change.

use std::collections::BTreeMap;

use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::limits::ROOM_PRESENCE_MAX;
use rookery_protocol::presence::PresenceView;
use rookery_protocol::server::ServerFrame;

use super::{Occupancy, Occupant, Setting, UserPresence};

/// The users in a room, each once; only counted if they are many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomOccupancy {
    online: usize,
    users: Option<BTreeMap<UserId, Setting>>,
}

impl RoomOccupancy {
    /// Of all gateways. A user on two of them is one user, as far as users are named.
    pub fn of(occupancies: Vec<Occupancy>) -> Self {
        let counted = occupancies.iter().map(|occupancy| occupancy.count).sum();
        let named: Option<Vec<Vec<Occupant>>> = occupancies.into_iter().map(|occupancy| occupancy.users).collect();
        let users: Option<BTreeMap<UserId, Setting>> =
            named.map(|named| named.into_iter().flatten().map(|occupant| (occupant.user, occupant.setting)).collect());
        match users {
            Some(users) if users.len() <= ROOM_PRESENCE_MAX => Self { online: users.len(), users: Some(users) },
            Some(users) => Self { online: users.len(), users: None },
            None => Self { online: counted, users: None },
        }
    }

    /// The same without names.
    #[must_use]
    pub fn counted(self) -> Self {
        Self { users: None, ..self }
    }

    /// Number of users.
    pub const fn online(&self) -> usize {
        self.online
    }

    /// Whether the users are too many to be named.
    pub const fn is_counted(&self) -> bool {
        self.users.is_none()
    }

    /// The users as clients see them; none if they are only counted.
    pub fn seen(&self) -> Option<Vec<PresenceView>> {
        Some(self.users.as_ref()?.iter().map(seen).collect())
    }

    /// Everything, for a client that knows nothing.
    pub fn whole(&self, room: RoomId) -> ServerFrame {
        ServerFrame::RoomPresence { room, online: self.online, whole: true, users: self.seen(), gone: Vec::new() }
    }

    /// The frame for a client that knows the occupancy before; none if nothing has changed.
    pub fn since(&self, before: &Self, room: RoomId) -> Option<ServerFrame> {
        if self == before {
            return None;
        }
        let (Some(old), Some(new)) = (&before.users, &self.users) else { return Some(self.whole(room)) };
        let users = new.iter().filter(|(user, setting)| old.get(user) != Some(setting)).map(seen).collect();
        let gone = old.keys().filter(|user| !new.contains_key(user)).copied().collect();
        Some(ServerFrame::RoomPresence { room, online: self.online, whole: false, users: Some(users), gone })
    }
}

fn seen((user, setting): (&UserId, &Setting)) -> PresenceView {
    UserPresence { user: *user, online: true, setting: Some(setting.clone()), seen: None }.to_seen()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rookery_protocol::presence::Status;

    fn named(users: &[UserId], status: Status) -> Occupancy {
        let setting = Setting { status, text: None };
        let users: Vec<_> = users.iter().map(|user| Occupant { user: *user, setting: setting.clone() }).collect();
        Occupancy { count: users.len(), users: Some(users) }
    }

    fn ids(count: usize) -> Vec<UserId> {
        (0..count).map(|_| UserId::generate()).collect()
    }

    #[test]
    fn a_user_on_two_gateways_is_one() {
        let users = ids(3);
        let crowd = RoomOccupancy::of(vec![named(&users[..2], Status::Online), named(&users[1..], Status::Online)]);
        assert_eq!((crowd.online(), crowd.seen().unwrap().len()), (3, 3));
    }

    #[test]
    fn many_are_counted() {
        let exactly = RoomOccupancy::of(vec![named(&ids(ROOM_PRESENCE_MAX), Status::Online)]);
        assert_eq!((exactly.online(), exactly.is_counted()), (ROOM_PRESENCE_MAX, false));
        let one_more =
            RoomOccupancy::of(vec![named(&ids(ROOM_PRESENCE_MAX), Status::Online), named(&ids(1), Status::Online)]);
        assert_eq!((one_more.online(), one_more.seen()), (ROOM_PRESENCE_MAX + 1, None));
        let unnamed = Occupancy { count: 300, users: None };
        assert_eq!(RoomOccupancy::of(vec![unnamed, named(&ids(2), Status::Online)]).online(), 302);
    }

    #[test]
    fn a_change_is_told_and_no_change_is_not() {
        let (room, users) = (RoomId::generate(), ids(3));
        let before = RoomOccupancy::of(vec![named(&users[..2], Status::Online)]);
        assert_eq!(before.since(&before.clone(), room), None);
        let after = RoomOccupancy::of(vec![named(&users[1..2], Status::Away), named(&users[2..], Status::Online)]);
        let Some(ServerFrame::RoomPresence { online, whole, users: told, gone, .. }) = after.since(&before, room)
        else {
            panic!("nothing is told")
        };
        let told: Vec<UserId> = told.unwrap().into_iter().map(|seen| seen.user_id).collect();
        assert_eq!((online, whole, told, gone), (2, false, users[1..].to_vec(), users[..1].to_vec()));
        let counted = RoomOccupancy::of(vec![Occupancy { count: 300, users: None }]);
        for (now, then) in [(&counted, &after), (&after, &counted)] {
            assert!(matches!(now.since(then, room), Some(ServerFrame::RoomPresence { whole: true, .. })));
        }
    }
}
