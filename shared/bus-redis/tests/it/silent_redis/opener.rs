//! An api that does no more than to open rooms, if that.

use std::sync::Arc;

use async_trait::async_trait;
use rookery_bus::authority::{AuthorityError, RoomOpener};
use rookery_bus::{OpenError, Partitions, RoomSeed};
use rookery_protocol::event::RoomSettings;
use rookery_protocol::id::{Epoch, RoomId};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::Position;
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
    pub(super) api: Arc<dyn Partitions>,
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

#[async_trait]
impl RoomOpener for Opener {
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
}
