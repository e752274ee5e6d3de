//! Who is online, and as what.
//!
//! A gateway holds a *lease*, and renews it; that is all that is written while nobody comes or goes. A user is online
//! while a gateway with a living lease says so, and a gateway says so once for all connections the user has there. A
//! status and its text are the user's, not a connection's: what was said last holds on every device until it is changed.
//!
//! Which users are in a room is kept apart, by gateway, and for large rooms only how many.

use std::time::Duration;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{LeaseId, Partition, RoomId, UserId};
use rookery_protocol::limits::STATUS_TEXT_CHARS_MAX;
use rookery_protocol::presence::{PresenceView, Status, StatusText, VisibleStatus};
use rookery_protocol::text;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::BusError;

pub mod occupancy;

/// What a user has said of oneself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Setting {
    /// As what to be shown while online.
    #[serde(default)]
    pub status: Status,
    /// In the user's own words.
    #[serde(default, deserialize_with = "kept_text", skip_serializing_if = "Option::is_none")]
    pub text: Option<StatusText>,
}

/// Words that were taken before there was a rule are mended; the rest of what the user said holds.
fn kept_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<StatusText>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.and_then(|text| StatusText::try_from(text::mended_line(&text, STATUS_TEXT_CHARS_MAX)).ok()))
}

/// A user as others may see one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPresence {
    /// Id of the user.
    pub user: UserId,
    /// Whether a living gateway has the user.
    pub online: bool,
    /// What the user said.
    pub setting: Option<Setting>,
    /// When the user was last online, if not now and as far as it is known.
    pub seen: Option<UnixMillis>,
}

impl UserPresence {
    /// Somebody of whom nothing is known.
    pub const fn unknown(user: UserId) -> Self {
        Self { user, online: false, setting: None, seen: None }
    }

    /// The presence that clients see.
    pub fn to_seen(&self) -> PresenceView {
        let setting = self.setting.as_ref();
        let status = match setting.map(|setting| setting.status) {
            _ if !self.online => VisibleStatus::Offline,
            Some(Status::Away) => VisibleStatus::Away,
            Some(Status::Dnd) => VisibleStatus::Dnd,
            Some(Status::Online) | None => VisibleStatus::Online,
        };
        let text = setting.and_then(|setting| setting.text.clone());
        PresenceView { user_id: self.user, status, text, last_seen: self.seen.filter(|_| !self.online) }
    }
}

/// What becomes of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The first connection to this gateway. The setting holds if the store has none, such as after a loss.
    Connect(Option<Setting>),
    /// The last connection to this gateway is gone.
    Disconnect,
    /// The user has said something of oneself.
    SetStatus(Setting),
}

/// How a lease is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerm {
    /// From now on.
    pub life: Duration,
    /// Whether it is new. One that is not new and has ended cannot be renewed: others may have cleaned up behind it.
    pub first: bool,
}

/// How the leases stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leases {
    /// Whether the asked one holds.
    pub held: bool,
    /// Dead ones that the asker is to clean up after. Nobody else does for [`crate::limits::REAP_CLAIM`].
    pub claimed: Vec<LeaseId>,
    /// How long until another one ends, unless it is renewed.
    pub next_end: Option<Duration>,
}

/// Who is in a room by one gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Occupancy {
    /// Number of users.
    pub count: usize,
    /// Who; none if they are too many to be named.
    pub users: Option<Vec<Occupant>>,
}

/// A user in a room.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Occupant {
    /// Id of the user.
    pub user: UserId,
    /// Status and text.
    #[serde(flatten)]
    pub setting: Setting,
}

/// What a gateway has written in a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaseEntries {
    /// Users who were there.
    pub users: Vec<UserId>,
    /// Rooms that had users there.
    pub rooms: Vec<RoomId>,
}

/// Where presence is kept. Changes that others can see arrive as [`crate::signal::Signal::Presence`] at every process that
/// is subscribed to the user, and as [`crate::signal::EphemeralSignal::Occupancy`] at those subscribed to the room.
///
/// What is written under a lease counts as long as the lease lives. A lease that nobody knows is dead.
#[async_trait]
pub trait PresenceStore: Send + Sync + 'static {
    /// Takes or renews the lease; returns all leases.
    async fn hold(&self, lease: LeaseId, term: LeaseTerm) -> Result<Leases, BusError>;

    /// Applies the changes and returns the presence of the users, in the order asked. Only what changes whether
    /// a user is online, or the status, is published. Without a lease only [`Change::SetStatus`] makes sense.
    async fn change(&self, lease: Option<LeaseId>, changes: &[(UserId, Change)])
    -> Result<Vec<UserPresence>, BusError>;

    /// Presence of the users, in the order asked.
    async fn users(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError>;

    /// Writes who is in the rooms under this lease; none for nobody.
    async fn occupy(&self, lease: LeaseId, rooms: &[(RoomId, Option<Occupancy>)]) -> Result<(), BusError>;

    /// Who is in the rooms, by living leases, in the order asked.
    async fn occupants(&self, rooms: &[RoomId]) -> Result<Vec<Vec<Occupancy>>, BusError>;

    /// Some of what the lease has written in the partition; empty when there is nothing left.
    async fn remains(&self, lease: LeaseId, partition: Partition) -> Result<LeaseEntries, BusError>;

    /// Deletes a dead lease that has no entries left.
    async fn delete_lease(&self, lease: LeaseId) -> Result<(), BusError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_online_is_offline_whatever_was_said() {
        let setting = Some(Setting { status: Status::Dnd, text: None });
        let seen = Some(UnixMillis(7));
        let gone = UserPresence { user: UserId::generate(), online: false, setting, seen };
        assert_eq!((gone.to_seen().status, gone.to_seen().last_seen), (VisibleStatus::Offline, seen));
        let here = UserPresence { online: true, ..gone };
        assert_eq!((here.to_seen().status, here.to_seen().last_seen), (VisibleStatus::Dnd, None));
        let silent = UserPresence { setting: None, ..here };
        assert_eq!(silent.to_seen().status, VisibleStatus::Online);
    }
}
