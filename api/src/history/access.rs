//! Whether somebody may read messages that are named by their ids alone.

use std::collections::HashSet;

use rookery_protocol::access::Action;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, RoomId, RoomRef, UserId};

use super::History;
use crate::error::ApiError;

impl History {
    /// The message, if the reader may read in its room; refused with [`ErrorCode::UnknownMessage`] otherwise: whether there
    /// is such a message is not the business of who may not read it.
    pub(crate) async fn readable(&self, reader: UserId, message: MessageId) -> Result<SequencedEvent, ApiError> {
        let unknown = || ApiError::refused(ErrorCode::UnknownMessage);
        let found = self.rooms.stores.messages.by_ids(&[message]).await?;
        let said = found.into_iter().next().ok_or_else(unknown)?;
        match self.rooms.find(reader, &RoomRef::Id(said.room), Action::Read).await {
            Ok(_) => Ok(said),
            Err(ApiError::Refused(_)) => Err(unknown()),
            Err(error) => Err(error),
        }
    }

    /// Those of these rooms in which the reader may read: a ban ends the membership, so these are the reader's own.
    pub(crate) async fn readable_among(
        &self,
        reader: UserId,
        rooms: impl Iterator<Item = RoomId>,
    ) -> Result<HashSet<RoomId>, ApiError> {
        let places: HashSet<(RoomId, UserId)> = rooms.map(|room| (room, reader)).collect();
        let places: Vec<_> = places.into_iter().collect();
        let members = self.rooms.stores.members.places(&places).await?;
        Ok(members
            .into_iter()
            .filter(|member| member.user_id == reader)
            .map(|member| member.room_id)
            .collect())
    }
}
