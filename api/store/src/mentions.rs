//! Where users are named, over all rooms: what counts as a mention is said in [`crate::unread`].

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId};

use crate::StoreError;
use crate::unread::Reader;

/// A message that names somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mentioned {
    /// Id of the message.
    pub message: MessageId,
    /// Its room.
    pub room: RoomId,
    /// When it was said.
    pub at: UnixMillis,
}

/// A place in the list of somebody's mentions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MentionPlace {
    /// When the message was said.
    pub at: UnixMillis,
    /// Id of the message.
    pub message: MessageId,
}

impl From<&Mentioned> for MentionPlace {
    fn from(mentioned: &Mentioned) -> Self {
        Self { at: mentioned.at, message: mentioned.message }
    }
}

/// A page of mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MentionPage {
    /// The newest first. There may be fewer than were asked for.
    pub found: Vec<Mentioned>,
    /// Where the next page begins, if there is one.
    pub next: Option<MentionPlace>,
}

/// Messages by whom they name.
#[async_trait]
pub trait Mentions: Send + Sync {
    /// Messages of others whose newest text names the reader, before that place, at most `limit`, which is at least one.
    async fn page(
        &self,
        reader: &Reader,
        before: Option<MentionPlace>,
        limit: usize,
    ) -> Result<MentionPage, StoreError>;
}
