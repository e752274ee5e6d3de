//! Deleting a message in an office: who decides about reports, or keeps order on the server, need not be in the room, and was found to
//! have the right before.

use rookery_bus::acks::StaleAnswer;
use rookery_bus::authority::{HistorySource as _, Look, PendingChange};
use rookery_bus::publish::{Cause, Publication, Step};
use rookery_bus::{Append, Appended};
use rookery_protocol::access::{Rights, ServerRank, decide_on_messages};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, Sender};
use rookery_protocol::id::{ClientId, MessageId, RoomId, RoomRef};
use rookery_protocol::message_change::{ChangeKind, MessageChange};

use crate::error::ApiError;
use crate::messages::{Messages, Sent};

impl Messages {
    /// Deletes a message. Nothing changes if it is deleted already.
    pub(crate) async fn remove(&self, by: Sender, room: RoomId, message: MessageId) -> Result<(), ApiError> {
        if self.rooms.stores.rooms.find(&RoomRef::Id(room)).await?.is_none() {
            return Err(ApiError::refused(ErrorCode::UnknownRoom));
        }
        self.removed(by, room, message, ClientId::generate()).await.map(drop)
    }

    /// Deletes a message for a moderator or an admin of the server who may keep order among those of the room; none if it is nobody
    /// of the kind. The place of the deletion, if the message was not deleted before.
    pub(crate) async fn remove_as_staff(
        &self,
        by: Sender,
        room: &RoomRef,
        message: MessageId,
        client_id: &ClientId,
    ) -> Result<Option<Option<Sent>>, ApiError> {
        let (room, context) = self.rooms.settings_context(&by, room).await?;
        if context.server == ServerRank::User || decide_on_messages(context, UnixMillis::now()).is_err() {
            return Ok(None);
        }
        self.removed(by, room.id, message, client_id.clone()).await.map(Some)
    }

    async fn removed(
        &self,
        by: Sender,
        room: RoomId,
        message: MessageId,
        client_id: ClientId,
    ) -> Result<Option<Sent>, ApiError> {
        let removal = Removal { messages: self, by, room, message, client_id };
        match self.publish(&removal).await? {
            Some(appended) => self.await_stored(room, appended).await.map(Some),
            None => Ok(None),
        }
    }
}

struct Removal<'a> {
    messages: &'a Messages,
    by: Sender,
    room: RoomId,
    message: MessageId,
    client_id: ClientId,
}

impl Publication for Removal<'_> {
    type Done = Option<Appended>;
    type Error = ApiError;

    async fn prepare(&self, _cause: Cause) -> Result<Step<Option<Appended>>, ApiError> {
        let (room, message, client_id) = (self.room, self.message, self.client_id.clone());
        let change = MessageChange { message_id: message, kind: ChangeKind::Delete };
        let event = Event::message_change(room, self.by.clone(), &client_id, change);
        let before = Some(PendingChange { user: self.by.user_id, event: event.id });
        let facts = self.messages.authority.message(Look { room, message, before }).await?;
        if facts.deleted {
            return Ok(Step::Done(None));
        }
        Ok(Step::Append(Box::new(Append { room, event, client_id, rights: Rights::Keep, epoch: None })))
    }

    fn accept(&self, _room: RoomId, appended: Appended) -> Result<Option<Appended>, StaleAnswer> {
        Ok(Some(appended))
    }
}
