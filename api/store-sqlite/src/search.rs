//! The index of messages by terms, in SQLite: a row for each term of each message, and one that says which they are.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, MessageId, RoomId, Seq, UserId};
use rookery_protocol::position::Position;
use rookery_store::message::is_message_of;
use rookery_store::message_state::MessageState;
use rookery_store::search::{Building, Entry, Found, FoundPlace, Question, Stretch, Waiting, is_of_texts};
use rookery_store::{Search, StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use self::rooms::Rooms;
use super::sql::{change, many, one, statements};
use super::{Sqlite, event_rows, message_changes};
use crate::error::Failed;

mod rooms;

statements! {
    ENQUEUE = "INSERT INTO search_queue (message_id, room_id, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    WAITING = "SELECT since, messages.* FROM search_queue JOIN messages ON messages.id = search_queue.message_id
               WHERE since <= ?1 ORDER BY since, message_id LIMIT ?2";
    DONE = "DELETE FROM search_queue WHERE message_id = ?1";
    POSTPONE = "UPDATE search_queue SET since = ?2 WHERE message_id = ?1";
    ENTRY = "SELECT at, epoch, seq, deleted, terms FROM search_entries WHERE room_id = ?1 AND message_id = ?2";
    PUT_ENTRY = "INSERT INTO search_entries (room_id, message_id, at, epoch, seq, deleted, terms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (room_id, message_id) DO UPDATE
                 SET at = ?3, epoch = ?4, seq = ?5, deleted = ?6, terms = ?7";
    PUT_TERM = "INSERT INTO search_terms (room_id, term, at, message_id) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    FORGET_TERM = "DELETE FROM search_terms WHERE room_id = ?1 AND term = ?2 AND at = ?3 AND message_id = ?4";
    NEWEST = "SELECT at, message_id FROM search_terms
              WHERE room_id = ?1 AND term = ?2 AND at >= ?3 AND (at, message_id) < (?4, ?5)
              ORDER BY at DESC, message_id DESC LIMIT ?6";
    STRETCH = "SELECT * FROM messages WHERE n > ?1 ORDER BY n LIMIT ?2";
    LAST = "SELECT max(n) FROM messages";
    BUILDING = "SELECT * FROM search_building WHERE one = 0";
    BEGIN = "INSERT INTO search_building (one, id, version, next, done, total, begun_at, finished_at)
             VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (one) DO UPDATE SET id = ?1, version = ?2, next = ?3, done = ?4, total = ?5, begun_at = ?6,
                 finished_at = ?7";
    ADVANCE = "UPDATE search_building SET next = ?2, done = ?3, finished_at = ?4 WHERE one = 0 AND id = ?1";
    OF_ROOM = "SELECT message_id, at, terms FROM search_entries WHERE room_id = ?1 LIMIT ?2";
    FORGET_ENTRY = "DELETE FROM search_entries WHERE room_id = ?1 AND message_id = ?2";
    FORGET_QUEUE = "DELETE FROM search_queue WHERE room_id = ?1";
}

/// An event that was just written waits for the index from now on.
pub(super) fn enqueue(db: &Connection, event: &SequencedEvent) -> Result<(), Failed> {
    if is_of_texts(event) {
        change(db, ENQUEUE, params![event.event.id.as_uuid(), event.room.as_uuid(), event.timestamp.0])?;
    }
    Ok(())
}

#[async_trait]
impl Search for Sqlite {
    async fn waiting(&self, now: UnixMillis, limit: usize) -> Result<Vec<Waiting>, StoreError> {
        let waits = |row: &Row<'_>| Ok(Waiting { event: event_rows::read(row)?, since: UnixMillis(row.get("since")?) });
        self.read(move |db| many(db, WAITING, params![now.0, integer::limit(limit)], waits)).await
    }

    async fn done(&self, events: &[MessageId]) -> Result<(), StoreError> {
        let events = events.to_vec();
        self.write(move |db| events.iter().try_for_each(|id| change(db, DONE, [id.as_uuid()]).map(drop)))
            .await
    }

    async fn postpone(&self, events: &[MessageId], until: UnixMillis) -> Result<(), StoreError> {
        let events = events.to_vec();
        self.write(move |db| {
            events
                .iter()
                .try_for_each(|id| change(db, POSTPONE, params![id.as_uuid(), until.0]).map(drop))
        })
        .await
    }

    async fn messages(
        &self,
        ids: &[MessageId],
        users: &[UserId],
    ) -> Result<Vec<(SequencedEvent, MessageState)>, StoreError> {
        let (ids, users) = (ids.to_vec(), users.to_vec());
        self.read(move |db| {
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                if let Some(event) = event_rows::by_id(db, id)?.filter(|event| is_message_of(event, event.room)) {
                    found.push((event, message_changes::state(db, id, &users)?));
                }
            }
            Ok(found)
        })
        .await
    }

    async fn put(&self, entries: &[Entry], again: bool) -> Result<(), StoreError> {
        let entries = entries.to_vec();
        self.write(move |db| entries.iter().try_for_each(|entry| put(db, entry, again))).await
    }

    async fn find(&self, question: Question<'_>) -> Result<Vec<Found>, StoreError> {
        let Question { rooms, term, since, before, limit } = question;
        let (rooms, term) = (rooms.to_vec(), term.to_owned());
        let since = since.unwrap_or(UnixMillis(i64::MIN));
        self.read(move |db| Rooms::new(db, &rooms, &term, (since, before), limit)?.newest(limit))
            .await
    }

    async fn stretch(&self, from: Option<&str>, limit: usize) -> Result<Stretch, StoreError> {
        let after = from.map_or(Ok(0), str::parse::<i64>);
        let after = after.map_err(|_| StoreError::Inconsistent("a place of the index is no number".to_owned()))?;
        let numbered = |row: &Row<'_>| Ok((row.get::<_, i64>("n")?, event_rows::read(row)?));
        let found = self
            .read(move |db| many(db, STRETCH, params![after, integer::limit(limit)], numbered))
            .await?;
        let next = found.last().filter(|_| found.len() == limit).map(|(n, _)| n.to_string());
        Ok(Stretch { events: found.into_iter().map(|(_, event)| event).collect(), next })
    }

    async fn event_count(&self) -> Result<u64, StoreError> {
        let last = |row: &Row<'_>| Ok(row.get::<_, Option<i64>>(0)?);
        let last = self.read(move |db| one(db, LAST, [], last)).await?.flatten();
        Ok(u64::try_from(last.unwrap_or_default()).unwrap_or_default())
    }

    async fn building(&self) -> Result<Option<Building>, StoreError> {
        self.read(move |db| one(db, BUILDING, [], read_building)).await
    }

    async fn begin(&self, building: &Building) -> Result<(), StoreError> {
        let Building { id, version, next, done, total, begun_at, finished_at } = building.clone();
        let (done, total, finished_at) = (integer::bound(done), integer::bound(total), finished_at.map(|at| at.0));
        self.write(move |db| {
            change(db, BEGIN, params![id, version, next, done, total, begun_at.0, finished_at]).map(drop)
        })
        .await
    }

    async fn advance(&self, building: &Building) -> Result<bool, StoreError> {
        let Building { id, next, done, finished_at, .. } = building.clone();
        let (done, finished_at) = (integer::bound(done), finished_at.map(|at| at.0));
        self.write(move |db| Ok(change(db, ADVANCE, params![id, next, done, finished_at])? == 1))
            .await
    }

    async fn erase_room(&self, room: RoomId, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| erase_room(db, room, limit)).await
    }

    async fn forget(&self, room: RoomId, messages: &[MessageId]) -> Result<(), StoreError> {
        let (room, messages) = (room.as_uuid(), messages.to_vec());
        self.write(move |db| {
            for message in messages {
                let message = message.as_uuid();
                change(db, DONE, [message])?;
                if let Some(known) = one(db, ENTRY, params![room, message], read_known)? {
                    forget_terms(db, room, message, &known)?;
                    change(db, FORGET_ENTRY, params![room, message])?;
                }
            }
            Ok(())
        })
        .await
    }
}

