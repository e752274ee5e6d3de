//! Sending a message over REST: the same steps as a gateway's, then a wait for the store.

use std::sync::Arc;

use axum::extract::FromRef;
use rookery_bus::Appended;
use rookery_bus::acks::StaleAnswer;
use rookery_bus::authority::{
    AuthorityError, HeldFiles, MessagePreparer as _, Permission, PermissionSource as _, Prepared,
};
use rookery_bus::error::BusError;
use rookery_bus::limits::PUBLISH_DEADLINE;
use rookery_bus::publish::{Cause, Publication, Step, publish};
use rookery_protocol::access::{Action, decide};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, NewMessage, Sender};
use rookery_protocol::id::{MessageId, RoomId, RoomRef, UserId};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::StoredPosition;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::Authentication;
use crate::metrics::Metrics;
use crate::rooms::Rooms;
use crate::stored_waiter::{StoredWaits, Waited};

pub mod change;
pub mod changes;
pub mod edits;
pub mod reactions;
mod remove;
pub mod send;
pub mod view;

/// The routes of messages.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Messages: FromRef<S>,
    Rooms: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(send::send))
        .routes(routes!(change::edit, change::delete))
        .routes(routes!(change::react, change::unreact, reactions::users))
        .routes(routes!(edits::edits))
}

/// Sends messages and changes of messages.
#[derive(Clone)]
pub struct Messages {
    pub(crate) authority: Arc<LocalAuthority>,
    pub(crate) rooms: Rooms,
    pub(crate) cursors: Cursors,
    pub(crate) stored: Arc<StoredWaits>,
    pub(crate) metrics: Metrics,
}

/// A message that has its place.
pub struct Sent {
    /// Id of the room.
    pub room: RoomId,
    /// Id of the event.
    pub id: MessageId,
    /// Position and time of the event.
    pub first: StoredPosition,
    /// Whether the store has it by now; if not, it will.
    pub stored: bool,
}

impl Messages {
    /// Sends a checked message.
    pub async fn send(&self, sender: Sender, room: &RoomRef, message: NewMessage) -> Result<Sent, ApiError> {
        let message = Message { messages: self, sender, room, said: message, held: HeldFiles::default() };
        let published = self.publish(&message).await;
        if published.as_ref().is_err_and(ApiError::is_for_good) {
            message.held.give_back(&*self.authority).await;
        }
        let (room, appended) = published?;
        self.await_stored(room, appended).await
    }

    /// Publishes, by the same steps as a gateway.
    pub(super) async fn publish<D: Send>(
        &self,
        publication: &impl Publication<Done = D, Error = ApiError>,
    ) -> Result<D, ApiError> {
        publish(&*self.rooms.log, &*self.authority, PUBLISH_DEADLINE, publication).await
    }

    /// Waits a moment for the store.
    pub(super) async fn await_stored(&self, room: RoomId, appended: Appended) -> Result<Sent, ApiError> {
        match self.stored.wait(partition_of(room), &appended).await {
            Waited::Stored(first) => {
                let first = first.unwrap_or_else(|| appended.place());
                Ok(Sent { room, id: appended.id, first, stored: true })
            }
            Waited::NotYet => {
                self.metrics.sends_unstored.inc();
                Ok(Sent { room, id: appended.id, first: appended.place(), stored: false })
            }
            Waited::Unknown => {
                Err(BusError::Unavailable("it is unknown whether the message survived".to_owned()).into())
            }
        }
    }

    /// What the user is in the room, if that is enough to say something there.
    pub(crate) async fn may_send(&self, user: UserId, room: &RoomRef) -> Result<Permission, ApiError> {
        let permission = self.authority.authorize(user, room).await?;
        let now = UnixMillis::now();
        decide(permission.access(), Action::Send, now)
            .map_err(|code| ApiError::refused_until(code, permission.muted, now))?;
        Ok(permission)
    }

    /// Looks at what the message refers to: a reply answers a message of the room, which may be deleted by now.
    async fn look_at_references(&self, room: RoomId, event: &Event, held: &HeldFiles) -> Result<Prepared, ApiError> {
        let Some(preparation) = held.preparation(room, event) else { return Ok(Prepared::default()) };
        match self.authority.prepare(preparation).await {
            Ok(prepared) => {
                held.note(room, event.id, &prepared);
                Ok(prepared)
            }
            Err(AuthorityError::Refused(code @ ErrorCode::UnknownMessage)) => {
                Err(ApiError::field(code, "reply_to", "must be a message of the room"))
            }
            Err(AuthorityError::Refused(code @ ErrorCode::BadAttachment)) => {
                Err(ApiError::field(code, "attachments", "must be files of yours that are attached to nothing else"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The same for what is sent later.
    pub(crate) async fn may_refer(&self, room: RoomId, sender: Sender, message: NewMessage) -> Result<(), ApiError> {
        let event = Event::message(room, sender, message);
        self.look_at_references(room, &event, &HeldFiles::default()).await.map(drop)
    }
}

/// A message of a caller.
struct Message<'a> {
    messages: &'a Messages,
    sender: Sender,
    room: &'a RoomRef,
    said: NewMessage,
    held: HeldFiles,
}

impl Publication for Message<'_> {
    type Done = (RoomId, Appended);
    type Error = ApiError;

    async fn prepare(&self, _cause: Cause) -> Result<Step<Self::Done>, ApiError> {
        let permission = self.messages.may_send(self.sender.user_id, self.room).await?;
        let mut event = Event::message(permission.room, self.sender.clone(), self.said.clone());
        self.messages
            .look_at_references(permission.room, &event, &self.held)
            .await?
            .add_to(&mut event);
        self.messages.rooms.filters.apply(&permission, &mut event).await?;
        Ok(Step::Append(permission.append(event, self.said.client_id.clone())))
    }

    fn accept(&self, room: RoomId, appended: Appended) -> Result<Self::Done, StaleAnswer> {
        Ok((room, appended))
    }
}
