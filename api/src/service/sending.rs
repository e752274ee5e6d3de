//! Sending a message over REST: the same steps as a gateway's, then a wait for the store.

use rookery_shared::access::{Action, decide};
use rookery_shared::authority::Authority;
use rookery_shared::bus::{Append, AppendError, Appended, BusError, Rights, open};
use rookery_shared::clock::UnixMillis;
use rookery_shared::event::{Event, NewMessage, Sender};
use rookery_shared::id::{RoomId, RoomRef};
use rookery_shared::keys::partition_of;
use rookery_shared::protocol::error_code::ErrorCode;

use crate::app::App;
use crate::error::ApiError;
use crate::stored::Waited;

/// How often rights are read anew for one message.
const RIGHTS_ATTEMPTS: usize = 3;

/// A message that has its place.
pub struct Sent {
    /// The room.
    pub room: RoomId,
    /// Its place.
    pub appended: Appended,
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
    match app.stored.wait(partition_of(room), appended.position).await {
        Waited::Stored => Ok(Sent { room, appended, stored: true }),
        Waited::NotYet => {
            app.metrics.sends_unstored.inc();
            Ok(Sent { room, appended, stored: false })
        }
        Waited::Unknown => Err(BusError::Unavailable("the bus lost data while a message waited".to_owned()).into()),
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
        let permission = app.authority.authorize(sender.user_id, room).await?;
        let now = UnixMillis::now();
        decide(permission.standing(), Action::Send, now)
            .map_err(|code| ApiError::refused_until(code, permission.muted, now))?;
        let room = permission.room;
        let event = Event::message(room, sender.clone(), message.clone());
        let append = Append { room, event, client_id: client_id.clone(), rights: Rights::At(permission.acl) };
        match open::append(&*app.bus, &*app.authority, append).await {
            Ok(appended) => return Ok((room, appended)),
            Err(AppendError::StaleRights) => {}
            Err(AppendError::Overloaded) => return Err(ApiError::refused(ErrorCode::Overloaded)),
            Err(AppendError::NotOpen) => return Err(BusError::Unavailable("the room does not open".to_owned()).into()),
            Err(AppendError::Bus(error)) => return Err(error.into()),
        }
    }
    Err(BusError::Unavailable("the room's rights do not settle".to_owned()).into())
}
