//! Sending a message over REST: the same steps as a gateway's, then a wait for the store.

use std::sync::Arc;

use axum::extract::FromRef;
use rookery_bus::authority::{Authority, AuthorityError, Look, Permission};
use rookery_bus::error::BusError;
use rookery_bus::{Append, AppendError, Appended, Bus, auto_open};
use rookery_protocol::access::{Action, decide};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, NewMessage, Sender};
use rookery_protocol::id::{ClientId, MessageId, RoomId, RoomRef, UserId};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::StoredPosition;
use rookery_store::Stores;
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
    pub(crate) stores: Stores,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) authority: Arc<LocalAuthority>,
    pub(crate) rooms: Rooms,
    pub(crate) cursors: Cursors,
    pub(crate) stored: Arc<StoredWaits>,
    pub(crate) metrics: Metrics,
}

/// How often rights are read anew for one message, or one act on a message.
pub(super) const RIGHTS_ATTEMPTS: usize = 3;

/// A message that has its place.
pub struct Sent {
    /// The room.
    pub room: RoomId,
    /// Its id.
    pub id: MessageId,
    /// Its place.
    pub first: StoredPosition,
    /// Whether the store has it by now; if not, it will.
    pub stored: bool,
}

impl Messages {
    /// Sends a checked message.
    pub async fn send(&self, sender: Sender, room: &RoomRef, message: NewMessage) -> Result<Sent, ApiError> {
        let (room, appended) = self.append(sender, room, message).await?;
        self.settle(room, appended).await
    }

    /// Waits a moment for the store.
    pub(super) async fn settle(&self, room: RoomId, appended: Appended) -> Result<Sent, ApiError> {
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

    async fn append(
        &self,
        sender: Sender,
        room: &RoomRef,
        message: NewMessage,
    ) -> Result<(RoomId, Appended), ApiError> {
        let client_id = message.client_id.clone();
        for _ in 0..RIGHTS_ATTEMPTS {
            let permission = self.may_send(sender.user_id, room).await?;
            self.may_answer(permission.room, message.reply_to).await?;
            let event = Event::message(permission.room, sender.clone(), message.clone());
            if let Some(appended) = self.place(&permission, event, &client_id).await? {
                return Ok((permission.room, appended));
            }
        }
        Err(unsettled())
    }

    /// What the user is in the room, if that is enough to say something there.
    pub(super) async fn may_send(&self, user: UserId, room: &RoomRef) -> Result<Permission, ApiError> {
        let permission = self.authority.authorize(user, room).await?;
        let now = UnixMillis::now();
        decide(permission.standing(), Action::Send, now)
            .map_err(|code| ApiError::refused_until(code, permission.muted, now))?;
        Ok(permission)
    }

    /// A reply answers a message of the room, which may be deleted by now.
    async fn may_answer(&self, room: RoomId, answered: Option<MessageId>) -> Result<(), ApiError> {
        let Some(message) = answered else { return Ok(()) };
        match self.authority.message(Look { room, message, before: None }).await {
            Ok(_) => Ok(()),
            Err(AuthorityError::Refused(code @ ErrorCode::UnknownMessage)) => {
                Err(ApiError::field(code, "reply_to", "must be a message of the room"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A place for the event, if the room's rights are still what the permission says; none if they have changed.
    pub(super) async fn place(
        &self,
        permission: &Permission,
        event: Event,
        client_id: &ClientId,
    ) -> Result<Option<Appended>, ApiError> {
        let (room, client_id) = (permission.room, client_id.clone());
        let append = Append { room, event, client_id, rights: permission.rights(), epoch: None };
        match auto_open::append(&*self.bus, &*self.authority, append).await {
            Ok(appended) => Ok(Some(appended)),
            Err(AppendError::StaleRights) => Ok(None),
            Err(AppendError::Overloaded) => Err(ApiError::refused(ErrorCode::Overloaded)),
            Err(AppendError::NotOpen) => Err(BusError::Unavailable("the room does not open".to_owned()).into()),
            Err(AppendError::Bus(error)) => Err(error.into()),
            Err(AppendError::Reused) => Err(ApiError::refused(ErrorCode::ClientIdReused)),
            Err(AppendError::Frozen) => Err(ApiError::refused(ErrorCode::Frozen)),
            Err(AppendError::TooEarly(early)) => Err(ApiError::too_early(early)),
        }
    }
}

/// The room's rights changed at every attempt.
pub(super) fn unsettled() -> ApiError {
    BusError::Unavailable("the room's rights do not settle".to_owned()).into()
}
