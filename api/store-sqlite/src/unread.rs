//! Read marks and counts in SQLite. Each count is one range of an index that has all it needs.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, MessageId, RoomId, Seq, UserId};
use rookery_protocol::position::Position;
use rookery_store::message_state::MessageState;
use rookery_store::room::{Member, MembershipPlace};
use rookery_store::unread::{Counts, Mention, Reader, Receipt, Span, mentions_of, unread_author};
use rookery_store::{StoreError, Unread, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::sql::{change, many, one, statements};
use super::{Sqlite, member_rows};
use crate::error::Failed;
use crate::limits::COUNTS_PER_READ;

statements! {
    ADVANCE = "UPDATE members SET read_epoch = ?3, read_seq = ?4, read_at = ?5
               WHERE room_id = ?1 AND user_id = ?2 AND (read_epoch, read_seq) < (?3, ?4)";
    RECEIPTS = "SELECT user_id, read_epoch, read_seq, read_at FROM members WHERE room_id = ?1 LIMIT ?2";
    MARK = "SELECT * FROM members WHERE room_id = ?1 AND user_id = ?2";
    ROOMS = "SELECT * FROM members WHERE user_id = ?1 ORDER BY joined_at, room_id LIMIT ?2";
    ROOMS_AFTER = "SELECT * FROM members WHERE user_id = ?1 AND (joined_at, room_id) > (?3, ?4)
                   ORDER BY joined_at, room_id LIMIT ?2";
    UNREAD = "SELECT count(*) FROM (
                  SELECT 1 FROM messages INDEXED BY messages_unread
                  WHERE room_id = ?1 AND (epoch, seq) > (?2, ?3) AND (epoch, seq) <= (?4, ?5)
                  AND said_by IS NOT NULL AND said_by <> ?6 LIMIT ?7)";
    MENTIONS = "SELECT count(*) FROM (
                    SELECT 1 FROM mentions LEFT JOIN message_states USING (message_id)
                    WHERE name = ?8 AND room_id = ?1
                    AND (mentions.epoch, mentions.seq) > (?2, ?3) AND (mentions.epoch, mentions.seq) <= (?4, ?5)
                    AND said_by <> ?6 AND ifnull(deleted, 0) = 0
                    AND message_states.epoch IS edit_epoch AND message_states.seq IS edit_seq LIMIT ?7)";
    INSERT = "INSERT INTO mentions (message_id, name, edit_epoch, edit_seq, room_id, epoch, seq, said_by, said_at)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING";
    FORGET = "DELETE FROM mentions WHERE message_id = ?1";
    CLEAR_AUTHOR = "UPDATE messages SET said_by = NULL WHERE id = ?1";
}

#[async_trait]
impl Unread for Sqlite {
    async fn advance(&self, room: RoomId, user: UserId, to: Position) -> Result<Option<Position>, StoreError> {
        let (epoch, seq) = place(to);
        self.write(move |db| {
            let now = UnixMillis::now().0;
            change(db, ADVANCE, params![room.as_uuid(), user.as_uuid(), epoch, seq, now])?;
            Ok(mark(db, room, user)?.map(|member| member.read))
        })
        .await
    }

    async fn receipts(&self, room: RoomId, limit: usize) -> Result<Vec<Receipt>, StoreError> {
        self.read(move |db| {
            many(db, RECEIPTS, params![room.as_uuid(), integer::limit(limit)], |row| {
                let (epoch, seq) = (row.get("read_epoch")?, row.get("read_seq")?);
                Ok(Receipt {
                    user: UserId::from_uuid(row.get::<_, Uuid>("user_id")?),
                    read: Position { epoch: Epoch(integer::read(epoch)?), seq: Seq::new(integer::read(seq)?) },
                    at: row.get::<_, Option<i64>>("read_at")?.map(UnixMillis),
                })
            })
        })
        .await
    }

    async fn marks(&self, user: UserId, rooms: &[RoomId]) -> Result<Vec<Member>, StoreError> {
        let rooms = rooms.to_vec();
        self.read(move |db| rooms.into_iter().filter_map(|room| mark(db, room, user).transpose()).collect())
            .await
    }

    async fn rooms(
        &self,
        user: UserId,
        after: Option<MembershipPlace>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let (user, limit) = (user.as_uuid(), integer::limit(limit));
        self.read(move |db| match after {
            None => many(db, ROOMS, params![user, limit], member_rows::read),
            Some(MembershipPlace { joined_at, room_id }) => {
                many(db, ROOMS_AFTER, params![user, limit, joined_at.0, room_id.as_uuid()], member_rows::read)
            }
        })
        .await
    }

    async fn counts(&self, reader: &Reader, spans: &[Span], most: usize) -> Result<Vec<Counts>, StoreError> {
        let mut counts = Vec::with_capacity(spans.len());
        for spans in spans.chunks(COUNTS_PER_READ) {
            let (reader, spans) = (reader.clone(), spans.to_vec());
            let count_all = move |db: &Connection| spans.iter().map(|span| count(db, &reader, span, most)).collect();
            counts.extend(self.read::<Vec<Counts>, _>(count_all).await?);
        }
        Ok(counts)
    }
}

fn mark(db: &Connection, room: RoomId, user: UserId) -> Result<Option<Member>, Failed> {
    one(db, MARK, [room.as_uuid(), user.as_uuid()], member_rows::read)
}

fn count(db: &Connection, reader: &Reader, span: &Span, most: usize) -> Result<Counts, Failed> {
    let (room, user, limit) = (span.room.as_uuid(), reader.user.as_uuid(), integer::limit(most + 1));
    let ((after_epoch, after_seq), (epoch, seq)) = (place(span.after), place(span.upto));
    let range = params![room, after_epoch, after_seq, epoch, seq, user, limit];
    let unread = one(db, UNREAD, range, number)?.unwrap_or(0);
    if unread == 0 {
        return Ok(Counts::default());
    }
    let range = params![room, after_epoch, after_seq, epoch, seq, user, limit, reader.name];
    let mentions = one(db, MENTIONS, range, number)?.unwrap_or(0);
    Ok(Counts::new(unread, mentions, most))
}

fn number(row: &Row<'_>) -> Result<usize, Failed> {
    let number: i64 = row.get(0)?;
    Ok(usize::try_from(number).map_err(|_| StoreError::Inconsistent(format!("{number} rows")))?)
}

fn place(place: Position) -> (i64, i64) {
    (integer::bound(place.epoch.0), integer::bound(place.seq.get()))
}

/// Takes in the names that a stored message is known to have in its texts.
pub(super) fn mention(db: &Connection, message: &SequencedEvent, state: Option<&MessageState>) -> Result<(), Failed> {
    let Some(author) = unread_author(message) else { return Ok(()) };
    let (id, room) = (message.event.id.as_uuid(), message.room.as_uuid());
    let (epoch, seq) = (integer::stored(message.epoch.0)?, integer::stored(message.seq.get())?);
    for Mention { name, edit } in mentions_of(message, state) {
        let (edit_epoch, edit_seq) = edit.map(place).unzip();
        let at = message.timestamp.0;
        let row = params![id, name, edit_epoch, edit_seq, room, epoch, seq, author.as_uuid(), at];
        change(db, INSERT, row)?;
    }
    Ok(())
}

/// A deleted message counts for nobody.
pub(super) fn remove(db: &Connection, message: MessageId) -> Result<(), Failed> {
    change(db, CLEAR_AUTHOR, [message.as_uuid()])?;
    change(db, FORGET, [message.as_uuid()]).map(drop)
}
