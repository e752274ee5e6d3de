//! Events that bear somebody's name, in SQLite: found by what their JSON says, for which there are indexes.

use async_trait::async_trait;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, UserId};
use rookery_store::erasure::{DELETED_USER, Trace, TracePlace};
use rookery_store::{StoreError, Traces, integer};
use rusqlite::params;
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, statements};
use crate::event_rows::read;

statements! {
    OF_AUTHOR = "SELECT * FROM messages WHERE json_extract(event, '$.user_id') = ?1 AND (room_id, epoch, seq) > (?2, ?3, ?4)
                 ORDER BY room_id, epoch, seq LIMIT ?5";
    OF_MEMBER = "SELECT * FROM messages WHERE json_extract(event, '$.member.user_id') = ?1
                 AND json_extract(event, '$.member.user_id') IS NOT NULL AND (room_id, epoch, seq) > (?2, ?3, ?4)
                 ORDER BY room_id, epoch, seq LIMIT ?5";
    UNNAME_AUTHOR = "UPDATE messages SET event = json_set(event, '$.username', ?2) WHERE id = ?1";
    UNNAME_MEMBER = "UPDATE messages SET event = json_set(event, '$.member.username', ?2) WHERE id = ?1";
}

#[async_trait]
impl Traces for Sqlite {
    async fn page(
        &self,
        user: UserId,
        trace: Trace,
        after: Option<TracePlace>,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, StoreError> {
        let text = match trace {
            Trace::Author => OF_AUTHOR,
            Trace::Member => OF_MEMBER,
        };
        let (room, epoch, seq) = after.map_or((Uuid::nil(), 0, 0), |place| {
            (place.room.as_uuid(), integer::bound(place.epoch.0), integer::bound(place.seq.get()))
        });
        let user = user.as_uuid().to_string();
        self.read(move |db| many(db, text, params![user, room, epoch, seq, integer::limit(limit)], read))
            .await
    }

    async fn unname(&self, trace: Trace, events: &[MessageId]) -> Result<(), StoreError> {
        let text = match trace {
            Trace::Author => UNNAME_AUTHOR,
            Trace::Member => UNNAME_MEMBER,
        };
        let events = events.to_vec();
        self.write(move |db| {
            events
                .iter()
                .try_for_each(|id| change(db, text, params![id.as_uuid(), DELETED_USER]).map(drop))
        })
        .await
    }
}
