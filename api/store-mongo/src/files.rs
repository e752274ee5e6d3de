//! What is known of files, in MongoDB. Each change is of one document under a condition, so that of two at once one wins.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{FileId, MessageId, RoomId, UserId};
use rookery_store::file::{Claim, Claimed, Doomed, File, FileState, Holder, Pixels, Usage};
use rookery_store::{Files, StoreError, integer};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::error::Failed;
use crate::fields::{date, key, number, time, uuid_of};
use crate::limits::STORE_CALL_LIFE;

/// Times that a claim is tried when its files change under it.
const CLAIM_LOOKS_MAX: usize = 5;

/// An uploaded file.
#[derive(Serialize, Deserialize)]
pub(super) struct FileDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    owner_id: Uuid,
    name: String,
    media_type: String,
    size: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pixels: Option<Pixels>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thumbnail: Option<i64>,
    /// With the small picture.
    bytes: i64,
    state: FileState,
    /// Absent if it belongs to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    /// Whether others have it.
    attached: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check_at: Option<DateTime>,
    created_at: DateTime,
}

/// What is added up.
#[derive(Deserialize)]
struct BytesPart {
    bytes: i64,
}

#[async_trait]
impl Files for Mongo {
    /// Whoever is one too many goes again.
    async fn insert(&self, file: &File, most: Usage) -> Result<bool, StoreError> {
        let (files, document) = (self.files.clone(), FileDocument::try_from(file)?);
        self.calls
            .run(async move {
                let (id, owner) = (document.id, document.owner_id);
                files.insert_one(document).await?;
                let used = used(&files, owner, most.files).await?;
                let fits = used.files <= most.files && used.bytes <= most.bytes;
                if !fits {
                    files.delete_one(by_id(id)).await?;
                }
                Ok(fits)
            })
            .await
    }

    async fn arrived(&self, id: FileId, check_at: UnixMillis) -> Result<bool, StoreError> {
        let set = doc! { "state": FileState::Ready.as_str(), "check_at": date(check_at) };
        self.change_file(in_state(id, FileState::Arriving), doc! { "$set": set }).await
    }

    async fn by_ids(&self, ids: &[FileId]) -> Result<Vec<File>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Bson> = ids.iter().map(|id| key(id.as_uuid()).into()).collect();
        let files = self.files.clone();
        let found = self
            .calls
            .run(async move { Ok(files.find(doc! { "_id": { "$in": ids } }).await?.try_collect::<Vec<_>>().await?) });
        found.await?.into_iter().map(File::try_from).collect()
    }

    async fn usage(&self, owner: UserId) -> Result<Usage, StoreError> {
        let files = self.files.clone();
        self.calls.run(async move { used(&files, key(owner.as_uuid()), u64::MAX).await }).await
    }

    /// What changes under it is claimed anew: another try of the same holder, or one that gave its files back.
    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError> {
        for _ in 0..CLAIM_LOOKS_MAX {
            let files = self.by_ids(&claim.files).await?;
            if files.len() != claim.files.len() || !files.iter().all(|file| claim.fits(file)) {
                return Ok(Claimed::Refused);
            }
            if let Some(outcome) = self.claim_as_seen(&files, claim).await? {
                return Ok(outcome);
            }
        }
        Ok(Claimed::Refused)
    }

    async fn withdraw(&self, holder: Holder, since: UnixMillis, check_at: UnixMillis) -> Result<(), StoreError> {
        let held = doc! {
            "holder": holder.encode(),
            "held_at": date(since),
            // Every time is after this one: a file of a message that was sent has none.
            "check_at": { "$gt": date(UnixMillis(0)) },
            "state": FileState::Ready.as_str(),
        };
        let files = self.files.clone();
        self.calls
            .run(async move { Ok(files.update_many(held, given_back(check_at)).await.map(drop)?) })
            .await
    }

    async fn release(&self, holder: Holder, kept: &[FileId], check_at: UnixMillis) -> Result<(), StoreError> {
        let kept: Vec<Bson> = kept.iter().map(|id| key(id.as_uuid()).into()).collect();
        let mut held = doc! { "holder": holder.encode(), "state": FileState::Ready.as_str() };
        if !kept.is_empty() {
            held.insert("_id", doc! { "$nin": kept });
        }
        let files = self.files.clone();
        self.calls
            .run(async move { Ok(files.update_many(held, given_back(check_at)).await.map(drop)?) })
            .await
    }

    async fn condemn(&self, doomed: Doomed<'_>) -> Result<u64, StoreError> {
        let not_yet = not_condemned();
        let filters = match doomed {
            Doomed::One(id, holder) => {
                vec![doc! { "_id": key(id.as_uuid()), "holder": holder.map(Holder::encode), "state": not_yet }]
            }
            Doomed::Unattached(user) => {
                vec![doc! { "owner_id": key(user.as_uuid()), "attached": false, "state": not_yet }]
            }
            Doomed::Room(room, limit) => vec![self.first_of_room(room, limit).await?],
            Doomed::Messages(ids) => ids
                .iter()
                .map(|id| doc! { "holder": Holder::Message(*id).encode(), "state": not_yet.clone() })
                .collect(),
        };
        let files = self.files.clone();
        self.calls
            .run_long(STORE_CALL_LIFE, async move {
                let mut gone = 0;
                for filter in filters {
                    gone += files.update_many(filter, condemned()).await?.modified_count;
                }
                Ok(gone)
            })
            .await
    }

    async fn due(&self, now: UnixMillis, limit: usize) -> Result<Vec<File>, StoreError> {
        let (files, due) = (self.files.clone(), vec![doc! { "check_at": { "$lte": date(now) } }]);
        let found = self.calls.run(async move { page_of(&files, due, doc! { "check_at": 1 }, limit).await });
        found.await?.into_iter().map(File::try_from).collect()
    }

    async fn check_again(&self, file: &File, at: Option<UnixMillis>) -> Result<(), StoreError> {
        let mut same = in_state(file.id, FileState::Ready);
        same.insert("holder", file.holder.map(Holder::encode));
        let update = if let Some(at) = at {
            doc! { "$set": { "check_at": date(at) } }
        } else {
            doc! { "$unset": { "check_at": "" } }
        };
        self.change_file(same, update).await.map(drop)
    }

    async fn remove(&self, id: FileId) -> Result<(), StoreError> {
        let (files, filter) = (self.files.clone(), in_state(id, FileState::Condemned));
        self.calls.run(async move { Ok(files.delete_one(filter).await.map(drop)?) }).await
    }

    async fn of_user(&self, owner: UserId, after: Option<FileId>, limit: usize) -> Result<Vec<File>, StoreError> {
        let after = key(after.map_or(uuid::Uuid::nil(), FileId::as_uuid));
        let ranges = vec![doc! { "owner_id": key(owner.as_uuid()), "_id": { "$gt": after } }];
        let files = self.files.clone();
        let found = self
            .calls
            .run(async move { page_of(&files, ranges, doc! { "owner_id": 1, "_id": 1 }, limit).await });
        found.await?.into_iter().map(File::try_from).collect()
    }
}

