//! Files that people have uploaded: what is kept about them. Their bytes are kept elsewhere.

use std::time::Duration;

use async_trait::async_trait;
use rookery_protocol::attachment::Attachment;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{FileId, MessageId, RoomId, ScheduleId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::StoreError;

pub mod name;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// Who has uploaded it.
    pub owner: UserId,
    /// Its name, see [`name::of`].
    pub name: String,
    /// What it is, as its bytes say.
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
    /// Pixels, if it is a picture.
    pub pixels: Option<Pixels>,
    /// Bytes of the small picture of it; none if there is none.
    pub thumbnail: Option<u64>,
    /// Whether it is there.
    pub state: FileState,
    /// What it belongs to.
    pub holder: Option<Holder>,
    /// The room of that.
    pub room: Option<RoomId>,
    /// Since when.
    pub held_at: Option<UnixMillis>,
    /// When it is to be looked at whether it is still needed; none for never.
    pub check_at: Option<UnixMillis>,
    /// When it was uploaded.
    pub created_at: UnixMillis,
}

/// The size of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pixels {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

/// Whether a file is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Its bytes are on their way.
    Arriving,
    /// It is there.
    Ready,
    /// Nobody gets it any more, and its bytes are being erased.
    Condemned,
}

impl FileState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Arriving, Self::Ready, Self::Condemned];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arriving => "arriving",
            Self::Ready => "ready",
            Self::Condemned => "condemned",
        }
    }
}

/// What a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A message, which is there or about to be.
    Message(MessageId),
    /// A message that is sent later.
    Schedule(ScheduleId),
    /// A room, whose picture it is.
    Room(RoomId),
}

impl Holder {
    /// Whether it is there for others than the uploader.
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::Message(_) | Self::Room(_))
    }

    /// As stores keep it.
    pub fn encode(self) -> String {
        match self {
            Self::Message(id) => format!("message {id}"),
            Self::Schedule(id) => format!("schedule {id}"),
            Self::Room(id) => format!("room {id}"),
        }
    }

    /// What was encoded.
    ///
    /// # Errors
    /// If it was something else.
    pub fn decode(text: &str) -> Result<Self, StoreError> {
        let parsed = text.split_once(' ').and_then(|(kind, id)| {
            let id = Uuid::try_parse(id).ok()?;
            match kind {
                "message" => Some(Self::Message(MessageId::from_uuid(id))),
                "schedule" => Some(Self::Schedule(ScheduleId::from_uuid(id))),
                "room" => Some(Self::Room(RoomId::from_uuid(id))),
                _ => None,
            }
        });
        parsed.ok_or_else(|| StoreError::Inconsistent(format!("holder of a file: {text:?}")))
    }
}

impl File {
    /// As an event says it.
    pub fn attachment(&self) -> Attachment {
        Attachment {
            file_id: self.id,
            name: self.name.clone(),
            media_type: self.media_type.clone(),
            size: self.size,
            width: self.pixels.map(|pixels| pixels.width),
            height: self.pixels.map(|pixels| pixels.height),
        }
    }

    /// What it takes of the owner's quota.
    pub fn bytes(&self) -> u64 {
        self.size.saturating_add(self.thumbnail.unwrap_or(0))
    }

    /// The room whose members may have it, once the message is there.
    pub fn shown_in(&self) -> Option<RoomId> {
        self.room.filter(|_| matches!(self.holder, Some(Holder::Message(_))))
    }

    /// Whether it is known that what it belongs to is there: nobody looks at it any more.
    pub fn is_settled(&self) -> bool {
        self.holder.is_some() && self.check_at.is_none()
    }
}

/// What files take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Files that are to belong to something from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which, each once.
    pub files: Vec<FileId>,
    /// Whose they have to be.
    pub owner: UserId,
    /// The room of the holder.
    pub room: RoomId,
    /// What they are to belong to.
    pub holder: Holder,
    /// From what they may be taken.
    pub from: Vec<Holder>,
    /// When.
    pub at: UnixMillis,
    /// When they are to be looked at again.
    pub check_at: UnixMillis,
    /// What the same try has got for the same files before: it claims them again.
    pub again: Option<UnixMillis>,
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// Nothing: one of the files is not there for it.
    Refused,
    /// The holder has them by this try alone, since then: if that comes to nothing, it may [`Files::withdraw`] them.
    Alone(UnixMillis),
    /// The holder has them, and another try of the same holder counts on it.
    Shared,
}

