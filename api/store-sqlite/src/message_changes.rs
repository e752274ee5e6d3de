//! Message changes in SQLite: applied in the transaction that writes their events.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::{Epoch, MessageId, Seq, UserId};
use rookery_protocol::position::Position;
use rookery_store::integer;
use rookery_store::message_state::{MessageState, Reacted, Version};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::sql::{change, many, one, statements};
use super::{event_rows, files, pins, unread};
use crate::error::Failed;

statements! {
    EDIT = "INSERT INTO message_states (message_id, deleted, epoch, seq, edited_at, content)
            VALUES (?1, 0, ?2, ?3, ?4, ?5)
            ON CONFLICT (message_id) DO UPDATE SET epoch = ?2, seq = ?3, edited_at = ?4, content = ?5
            WHERE deleted = 0 AND (epoch IS NULL OR (epoch, seq) < (?2, ?3))";
    DELETE = "INSERT INTO message_states (message_id, deleted) VALUES (?1, 1)
              ON CONFLICT (message_id) DO UPDATE
              SET deleted = 1, epoch = NULL, seq = NULL, edited_at = NULL, content = NULL";
    REACT = "INSERT INTO reactions (message_id, user_id, emoji, epoch, seq, active, taken_back_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (message_id, user_id, emoji) DO UPDATE
             SET epoch = ?4, seq = ?5, active = ?6, taken_back_at = ?7 WHERE (epoch, seq) < (?4, ?5)";
    STATE = "SELECT * FROM message_states WHERE message_id = ?1";
    REACTIONS = "SELECT * FROM reactions WHERE message_id = ?1";
    REACTED = "SELECT * FROM reactions WHERE message_id = ?1 AND emoji = ?2 AND active = 1
               ORDER BY epoch, seq LIMIT ?3";
    REACTED_AFTER = "SELECT * FROM reactions WHERE message_id = ?1 AND emoji = ?2 AND active = 1
                     AND (epoch, seq) > (?4, ?5) ORDER BY epoch, seq LIMIT ?3";
    TAKEN_BACK = "SELECT message_id, user_id, emoji FROM reactions WHERE taken_back_at < ?1 LIMIT ?2";
    FORGET = "DELETE FROM reactions WHERE message_id = ?1 AND user_id = ?2 AND emoji = ?3";
    FORGET_ALL = "DELETE FROM reactions WHERE message_id = ?1";
    CLEAR_MESSAGE = "UPDATE messages SET event = json_remove(json_set(event, '$.content', ''), '$.attachments')
                     WHERE id = ?1 AND json_extract(event, '$.kind') = 'message'";
    CLEAR_EDITS = "UPDATE messages SET event = json_set(event, '$.content', '') WHERE edit_of = ?1";
}

/// Takes in an event that was just written.
pub(super) fn apply(db: &Connection, event: &SequencedEvent) -> Result<(), Failed> {
    let (epoch, seq) = (integer::stored(event.epoch.0)?, integer::stored(event.seq.get())?);
    match &event.event.body {
        EventBody::Message(_) => apply_to_message(db, event.event.id, Some(event)),
        EventBody::MessageChange(MessageChanged::Edited { message_id, content, .. }) => {
            change(db, EDIT, params![message_id.as_uuid(), epoch, seq, event.timestamp.0, content])?;
            apply_to_message(db, *message_id, None)
        }
        EventBody::MessageChange(MessageChanged::Deleted { message_id }) => {
            change(db, DELETE, [message_id.as_uuid()])?;
            clear(db, *message_id)
        }
        EventBody::MessageChange(
            reacted @ (MessageChanged::ReactionAdded { message_id, emoji }
            | MessageChanged::ReactionRemoved { message_id, emoji }),
        ) => {
            let active = matches!(reacted, MessageChanged::ReactionAdded { .. });
            let (message, user) = (message_id.as_uuid(), event.event.user_id.as_uuid());
            let taken_back_at = (!active).then(|| UnixMillis::now().0);
            change(db, REACT, params![message, user, emoji.as_str(), epoch, seq, active, taken_back_at]).map(drop)
        }
        EventBody::MessageChange(MessageChanged::Pinned { .. } | MessageChanged::Unpinned { .. })
        | EventBody::Membership(_)
        | EventBody::Room(_)
        | EventBody::Unknown(_) => Ok(()),
    }
}

