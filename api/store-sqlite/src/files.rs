//! What is known of files, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{FileId, MessageId, RoomId, UserId};
use rookery_store::file::{Claim, Claimed, Doomed, File, FileState, Holder, Pixels, Usage};
use rookery_store::{Files, StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::enum_codec::EnumCodec as _;
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO files (id, owner_id, name, media_type, size, width, height, thumbnail, bytes, state, holder,
                  attached, room_id, held_at, check_at, created_at)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    USAGE = "SELECT count(*), coalesce(sum(bytes), 0) FROM files WHERE owner_id = ?1";
    ARRIVED = "UPDATE files SET state = 'ready', check_at = ?2 WHERE id = ?1 AND state = 'arriving'";
    GET = "SELECT * FROM files WHERE id = ?1";
    CLAIM = "UPDATE files SET holder = ?2, attached = ?3, room_id = ?4, held_at = ?5, check_at = ?6 WHERE id = ?1";
    RENEW = "UPDATE files SET held_at = ?2 WHERE id = ?1";
    WITHDRAW = "UPDATE files SET holder = NULL, attached = 0, room_id = NULL, held_at = NULL, check_at = ?3
                WHERE holder = ?1 AND held_at = ?2 AND check_at IS NOT NULL AND state = 'ready'";
    HELD = "SELECT id FROM files WHERE holder = ?1 AND state = 'ready'";
    RELEASE = "UPDATE files SET holder = NULL, attached = 0, room_id = NULL, held_at = NULL, check_at = ?2 WHERE id = ?1";
    CONDEMN_ONE = "UPDATE files SET state = 'condemned', room_id = NULL, check_at = 0
                   WHERE id = ?1 AND holder IS ?2 AND state <> 'condemned'";
    CONDEMN_HELD = "UPDATE files SET state = 'condemned', room_id = NULL, check_at = 0
                    WHERE holder = ?1 AND state <> 'condemned'";
    CONDEMN_UNATTACHED = "UPDATE files SET state = 'condemned', room_id = NULL, check_at = 0
                          WHERE owner_id = ?1 AND attached = 0 AND state <> 'condemned'";
    CONDEMN_ROOM = "UPDATE files SET state = 'condemned', room_id = NULL, check_at = 0
                    WHERE id IN (SELECT id FROM files WHERE room_id = ?1 LIMIT ?2)";
    DUE = "SELECT * FROM files WHERE check_at <= ?1 ORDER BY check_at LIMIT ?2";
    CHECK_AGAIN = "UPDATE files SET check_at = ?3 WHERE id = ?1 AND holder IS ?2 AND state = 'ready'";
    REMOVE = "DELETE FROM files WHERE id = ?1 AND state = 'condemned'";
    OF_USER = "SELECT * FROM files WHERE owner_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
}

#[async_trait]
impl Files for Sqlite {
    async fn insert(&self, file: &File, most: Usage) -> Result<bool, StoreError> {
        let file = file.clone();
        self.write(move |db| {
            let used = one(db, USAGE, [file.owner.as_uuid()], usage)?.unwrap_or_default();
            if used.files >= most.files || used.bytes.saturating_add(file.bytes()) > most.bytes {
                return Ok(false);
            }
            let row = params![
                file.id.as_uuid(),
                file.owner.as_uuid(),
                file.name,
                file.media_type,
                integer::stored(file.size)?,
                file.pixels.map(|pixels| pixels.width),
                file.pixels.map(|pixels| pixels.height),
                file.thumbnail.map(integer::stored).transpose()?,
                integer::stored(file.bytes())?,
                file.state.encode(),
                file.holder.map(Holder::encode),
                is_attached(file.holder),
                file.room.map(RoomId::as_uuid),
                file.held_at.map(|at| at.0),
                file.check_at.map(|at| at.0),
                file.created_at.0,
            ];
            change(db, INSERT, row).map(|_| true)
        })
        .await
    }