impl Mongo {
    async fn change_file(&self, filter: Document, update: Document) -> Result<bool, StoreError> {
        let files = self.files.clone();
        self.calls
            .run(async move { Ok(files.update_one(filter, update).await?.matched_count == 1) })
            .await
    }

    /// Claims files that were so a moment ago; none if one of them is otherwise now.
    async fn claim_as_seen(&self, files: &[File], claim: &Claim) -> Result<Option<Claimed>, StoreError> {
        let outcome = claim.outcome(files);
        let mut taken: Vec<&File> = Vec::new();
        for file in files {
            let is_as_seen = if file.holder != Some(claim.holder) {
                let is_taken = self.take(file, claim).await?;
                if is_taken {
                    taken.push(file);
                }
                is_taken
            } else if let (Claimed::Shared, Some(at)) = (outcome, claim.renewed(file)) {
                self.renew_claim(file, at).await?
            } else {
                true
            };
            if !is_as_seen {
                for file in taken {
                    self.give_back(file, claim).await?;
                }
                return Ok(None);
            }
        }
        Ok(Some(outcome))
    }

    /// Another try counts on what the holder has, if it still has it by the same one.
    async fn renew_claim(&self, file: &File, at: UnixMillis) -> Result<bool, StoreError> {
        let mut same = in_state(file.id, FileState::Ready);
        same.insert("holder", file.holder.map(Holder::encode));
        same.insert("held_at", file.held_at.map(date));
        self.change_file(same, doc! { "$set": { "held_at": date(at) } }).await
    }

    /// Takes one file, if it is still as it was.
    async fn take(&self, file: &File, claim: &Claim) -> Result<bool, StoreError> {
        let mut same = in_state(file.id, FileState::Ready);
        same.insert("holder", file.holder.map(Holder::encode));
        let set = doc! {
            "holder": claim.holder.encode(),
            "attached": is_attached(Some(claim.holder)),
            "room_id": key(claim.room.as_uuid()),
            "held_at": date(claim.at),
            "check_at": date(claim.check_at),
        };
        self.change_file(same, doc! { "$set": set }).await
    }

