//! History in SQLite: the place in columns, the event as the JSON that the bus carries.

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, MessageId, RoomId, Seq, UserId};
use rookery_protocol::position::{AlreadyStored, Position, StoredPosition};
use rookery_store::message::{Kinds, Window, edit_of, held_at, is_message_of};
use rookery_store::message_state::{MessageState, Reacted};
use rookery_store::thread::answered_by;
use rookery_store::unread::unread_author;
use rookery_store::{Messages, PageQuestion, Reaction, StoreError, integer};
use rusqlite::{Connection, Row, params};

use super::sql::{change, many, one, statements};
use super::{Sqlite, message_changes, search, threads};
use crate::error::Failed;
use crate::event_rows::{by_id, read};

statements! {
    INSERT = "INSERT INTO messages (id, room_id, epoch, seq, timestamp, event, edit_of, said_by, is_act, reply_to)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO NOTHING";
    LATEST = "SELECT * FROM messages WHERE room_id = ?1 ORDER BY epoch DESC, seq DESC LIMIT ?2";
    BEFORE = "SELECT * FROM messages WHERE room_id = ?1 AND (epoch, seq) < (?3, ?4)
              ORDER BY epoch DESC, seq DESC LIMIT ?2";
    AFTER = "SELECT * FROM messages WHERE room_id = ?1 AND (epoch, seq) > (?3, ?4)
             ORDER BY epoch, seq LIMIT ?2";
    WITHOUT_CHANGES_LATEST = "SELECT * FROM messages WHERE room_id = ?1 AND is_act = 0
                    ORDER BY epoch DESC, seq DESC LIMIT ?2";
    WITHOUT_CHANGES_BEFORE = "SELECT * FROM messages WHERE room_id = ?1 AND is_act = 0 AND (epoch, seq) < (?3, ?4)
                    ORDER BY epoch DESC, seq DESC LIMIT ?2";
    WITHOUT_CHANGES_AFTER = "SELECT * FROM messages WHERE room_id = ?1 AND is_act = 0 AND (epoch, seq) > (?3, ?4)
                   ORDER BY epoch, seq LIMIT ?2";
    EDITS = "SELECT * FROM messages WHERE edit_of = ?1 ORDER BY epoch DESC, seq DESC LIMIT ?2";
    SINCE = "SELECT epoch, seq FROM messages WHERE room_id = ?1 AND timestamp >= ?2
             ORDER BY timestamp, epoch, seq LIMIT 1";
    LAST = "SELECT epoch, seq FROM messages WHERE room_id = ?1 ORDER BY seq DESC LIMIT 1";
}

#[async_trait]
impl Messages for Sqlite {
    async fn apply(&self, events: &[SequencedEvent]) -> Result<Vec<AlreadyStored>, StoreError> {
        self.numbers()?;
        let events = events.to_vec();
        let applied = self
            .write(move |db| events.iter().filter_map(|event| insert(db, event).transpose()).collect())
            .await;
        // Somebody else numbers here, and was not noticed in any other way.
        if let Err(error @ StoreError::Collision { .. }) = &applied {
            self.fence.lose(format!("another process stores events here: {error}"));
        }
        applied
    }

    async fn page(&self, room: RoomId, question: PageQuestion) -> Result<Vec<SequencedEvent>, StoreError> {
        self.read(move |db| page(db, room, question)).await
    }

    async fn last(&self, room: RoomId) -> Result<Position, StoreError> {
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let last: Option<(i64, i64)> = self.read(move |db| one(db, LAST, [room.as_uuid()], row)).await?;
        let Some((epoch, seq)) = last else { return Ok(Position::START) };
        Ok(Position { epoch: Epoch(integer::read(epoch)?), seq: Seq::new(integer::read(seq)?) })
    }

    async fn message(&self, room: RoomId, id: MessageId) -> Result<Option<SequencedEvent>, StoreError> {
        let found = self.read(move |db| by_id(db, id)).await?;
        Ok(found.filter(|event| is_message_of(event, room)))
    }

    async fn place(&self, room: RoomId, id: MessageId) -> Result<Option<StoredPosition>, StoreError> {
        let found = self.read(move |db| by_id(db, id)).await?;
        let found = found.filter(|event| event.room == room);
        Ok(found.as_ref().map(StoredPosition::from))
    }

