//! Sending a message over REST: the same steps as a gateway's, then a wait for the store.

use rookery_bus::authority::{Authority, AuthorityError, Look, Permission};
use rookery_bus::error::BusError;
use rookery_bus::{Append, AppendError, Appended, open};
use rookery_protocol::access::{Action, decide};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, NewMessage, Sender};
use rookery_protocol::id::{ClientId, MessageId, RoomId, RoomRef, UserId};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::StoredPosition;

use crate::app::App;
use crate::error::ApiError;
use crate::stored::Waited;

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

/// Sends a checked message.
pub async fn send(app: &App, sender: Sender, room: &RoomRef, message: NewMessage) -> Result<Sent, ApiError> {
    let (room, appended) = append(app, sender, room, message).await?;
    settle(app, room, appended).await
}

/// Waits a moment for the store.
pub(super) async fn settle(app: &App, room: RoomId, appended: Appended) -> Result<Sent, ApiError> {
    match app.stored.wait(partition_of(room), &appended).await {
        Waited::Stored(first) => {
            let first = first.unwrap_or_else(|| appended.place());
            Ok(Sent { room, id: appended.id, first, stored: true })
        }
        Waited::NotYet => {
            app.metrics.sends_unstored.inc();
            Ok(Sent { room, id: appended.id, first: appended.place(), stored: false })
        }
        Waited::Unknown => Err(BusError::Unavailable("it is unknown whether the message survived".to_owned()).into()),
    }
}

async fn append(
    app: &App,
    sender: Sender,
    room: &RoomRef,
    message: NewMessage,
) -> Result<(RoomId, Appended), ApiError> {
    let client_id = message.client_id.clone();
    for _ in 0..RIGHTS_ATTEMPTS {
        let permission = may_send(app, sender.user_id, room).await?;
        may_answer(app, permission.room, message.reply_to).await?;
        let event = Event::message(permission.room, sender.clone(), message.clone());
        if let Some(appended) = place(app, &permission, event, &client_id).await? {
            return Ok((permission.room, appended));
        }
    }
    Err(unsettled())
}

/// What the user is in the room, if that is enough to say something there.
pub(super) async fn may_send(app: &App, user: UserId, room: &RoomRef) -> Result<Permission, ApiError> {
    let permission = app.authority.authorize(user, room).await?;
    let now = UnixMillis::now();
    decide(permission.standing(), Action::Send, now)
        .map_err(|code| ApiError::refused_until(code, permission.muted, now))?;
    Ok(permission)
}

/// A reply answers a message of the room, which may be deleted by now.
async fn may_answer(app: &App, room: RoomId, answered: Option<MessageId>) -> Result<(), ApiError> {
    let Some(message) = answered else { return Ok(()) };
    match app.authority.message(Look { room, message, before: None }).await {
        Ok(_) => Ok(()),
        Err(AuthorityError::Refused(code @ ErrorCode::UnknownMessage)) => {
            Err(ApiError::field(code, "reply_to", "must be a message of the room"))
        }
        Err(error) => Err(error.into()),
    }
}

/// A place for the event, if the room's rights are still what the permission says; none if they have changed.
pub(super) async fn place(
    app: &App,
    permission: &Permission,
    event: Event,
    client_id: &ClientId,
) -> Result<Option<Appended>, ApiError> {
    let (room, client_id) = (permission.room, client_id.clone());
    let append = Append { room, event, client_id, rights: permission.rights(), epoch: None };
    match open::append(&*app.bus, &*app.authority, append).await {
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

/// The room's rights changed at every attempt.
pub(super) fn unsettled() -> ApiError {
    BusError::Unavailable("the room's rights do not settle".to_owned()).into()
}