/// What the index has of a message.
struct Known {
    at: i64,
    place: Position,
    is_deleted: bool,
    terms: String,
}

fn put(db: &Connection, entry: &Entry, again: bool) -> Result<(), Failed> {
    let (room, message) = (entry.room.as_uuid(), entry.message.as_uuid());
    if let Some(known) = one(db, ENTRY, params![room, message], read_known)? {
        let is_newer = known.place < entry.place || (again && known.place == entry.place);
        if known.is_deleted || (entry.terms.is_some() && !is_newer) {
            return Ok(());
        }
        forget_terms(db, room, message, &known)?;
    }
    let terms = entry.terms.as_deref().unwrap_or_default();
    for term in terms {
        change(db, PUT_TERM, params![room, term, entry.at.0, message])?;
    }
    let (epoch, seq) = (integer::bound(entry.place.epoch.0), integer::bound(entry.place.seq.get()));
    let row = params![room, message, entry.at.0, epoch, seq, entry.terms.is_none(), terms.join("\n")];
    change(db, PUT_ENTRY, row).map(drop)
}

fn forget_terms(db: &Connection, room: Uuid, message: Uuid, known: &Known) -> Result<(), Failed> {
    for term in known.terms.lines() {
        change(db, FORGET_TERM, params![room, term, known.at, message])?;
    }
    Ok(())
}

fn erase_room(db: &Connection, room: RoomId, limit: usize) -> Result<usize, Failed> {
    let room = room.as_uuid();
    change(db, FORGET_QUEUE, [room])?;
    let of = |row: &Row<'_>| {
        let (at, terms) = (row.get("at")?, row.get("terms")?);
        let known = Known { at, place: Position::START, is_deleted: false, terms };
        Ok((row.get::<_, Uuid>("message_id")?, known))
    };
    let gone = many(db, OF_ROOM, params![room, integer::limit(limit)], of)?;
    for (message, known) in &gone {
        forget_terms(db, room, *message, known)?;
        change(db, FORGET_ENTRY, params![room, message])?;
    }
    Ok(gone.len())
}

fn read_known(row: &Row<'_>) -> Result<Known, Failed> {
    let place = Position {
        epoch: Epoch(integer::read(row.get("epoch")?)?),
        seq: Seq::new(integer::read(row.get("seq")?)?),
    };
    Ok(Known { at: row.get("at")?, place, is_deleted: row.get("deleted")?, terms: row.get("terms")? })
}

fn read_building(row: &Row<'_>) -> Result<Building, Failed> {
    Ok(Building {
        id: row.get("id")?,
        version: row.get("version")?,
        next: row.get("next")?,
        done: integer::read(row.get("done")?)?,
        total: integer::read(row.get("total")?)?,
        begun_at: UnixMillis(row.get("begun_at")?),
        finished_at: row.get::<_, Option<i64>>("finished_at")?.map(UnixMillis),
    })
}

fn read_place(row: &Row<'_>) -> Result<FoundPlace, Failed> {
    Ok(FoundPlace { at: UnixMillis(row.get("at")?), message: MessageId::from_uuid(row.get("message_id")?) })
}