impl Claimed {
    /// Whether the holder has the files.
    pub const fn is_held(self) -> bool {
        match self {
            Self::Alone(_) | Self::Shared => true,
            Self::Refused => false,
        }
    }
}

impl Claim {
    /// What becomes of a claim of these files, which fit.
    pub fn outcome(&self, files: &[File]) -> Claimed {
        let is_held = |file: &&File| file.holder == Some(self.holder);
        let held = files.iter().filter(is_held).count();
        match self.again {
            _ if held == 0 => Claimed::Alone(self.at),
            Some(again) if held == files.len() && files.iter().all(|file| file.held_at == Some(again)) => {
                Claimed::Alone(again)
            }
            Some(_) | None => Claimed::Shared,
        }
    }

    /// Since when a file is held that the holder has already, if an earlier try must not give it back any more. What was sent
    /// nobody gives back.
    pub fn renewed(&self, file: &File) -> Option<UnixMillis> {
        let held_at = file.held_at.filter(|_| file.holder == Some(self.holder) && file.check_at.is_some())?;
        Some(self.at.max(held_at.plus(Duration::from_millis(1))))
    }

    /// Whether a file may be claimed by it.
    pub fn fits(&self, file: &File) -> bool {
        let is_free = file.holder.is_none_or(|held| held == self.holder || self.from.contains(&held));
        file.state == FileState::Ready && file.owner == self.owner && is_free
    }
}

/// Files that nobody is to get any more.
#[derive(Clone, Copy, Debug)]
pub enum Doomed<'a> {
    /// This one, if it belongs to that, or to nothing, still.
    One(FileId, Option<Holder>),
    /// Those of these messages.
    Messages(&'a [MessageId]),
    /// Those of a user that others do not have.
    Unattached(UserId),
    /// Those of a room, at most so many.
    Room(RoomId, usize),
}

/// Store of what is known of files.
#[async_trait]
pub trait Files: Send + Sync {
    /// Adds one, unless the files of its owner would be more, or have more bytes, than `most`; says whether it did. Of several at
    /// once some may be refused that would have had room; there are never more than `most`.
    async fn insert(&self, file: &File, most: Usage) -> Result<bool, StoreError>;
    /// One that was arriving is there; false if it is not arriving any more.
    async fn arrived(&self, id: FileId, check_at: UnixMillis) -> Result<bool, StoreError>;
    /// Those with these ids; unknown ones are left out, order is not promised.
    async fn by_ids(&self, ids: &[FileId]) -> Result<Vec<File>, StoreError>;
    /// What the files of a user take.
    async fn usage(&self, owner: UserId) -> Result<Usage, StoreError>;
    /// Claims all of the files or none. Idempotent; of several tries of one holder none is alone.
    async fn claim(&self, claim: &Claim) -> Result<Claimed, StoreError>;
    /// Gives back what a try has claimed alone since then, unless another one has claimed it meanwhile. It is to be looked at then.
    async fn withdraw(&self, holder: Holder, since: UnixMillis, check_at: UnixMillis) -> Result<(), StoreError>;
    /// The files of a holder belong to nothing from now on, except for `kept`, and are to be looked at then.
    async fn release(&self, holder: Holder, kept: &[FileId], check_at: UnixMillis) -> Result<(), StoreError>;
    /// From now on nobody gets these files, and they are due; says how many that are.
    async fn condemn(&self, doomed: Doomed<'_>) -> Result<u64, StoreError>;
    /// Those that are to be looked at, those first that are due longest, at most `limit`.
    async fn due(&self, now: UnixMillis, limit: usize) -> Result<Vec<File>, StoreError>;
    /// Says when one is to be looked at again, if at all, unless it was condemned or passed to another holder meanwhile.
    async fn check_again(&self, file: &File, at: Option<UnixMillis>) -> Result<(), StoreError>;
    /// Forgets one that was condemned.
    async fn remove(&self, id: FileId) -> Result<(), StoreError>;
    /// Those of a user in the order of their ids, after `after`, at most `limit`.
    async fn of_user(&self, owner: UserId, after: Option<FileId>, limit: usize) -> Result<Vec<File>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_are_kept_as_they_are() {
        let (message, schedule) = (MessageId::generate(), ScheduleId::generate());
        for holder in [Holder::Message(message), Holder::Schedule(schedule), Holder::Room(RoomId::generate())] {
            assert_eq!(Holder::decode(&holder.encode()).unwrap(), holder);
        }
        for odd in ["", "message", "message x", "user 01920000-0000-7000-8000-0000000000a1"] {
            assert!(Holder::decode(odd).is_err(), "{odd}");
        }
    }
}