/// Clears the text of a message that was deleted before it was stored; otherwise records its mentions.
fn apply_to_message(db: &Connection, id: MessageId, message: Option<&SequencedEvent>) -> Result<(), Failed> {
    let state = one(db, STATE, [id.as_uuid()], read_state)?;
    if state.as_ref().is_some_and(|state| state.deleted) {
        return clear(db, id);
    }
    match message {
        Some(message) => unread::mention(db, message, state.as_ref()),
        None => match event_rows::by_id(db, id)? {
            Some(message) => unread::mention(db, &message, state.as_ref()),
            None => Ok(()),
        },
    }
}

/// A message is as if it were deleted.
pub(super) fn discard(db: &Connection, message: MessageId) -> Result<(), Failed> {
    change(db, DELETE, [message.as_uuid()])?;
    change(db, FORGET_ALL, [message.as_uuid()])?;
    clear(db, message)
}

fn clear(db: &Connection, message: MessageId) -> Result<(), Failed> {
    change(db, CLEAR_MESSAGE, [message.as_uuid()])?;
    change(db, CLEAR_EDITS, [message.as_uuid()])?;
    pins::remove(db, message)?;
    files::condemn_of_message(db, message)?;
    unread::remove(db, message)
}

/// The state of one message, with the last words of these users.
pub(super) fn state(db: &Connection, message: MessageId, users: &[UserId]) -> Result<MessageState, Failed> {
    let mut state = one(db, STATE, [message.as_uuid()], read_state)?.unwrap_or_default();
    let mut statement = db.prepare_cached(REACTIONS)?;
    let mut rows = statement.query([message.as_uuid()])?;
    while let Some(row) = rows.next()? {
        state.reactions.take(read_reaction(row)?, users);
    }
    Ok(state)
}

/// Who has a reaction, after a place.
pub(super) fn reacted(
    db: &Connection,
    message: MessageId,
    emoji: &Emoji,
    after: Option<Position>,
    limit: i64,
) -> Result<Vec<Reacted>, Failed> {
    let (message, emoji) = (message.as_uuid(), emoji.as_str());
    match after {
        None => many(db, REACTED, params![message, emoji, limit], read_reaction),
        Some(Position { epoch, seq }) => {
            let (epoch, seq) = (integer::bound(epoch.0), integer::bound(seq.get()));
            many(db, REACTED_AFTER, params![message, emoji, limit, epoch, seq], read_reaction)
        }
    }
}

/// Forgets reactions that were taken back before that time.
pub(super) fn sweep(db: &Connection, before: UnixMillis, limit: i64) -> Result<usize, Failed> {
    let key = |row: &Row<'_>| -> Result<(Uuid, Uuid, String), Failed> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
    let gone = many(db, TAKEN_BACK, params![before.0, limit], key)?;
    for (message, user, emoji) in &gone {
        change(db, FORGET, params![message, user, emoji])?;
    }
    Ok(gone.len())
}

fn read_state(row: &Row<'_>) -> Result<MessageState, Failed> {
    let content: Option<String> = row.get("content")?;
    let edit = match content {
        Some(content) => Some(Version { place: place(row)?, content, at: UnixMillis(row.get("edited_at")?) }),
        None => None,
    };
    Ok(MessageState { edit, deleted: row.get("deleted")?, ..MessageState::default() })
}

fn read_reaction(row: &Row<'_>) -> Result<Reacted, Failed> {
    Ok(Reacted {
        user: UserId::from_uuid(row.get("user_id")?),
        emoji: Emoji::kept(row.get("emoji")?),
        place: place(row)?,
        active: row.get("active")?,
    })
}

fn place(row: &Row<'_>) -> Result<Position, Failed> {
    Ok(Position {
        epoch: Epoch(integer::read(row.get("epoch")?)?),
        seq: Seq::new(integer::read(row.get("seq")?)?),
    })
}
