//! An api that does no more than to open rooms, if that.

use std::sync::Arc;

use async_trait::async_trait;
use rookery_bus::authority::{Authority, AuthorityError, Changes, Look, MessageFacts, Permission};
use rookery_bus::{Bus, OpenError, RoomSeed};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{RoomSettings, SequencedEvent};
use rookery_protocol::id::{AclVersion, Epoch, RoomId, RoomRef, SessionId, UserId};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::Position;
use rookery_protocol::unread::{ReadState, ReadTo};
use rookery_runtime::token::JwkSet;
use rookery_tests::redis::Redis;

use crate::fixture::ACL;

/// What it does when it is asked for a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Says that the room is open, and does nothing.
    Nothing,
    /// Opens it.
    Room,
    /// Opens it, and stops Redis before it says so.
    ThenSilent,
}

pub(super) struct Opener {
    pub(super) api: Arc<dyn Bus>,
    pub(super) redis: Arc<Redis>,
    pub(super) opening: Opening,
}

impl Opener {
    async fn open(&self, room: RoomId) -> Result<(), OpenError> {
        let seed = RoomSeed { epoch: None, last: Position::START, acl: ACL, settings: RoomSettings::default() };
        if self.api.open_room(room, seed).await == Err(OpenError::PartitionNotOpen) {
            self.api.open_partition(partition_of(room), Epoch(1)).await?;
            self.api.open_room(room, seed).await?;
        }
        Ok(())
    }
}

fn not_asked<T>() -> Result<T, AuthorityError> {
    Err(AuthorityError::Unavailable("it only opens rooms".to_owned()))
}

#[async_trait]
impl Authority for Opener {
    async fn open_room(&self, room: RoomId) -> Result<(), AuthorityError> {
        if self.opening == Opening::Nothing {
            return Ok(());
        }
        let opened = self.open(room).await;
        if self.opening == Opening::ThenSilent {
            self.redis.process.signal("STOP");
        }
        opened.map_err(|error| AuthorityError::Unavailable(error.to_string()))
    }

    async fn authorize(&self, _user: UserId, _room: &RoomRef) -> Result<Permission, AuthorityError> {
        not_asked()
    }

    async fn message(&self, _look: Look) -> Result<MessageFacts, AuthorityError> {
        not_asked()
    }

    async fn public_keys(&self) -> Result<JwkSet, AuthorityError> {
        not_asked()
    }

    async fn changes(&self, _since: Option<UnixMillis>) -> Result<Changes, AuthorityError> {
        not_asked()
    }

    async fn ended(&self, _sessions: &[SessionId]) -> Result<Vec<SessionId>, AuthorityError> {
        not_asked()
    }

    async fn acl_versions(&self, _rooms: &[RoomId]) -> Result<Vec<(RoomId, AclVersion)>, AuthorityError> {
        not_asked()
    }

    async fn readers(&self, _room: RoomId, _users: &[UserId]) -> Result<Vec<UserId>, AuthorityError> {
        not_asked()
    }

    async fn visible_users(&self, _user: UserId, _others: &[UserId]) -> Result<Vec<UserId>, AuthorityError> {
        not_asked()
    }

    async fn events(
        &self,
        _room: RoomId,
        _place: Position,
        _limit: usize,
    ) -> Result<Vec<SequencedEvent>, AuthorityError> {
        not_asked()
    }

    async fn mark_read(&self, _user: UserId, _room: RoomId, _to: ReadTo) -> Result<(), AuthorityError> {
        not_asked()
    }

    async fn read_states(&self, _user: UserId, _rooms: &[RoomId]) -> Result<Vec<(RoomId, ReadState)>, AuthorityError> {
        not_asked()
    }
}
