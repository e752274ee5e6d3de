//! Messages that are pinned to rooms. A change leaves an announcement in the outbox, in one atomic step; a message that is
//! deleted is pinned no more.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::Event;
use rookery_protocol::id::{MessageId, RoomId, UserId};

use crate::{Announcement, StoreError};

/// A pinned message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Id of the message.
    pub message: MessageId,
    /// Who pinned it.
    pub by: UserId,
    /// When.
    pub at: UnixMillis,
}

/// What became of a pin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is made once for an act and not kept")]
pub enum Pinned {
    /// It is there, and this is to be announced.
    Done(Announcement),
    /// The message was pinned before.
    Unchanged,
    /// The room has as many as it may have.
    Full,
}

/// A place in the list of a room's pinned messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinPlace {
    /// When the message was pinned.
    pub at: UnixMillis,
    /// Id of the message.
    pub message: MessageId,
}

impl From<&Pin> for PinPlace {
    fn from(pin: &Pin) -> Self {
        Self { at: pin.at, message: pin.message }
    }
}

/// Pinned messages.
#[async_trait]
pub trait Pins: Send + Sync {
    /// Pins a message of the room, unless it has `most` others. [`StoreError::Inconsistent`] if there is no such room.
    async fn pin(&self, room: RoomId, pin: &Pin, most: usize, event: &Event) -> Result<Pinned, StoreError>;
    /// Takes a pin back. None if the message is not pinned.
    async fn unpin(&self, room: RoomId, message: MessageId, event: &Event) -> Result<Option<Announcement>, StoreError>;
    /// Those of the room, the newest first, before that place, at most `limit`.
    async fn page(&self, room: RoomId, before: Option<PinPlace>, limit: usize) -> Result<Vec<Pin>, StoreError>;
}
