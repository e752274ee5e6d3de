//! Rows of events.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, SequencedEvent};
use rookery_protocol::id::{Epoch, MessageId, RoomId, Seq};
use rookery_store::{StoreError, integer};
use rusqlite::{Connection, Row};

use super::sql::statements;
use crate::error::Failed;
use crate::sql::one;

statements! {
    BY_ID = "SELECT * FROM messages WHERE id = ?1";
}

/// The event of a row.
pub(super) fn event(row: &Row<'_>) -> Result<Event, Failed> {
    let json: String = row.get("event")?;
    // The error's own text may quote what was said.
    Ok(serde_json::from_str(&json)
        .map_err(|error| StoreError::Inconsistent(format!("stored event, column {}", error.column())))?)
}

pub(super) fn read(row: &Row<'_>) -> Result<SequencedEvent, Failed> {
    Ok(SequencedEvent {
        room: RoomId::from_uuid(row.get("room_id")?),
        epoch: Epoch(integer::read(row.get("epoch")?)?),
        seq: Seq::new(integer::read(row.get("seq")?)?),
        timestamp: UnixMillis(row.get("timestamp")?),
        event: event(row)?,
    })
}

/// A message, as it was said.
pub(super) fn by_id(db: &Connection, id: MessageId) -> Result<Option<SequencedEvent>, Failed> {
    one(db, BY_ID, [id.as_uuid()], read)
}
