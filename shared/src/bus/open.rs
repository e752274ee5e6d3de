//! Appending to a room that the bus may have forgotten: open it and try again, a bounded number of times.

use crate::authority::{Authority, AuthorityError};
use crate::bus::{Append, AppendError, Appended, Bus, BusError, Head};
use crate::id::RoomId;

/// How often a room is opened for one append before giving up.
pub const ATTEMPTS: usize = 3;

/// [`Bus::append`], opening the room first where the bus does not know it.
pub async fn append(bus: &dyn Bus, authority: &dyn Authority, append: Append) -> Result<Appended, AppendError> {
    let room = append.room;
    for _ in 1..ATTEMPTS {
        match bus.append(append.clone()).await {
            Err(AppendError::NotOpen) => open(authority, room).await?,
            outcome => return outcome,
        }
    }
    bus.append(append).await
}

/// The head of one room, opening it first where the bus does not know it.
pub async fn head(bus: &dyn Bus, authority: &dyn Authority, room: RoomId) -> Result<Head, BusError> {
    for _ in 0..ATTEMPTS {
        match bus.heads(&[room]).await?.first() {
            Some(Some(head)) => return Ok(*head),
            Some(None) | None => open(authority, room).await?,
        }
    }
    Err(BusError::Unavailable("the room does not stay open".to_owned()))
}

/// Opens a room on the bus. Nothing that was numbered before can be stored any more when this returns.
pub async fn open(authority: &dyn Authority, room: RoomId) -> Result<(), BusError> {
    authority.open_room(room).await.map_err(|error| match error {
        AuthorityError::Unavailable(cause) => BusError::Unavailable(cause),
        AuthorityError::Refused(code) => BusError::Unavailable(code.as_str().to_owned()),
        AuthorityError::Muted(_) => BusError::Unavailable("muted".to_owned()),
    })
}