    async fn arrived(&self, id: FileId, check_at: UnixMillis) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, ARRIVED, params![id.as_uuid(), check_at.0])? == 1))
            .await
    }

    async fn by_ids(&self, ids: &[FileId]) -> Result<Vec<File>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |db| found(db, &ids)).await
    }

    async fn usage(&self, owner: UserId) -> Result<Usage, StoreError> {
        self.read(move |db| Ok(one(db, USAGE, [owner.as_uuid()], usage)?.unwrap_or_default()))
            .await
    }

    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        let claim = claim.clone();
        self.write(move |db| {
            let files = found(db, &claim.files)?;
            if files.len() != claim.files.len() || !files.iter().all(|file| claim.fits(file)) {
                return Ok(Claimed::Refused);
            }
            let outcome = claim.outcome(&files);
            for file in &files {
                let id = file.id.as_uuid();
                if file.holder != Some(claim.holder) {
                    let (holder, attached) = (claim.holder.encode(), is_attached(Some(claim.holder)));
                    let (room, at, check_at) = (claim.room.as_uuid(), claim.at.0, claim.check_at.0);
                    change(db, CLAIM, params![id, holder, attached, room, at, check_at])?;
                } else if let (Claimed::Shared, Some(at)) = (outcome, claim.renewed(file)) {
                    change(db, RENEW, params![id, at.0])?;
                }
            }
            Ok(outcome)
        })
        .await
    }

    async fn withdraw(&self, holder: Holder, since: UnixMillis, check_at: UnixMillis) -> Result<(), StoreError> {
        let holder = holder.encode();
        self.write(move |db| change(db, WITHDRAW, params![holder, since.0, check_at.0]).map(drop))
            .await
    }

    async fn release(&self, holder: Holder, kept: &[FileId], check_at: UnixMillis) -> Result<(), StoreError> {
        let kept: Vec<Uuid> = kept.iter().map(|id| id.as_uuid()).collect();
        self.write(move |db| {
            let held: Vec<Uuid> = many(db, HELD, [holder.encode()], |row| Ok(row.get(0)?))?;
            for id in held.iter().filter(|id| !kept.contains(id)) {
                change(db, RELEASE, params![id, check_at.0])?;
            }
            Ok(())
        })
        .await
    }

    async fn condemn(&self, doomed: Doomed<'_>) -> Result<u64, StoreError> {
        let gone = match doomed {
            Doomed::One(id, holder) => {
                let row = (id.as_uuid(), holder.map(Holder::encode));
                self.write(move |db| change(db, CONDEMN_ONE, params![row.0, row.1])).await?
            }
            Doomed::Unattached(user) => self.write(move |db| change(db, CONDEMN_UNATTACHED, [user.as_uuid()])).await?,
            Doomed::Room(room, limit) => {
                let limit = integer::limit(limit);
                self.write(move |db| change(db, CONDEMN_ROOM, params![room.as_uuid(), limit])).await?
            }
            Doomed::Messages(ids) => {
                let ids = ids.to_vec();
                let each = move |db: &Connection| {
                    ids.iter().try_fold(0, |gone, id| Ok::<_, Failed>(gone + condemn_of_message(db, *id)?))
                };
                self.write(each).await?
            }
        };
        Ok(u64::try_from(gone).unwrap_or(u64::MAX))
    }

    async fn due(&self, now: UnixMillis, limit: usize) -> Result<Vec<File>, StoreError> {
        self.read(move |db| many(db, DUE, params![now.0, integer::limit(limit)], read)).await
    }

    async fn check_again(&self, file: &File, at: Option<UnixMillis>) -> Result<(), StoreError> {
        let (id, holder) = (file.id.as_uuid(), file.holder.map(Holder::encode));
        self.write(move |db| change(db, CHECK_AGAIN, params![id, holder, at.map(|at| at.0)]).map(drop))
            .await
    }

    async fn remove(&self, id: FileId) -> Result<(), StoreError> {
        self.write(move |db| change(db, REMOVE, [id.as_uuid()]).map(drop)).await
    }

    async fn of_user(&self, owner: UserId, after: Option<FileId>, limit: usize) -> Result<Vec<File>, StoreError> {
        let after = after.map_or(uuid::Uuid::nil(), FileId::as_uuid);
        self.read(move |db| many(db, OF_USER, params![owner.as_uuid(), after, integer::limit(limit)], read))
            .await
    }
}

/// Nobody gets the files of a message any more; says how many there are.
pub(super) fn condemn_of_message(db: &Connection, message: MessageId) -> Result<usize, Failed> {
    change(db, CONDEMN_HELD, [Holder::Message(message).encode()])
}

fn is_attached(holder: Option<Holder>) -> bool {
    holder.is_some_and(Holder::is_shared)
}

fn found(db: &Connection, ids: &[FileId]) -> Result<Vec<File>, Failed> {
    ids.iter().filter_map(|id| one(db, GET, [id.as_uuid()], read).transpose()).collect()
}

fn usage(row: &Row<'_>) -> Result<Usage, Failed> {
    Ok(Usage { files: integer::read(row.get(0)?)?, bytes: integer::read(row.get(1)?)? })
}

fn read(row: &Row<'_>) -> Result<File, Failed> {
    let (width, height): (Option<u32>, Option<u32>) = (row.get("width")?, row.get("height")?);
    let holder: Option<String> = row.get("holder")?;
    Ok(File {
        id: FileId::from_uuid(row.get("id")?),
        owner: UserId::from_uuid(row.get("owner_id")?),
        name: row.get("name")?,
        media_type: row.get("media_type")?,
        size: integer::read(row.get("size")?)?,
        pixels: width.zip(height).map(|(width, height)| Pixels { width, height }),
        thumbnail: row.get::<_, Option<i64>>("thumbnail")?.map(integer::read).transpose()?,
        state: FileState::decode(&row.get::<_, String>("state")?)?,
        holder: holder.as_deref().map(Holder::decode).transpose()?,
        room: row.get::<_, Option<uuid::Uuid>>("room_id")?.map(RoomId::from_uuid),
        held_at: row.get::<_, Option<i64>>("held_at")?.map(UnixMillis),
        check_at: row.get::<_, Option<i64>>("check_at")?.map(UnixMillis),
        created_at: UnixMillis(row.get("created_at")?),
    })
}
