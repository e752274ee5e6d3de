//! Inboxes in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Epoch, MessageId, NoticeId, RoomId, Seq, UserId};
use rookery_protocol::position::Position;
use rookery_store::notice::{Notice, NoticeKind, NoticePlace, Notices};
use rookery_store::{StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;

statements! {
    ADD = "INSERT INTO notices (id, user_id, kind, room_id, message_id, epoch, seq, by_user, detail, text, at, read)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING";
    RENEW = "UPDATE notices SET message_id = ?2, epoch = ?3, seq = ?4, by_user = ?5, at = ?6, read = 0
             WHERE id = ?1 AND (epoch, seq) < (?3, ?4)";
    GET = "SELECT * FROM notices WHERE id = ?1 AND user_id = ?2";
    PAGE = "SELECT * FROM notices WHERE user_id = ?1 ORDER BY at DESC, id DESC LIMIT ?2";
    PAGE_BEFORE = "SELECT * FROM notices WHERE user_id = ?1 AND (at, id) < (?3, ?4) ORDER BY at DESC, id DESC LIMIT ?2";
    READ_UP_TO = "UPDATE notices SET read = 1 WHERE user_id = ?1 AND read = 0 AND (at, id) <= (?2, ?3)";
    HAS_UNREAD = "SELECT 1 FROM notices WHERE user_id = ?1 AND room_id = ?2 AND read = 0
                  AND (epoch IS NULL OR (epoch, seq) <= (?3, ?4)) LIMIT 1";
    READ_ROOM = "UPDATE notices SET read = 1 WHERE user_id = ?1 AND room_id = ?2 AND read = 0
                 AND (epoch IS NULL OR (epoch, seq) <= (?3, ?4))";
    FIRST_OUT = "SELECT at, id FROM notices WHERE user_id = ?1 ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?2";
    TRIM = "DELETE FROM notices WHERE user_id = ?1 AND (at, id) <= (?2, ?3)";
    PURGE = "DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE at < ?1 LIMIT ?2)";
    REMOVE = "DELETE FROM notices WHERE id = ?1";
}

impl EnumCodec for NoticeKind {
    const ALL: &'static [Self] = &Self::ALL;

    fn encode(self) -> &'static str {
        self.as_str()
    }
}

#[async_trait]
impl Notices for Sqlite {
    async fn add(&self, notices: &[Notice]) -> Result<Vec<NoticeId>, StoreError> {
        if notices.is_empty() {
            return Ok(Vec::new());
        }
        let notices = notices.to_vec();
        self.write(move |db| {
            let mut new = Vec::new();
            for notice in &notices {
                if add(db, notice)? {
                    new.push(notice.id);
                }
            }
            Ok(new)
        })
        .await
    }

    async fn get(&self, to: UserId, id: NoticeId) -> Result<Option<Notice>, StoreError> {
        self.read(move |db| one(db, GET, [id.as_uuid(), to.as_uuid()], read)).await
    }

    async fn page(&self, to: UserId, before: Option<NoticePlace>, limit: usize) -> Result<Vec<Notice>, StoreError> {
        let (to, limit) = (to.as_uuid(), integer::limit(limit));
        self.read(move |db| match before {
            None => many(db, PAGE, params![to, limit], read),
            Some(NoticePlace { at, id }) => many(db, PAGE_BEFORE, params![to, limit, at.0, id.as_uuid()], read),
        })
        .await
    }

    async fn read_up_to(&self, to: UserId, place: NoticePlace) -> Result<u64, StoreError> {
        let NoticePlace { at, id } = place;
        self.write(move |db| Ok(number(change(db, READ_UP_TO, params![to.as_uuid(), at.0, id.as_uuid()])?)))
            .await
    }

    async fn read_room(&self, to: UserId, room: RoomId, upto: Position) -> Result<u64, StoreError> {
        let row = (to.as_uuid(), room.as_uuid(), integer::bound(upto.epoch.0), integer::bound(upto.seq.get()));
        if self.read(move |db| one(db, HAS_UNREAD, row, |_| Ok(()))).await?.is_none() {
            return Ok(0);
        }
        self.write(move |db| Ok(number(change(db, READ_ROOM, row)?))).await
    }

    async fn trim(&self, to: UserId, keep: usize) -> Result<u64, StoreError> {
        let to = to.as_uuid();
        let first = self.read(move |db| {
            one(db, FIRST_OUT, params![to, integer::limit(keep)], |row| {
                Ok((row.get::<_, i64>("at")?, row.get::<_, Uuid>("id")?))
            })
        });
        let Some((at, id)) = first.await? else { return Ok(0) };
        self.write(move |db| Ok(number(change(db, TRIM, params![to, at, id])?))).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }

    async fn remove(&self, ids: &[NoticeId]) -> Result<u64, StoreError> {
        let ids = ids.to_vec();
        self.write(move |db| {
            let mut gone = 0;
            for id in &ids {
                gone += change(db, REMOVE, [id.as_uuid()])?;
            }
            Ok(number(gone))
        })
        .await
    }
}

fn add(db: &Connection, notice: &Notice) -> Result<bool, Failed> {
    let place = notice.place.map(|place| (integer::bound(place.epoch.0), integer::bound(place.seq.get())));
    let (epoch, seq) = place.unzip();
    let (message, by) = (notice.message.map(MessageId::as_uuid), notice.by.map(UserId::as_uuid));
    let row = params![
        notice.id.as_uuid(),
        notice.to.as_uuid(),
        notice.kind.encode(),
        notice.room.map(RoomId::as_uuid),
        message,
        epoch,
        seq,
        by,
        notice.detail,
        notice.text,
        notice.at.0,
        notice.read,
    ];
    if change(db, ADD, row)? == 1 {
        return Ok(true);
    }
    Ok(notice.is_renewable()
        && change(db, RENEW, params![notice.id.as_uuid(), message, epoch, seq, by, notice.at.0])? == 1)
}

fn number(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

fn read(row: &Row<'_>) -> Result<Notice, Failed> {
    let place = match (row.get::<_, Option<i64>>("epoch")?, row.get::<_, Option<i64>>("seq")?) {
        (Some(epoch), Some(seq)) => {
            Some(Position { epoch: Epoch(integer::read(epoch)?), seq: Seq::new(integer::read(seq)?) })
        }
        _ => None,
    };
    Ok(Notice {
        id: NoticeId::from_uuid(row.get("id")?),
        to: UserId::from_uuid(row.get("user_id")?),
        kind: NoticeKind::decode(&row.get::<_, String>("kind")?)?,
        room: row.get::<_, Option<Uuid>>("room_id")?.map(RoomId::from_uuid),
        message: row.get::<_, Option<Uuid>>("message_id")?.map(MessageId::from_uuid),
        place,
        by: row.get::<_, Option<Uuid>>("by_user")?.map(UserId::from_uuid),
        detail: row.get("detail")?,
        text: row.get("text")?,
        at: UnixMillis(row.get("at")?),
        read: row.get("read")?,
    })
}