    async fn states(
        &self,
        ids: &[MessageId],
        users: &[UserId],
    ) -> Result<HashMap<MessageId, MessageState>, StoreError> {
        let (ids, users) = (ids.to_vec(), users.to_vec());
        self.read(move |db| ids.into_iter().map(|id| Ok((id, message_changes::state(db, id, &users)?))).collect())
            .await
    }

    async fn reacted(
        &self,
        reaction: Reaction<'_>,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Reacted>, StoreError> {
        let (message, emoji) = (reaction.message, reaction.emoji.clone());
        self.read(move |db| message_changes::reacted(db, message, &emoji, after, integer::limit(limit)))
            .await
    }

    async fn sweep(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| message_changes::sweep(db, before, integer::limit(limit))).await
    }

    async fn first_since(&self, room: RoomId, time: UnixMillis) -> Result<Option<Position>, StoreError> {
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let found: Option<(i64, i64)> =
            self.read(move |db| one(db, SINCE, params![room.as_uuid(), time.0], row)).await?;
        let Some((epoch, seq)) = found else { return Ok(None) };
        Ok(Some(Position { epoch: Epoch(integer::read(epoch)?), seq: Seq::new(integer::read(seq)?) }))
    }

    async fn by_ids(&self, ids: &[MessageId]) -> Result<Vec<SequencedEvent>, StoreError> {
        let ids = ids.to_vec();
        let found: Vec<SequencedEvent> = self
            .read(move |db| ids.into_iter().filter_map(|id| by_id(db, id).transpose()).collect())
            .await?;
        Ok(found.into_iter().filter(|event| is_message_of(event, event.room)).collect())
    }

    async fn edits(&self, id: MessageId, limit: usize) -> Result<Vec<SequencedEvent>, StoreError> {
        let limit = integer::limit(limit);
        let mut found = self.read(move |db| many(db, EDITS, params![id.as_uuid(), limit], read)).await?;
        found.reverse();
        Ok(found)
    }
}

/// Where the event is, if that is another place.
fn insert(db: &Connection, event: &SequencedEvent) -> Result<Option<AlreadyStored>, Failed> {
    let row = params![
        event.event.id.as_uuid(),
        event.room.as_uuid(),
        integer::stored(event.epoch.0)?,
        integer::stored(event.seq.get())?,
        event.timestamp.0,
        event.event.to_json(),
        edit_of(&event.event.body).map(MessageId::as_uuid),
        unread_author(event).map(UserId::as_uuid),
        !Kinds::WithoutChanges.include(event),
        answered_by(event).map(MessageId::as_uuid),
    ];
    let inserted = change(db, INSERT, row).map_err(|error| {
        if matches!(error, Failed(StoreError::Taken(_))) {
            Failed(StoreError::Collision { room: event.room, epoch: event.epoch, seq: event.seq })
        } else {
            error
        }
    });
    // What is there already was applied in the transaction that wrote it.
    if inserted? == 0 {
        let first = by_id(db, event.event.id)?;
        return Ok(first.and_then(|first| held_at(&first, event.position())));
    }
    search::enqueue(db, event)?;
    message_changes::apply(db, event)?;
    threads::apply(db, event).map(|()| None)
}

fn page(db: &Connection, room: RoomId, question: PageQuestion) -> Result<Vec<SequencedEvent>, Failed> {
    let PageQuestion { window, kinds, limit } = question;
    let (room, limit) = (room.as_uuid(), integer::limit(limit));
    let [latest, before, after] = match kinds {
        Kinds::All => [LATEST, BEFORE, AFTER],
        Kinds::WithoutChanges => [WITHOUT_CHANGES_LATEST, WITHOUT_CHANGES_BEFORE, WITHOUT_CHANGES_AFTER],
    };
    let around = |place: Position| (integer::bound(place.epoch.0), integer::bound(place.seq.get()));
    let mut found = match window {
        Window::Latest => many(db, latest, params![room, limit], read)?,
        Window::Before(place) => {
            let (epoch, seq) = around(place);
            many(db, before, params![room, limit, epoch, seq], read)?
        }
        Window::After(place) => {
            let (epoch, seq) = around(place);
            return many(db, after, params![room, limit, epoch, seq], read);
        }
    };
    found.reverse();
    Ok(found)
}