    /// Makes one as it was before it was taken, unless another try of the same holder counts on it meanwhile.
    async fn give_back(&self, file: &File, claim: &Claim) -> Result<(), StoreError> {
        let mut taken = in_state(file.id, FileState::Ready);
        taken.insert("holder", claim.holder.encode());
        taken.insert("held_at", date(claim.at));
        let update = match file.holder {
            None => doc! {
                "$set": { "attached": false },
                "$unset": { "holder": "", "room_id": "", "held_at": "" },
            },
            Some(holder) => doc! { "$set": { "holder": holder.encode(), "attached": is_attached(Some(holder)) } },
        };
        self.change_file(taken, update).await.map(drop)
    }

    async fn first_of_room(&self, room: RoomId, limit: usize) -> Result<Document, StoreError> {
        let (files, ranges) = (self.files.clone(), vec![doc! { "room_id": key(room.as_uuid()) }]);
        let found = self.calls.run(async move { page_of(&files, ranges, doc! { "room_id": 1 }, limit).await });
        let ids: Vec<Bson> = found.await?.into_iter().map(|file| file.id.into()).collect();
        Ok(doc! { "_id": { "$in": ids } })
    }
}

/// Nobody gets the files of a message any more.
pub(super) async fn condemn_of_message(files: &Collection<FileDocument>, message: MessageId) -> Result<(), Failed> {
    let held = doc! {
        "holder": Holder::Message(message).encode(),
        "state": not_condemned(),
    };
    Ok(files.update_many(held, condemned()).await.map(drop)?)
}

/// By the names of the others, which are found in an index; what is not equal is not.
fn not_condemned() -> Document {
    doc! { "$in": [FileState::Arriving.as_str(), FileState::Ready.as_str()] }
}

fn condemned() -> Document {
    let set = doc! { "state": FileState::Condemned.as_str(), "check_at": date(UnixMillis(0)) };
    doc! { "$set": set, "$unset": { "room_id": "" } }
}

/// Belongs to nothing any more.
fn given_back(check_at: UnixMillis) -> Document {
    doc! {
        "$set": { "attached": false, "check_at": date(check_at) },
        "$unset": { "holder": "", "room_id": "", "held_at": "" },
    }
}

fn in_state(id: FileId, state: FileState) -> Document {
    doc! { "_id": key(id.as_uuid()), "state": state.as_str() }
}

fn is_attached(holder: Option<Holder>) -> bool {
    holder.is_some_and(Holder::is_shared)
}

/// What the files of a user take, up to one more than so many.
async fn used(files: &Collection<FileDocument>, owner: Uuid, most: u64) -> Result<Usage, Failed> {
    let most = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
    let parts = files.clone_with_type::<BytesPart>();
    let all = parts
        .find(doc! { "owner_id": owner })
        .projection(doc! { "_id": 0, "bytes": 1 })
        .sort(doc! { "owner_id": 1, "bytes": 1 })
        .limit(most);
    let found = all.await?.try_collect::<Vec<_>>().await?;
    let bytes = found.iter().map(|part| number(part.bytes)).sum();
    Ok(Usage { files: u64::try_from(found.len()).unwrap_or(u64::MAX), bytes })
}

impl TryFrom<&File> for FileDocument {
    type Error = StoreError;

    fn try_from(file: &File) -> Result<Self, StoreError> {
        Ok(Self {
            id: key(file.id.as_uuid()),
            owner_id: key(file.owner.as_uuid()),
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            size: integer::stored(file.size)?,
            pixels: file.pixels,
            thumbnail: file.thumbnail.map(integer::stored).transpose()?,
            bytes: integer::stored(file.bytes())?,
            state: file.state,
            holder: file.holder.map(Holder::encode),
            attached: is_attached(file.holder),
            room_id: file.room.map(|room| key(room.as_uuid())),
            held_at: file.held_at.map(date),
            check_at: file.check_at.map(date),
            created_at: date(file.created_at),
        })
    }
}

impl TryFrom<FileDocument> for File {
    type Error = StoreError;

    fn try_from(found: FileDocument) -> Result<Self, StoreError> {
        Ok(Self {
            id: FileId::from_uuid(uuid_of(found.id)),
            owner: UserId::from_uuid(uuid_of(found.owner_id)),
            name: found.name,
            media_type: found.media_type,
            size: number(found.size),
            pixels: found.pixels,
            thumbnail: found.thumbnail.map(number),
            state: found.state,
            holder: found.holder.as_deref().map(Holder::decode).transpose()?,
            room: found.room_id.map(|room| RoomId::from_uuid(uuid_of(room))),
            held_at: found.held_at.map(time),
            check_at: found.check_at.map(time),
            created_at: time(found.created_at),
        })
    }
}
