//! Where a connection for one room only is to be: what its address names.

use std::str::FromStr;

use rookery_protocol::id::{BadId, RoomId, RoomRef, UserId};

/// What the address of such a connection names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A room.
    Room(RoomRef),
    /// Whoever is to be written to.
    Direct(UserId),
}

impl Place {
    /// The room, for this user.
    pub fn room(&self, user: UserId) -> RoomRef {
        match self {
            Self::Room(room) => room.clone(),
            Self::Direct(with) => RoomRef::Id(RoomId::of_pair(user, *with)),
        }
    }
}

impl FromStr for Place {
    type Err = BadId;

    fn from_str(room: &str) -> Result<Self, BadId> {
        room.parse().map(Self::Room)
    }
}
