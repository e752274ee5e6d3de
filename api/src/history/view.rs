//! Messages as answers show them.

use rookery_protocol::id::{Epoch, RoomId, Seq};
use rookery_protocol::server::{EventFrame, Message};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::openapi::schema;

/// A message as it is now, and its place.
#[derive(Clone, Serialize, ToSchema)]
pub struct PlacedMessage {
    /// Id of its room.
    #[schema(value_type = Uuid)]
    pub(crate) room: RoomId,
    /// Epoch of its number.
    #[schema(value_type = String, example = "e1")]
    epoch: Epoch,
    /// Its number in the room.
    #[schema(value_type = u64)]
    seq: Seq,
    /// The message, as in the history of its room.
    #[schema(value_type = schema::Message)]
    pub(crate) message: Message,
}

impl PlacedMessage {
    /// That of a frame, if it has one.
    pub fn of(frame: EventFrame) -> Option<Self> {
        let EventFrame::NewMessage { room, epoch, seq, message } = frame else { return None };
        Some(Self { room, epoch, seq, message })
    }
}
