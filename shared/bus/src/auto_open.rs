//! Rooms that the bus may have forgotten: they are opened and looked at again, a bounded number of times.

use rookery_protocol::id::RoomId;
use tokio::time::{Instant, sleep};

use crate::authority::{AuthorityError, RoomOpener};
use crate::error::BusError;
use crate::limits::{ROOM_OPEN_DEADLINE, ROOM_OPEN_PAUSE};
use crate::{Head, RoomLog};

/// How often a room is opened for one question before giving up.
pub const ATTEMPTS: usize = 3;

/// The head of one room, opening it first where the bus does not know it.
pub async fn head(log: &dyn RoomLog, rooms: &dyn RoomOpener, room: RoomId) -> Result<Head, BusError> {
    for _ in 0..ATTEMPTS {
        match log.heads(&[room]).await?.first() {
            Some(Some(head)) => return Ok(*head),
            Some(None) | None => open(rooms, room).await?,
        }
    }
    Err(unstable())
}

/// The same for somebody who begins to listen: while the api is slow or away the room is tried again, until
/// [`ROOM_OPEN_DEADLINE`] has passed. A bus that does not answer is not waited for.
pub async fn head_in_time(log: &dyn RoomLog, rooms: &dyn RoomOpener, room: RoomId) -> Result<Head, BusError> {
    let end = Instant::now() + ROOM_OPEN_DEADLINE;
    let mut is_last = false;
    loop {
        match log.heads(&[room]).await?.first() {
            Some(Some(head)) => return Ok(*head),
            Some(None) | None if is_last => return Err(unstable()),
            Some(None) | None => {}
        }
        let opened = rooms.open_room(room).await;
        is_last = Instant::now() + ROOM_OPEN_PAUSE >= end;
        match opened {
            Ok(()) => {}
            Err(AuthorityError::Unavailable(_)) if !is_last => sleep(ROOM_OPEN_PAUSE).await,
            Err(error) => return Err(not_opened(error)),
        }
    }
}

/// Opens a room on the bus. Nothing that was numbered before can be stored any more when this returns.
pub async fn open(rooms: &dyn RoomOpener, room: RoomId) -> Result<(), BusError> {
    rooms.open_room(room).await.map_err(not_opened)
}

fn not_opened(error: AuthorityError) -> BusError {
    BusError::Unavailable(match error {
        AuthorityError::Unavailable(cause) => cause,
        AuthorityError::Refused(code) => code.as_str().to_owned(),
        AuthorityError::Muted(_) => "muted".to_owned(),
    })
}

fn unstable() -> BusError {
    BusError::Unavailable("the room does not stay open".to_owned())
}
