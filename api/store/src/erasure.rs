//! Erasing somebody: what is left is what was said, under [`DELETED_USER`], and a receipt of what was removed.
//!
//! An erasure begins with one atomic step, after which the account may not log in, and is carried out by a job that may be
//! broken off anywhere and goes on where it was.

use async_trait::async_trait;
use ring::digest::{SHA256, digest};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, MessageId, RoomId, Seq, UserId};

use crate::StoreError;

/// Under which name history shows what erased people have said. No account can have it: it has a space.
pub const DELETED_USER: &str = "deleted user";

/// An erasure, begun or finished. It has ids and numbers only, and is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Who is erased.
    pub user: UserId,
    /// Who asked for it: an admin, or the user.
    pub by: UserId,
    /// When.
    pub begun_at: UnixMillis,
    /// When nothing was left; none as long as the job goes on.
    pub finished_at: Option<UnixMillis>,
    /// What was removed so far. A job that is repeated may count less than there was, never more.
    pub removed: Removed,
}

/// How much was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Login sessions that were open.
    pub sessions: u64,
    /// Memberships that ended.
    pub memberships: u64,
    /// Rooms that passed to another member.
    pub rooms_passed_on: u64,
    /// Rooms that were closed, since nobody else was there.
    pub rooms_closed: u64,
    /// Events of histories that have lost the name.
    pub events: u64,
    /// Rows or documents about the account.
    pub records: u64,
    /// Files.
    pub files: u64,
}

/// In which way an event bears a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// The user caused it.
    Author,
    /// It was done to the user.
    Member,
}

/// A place among all events that bear somebody's name: by room, then as in its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TracePlace {
    /// Id of the room.
    pub room: RoomId,
    /// Epoch of the event.
    pub epoch: Epoch,
    /// Its number.
    pub seq: Seq,
}

impl From<&SequencedEvent> for TracePlace {
    fn from(event: &SequencedEvent) -> Self {
        Self { room: event.room, epoch: event.epoch, seq: event.seq }
    }
}

/// Erasures.
#[async_trait]
pub trait Erasures: Send + Sync {
    /// Begins one: in one atomic step the account is disabled and the erasure is known. Gives the one that was begun before,
    /// if there is one; none if there is no such account and never was. [`StoreError::LastAdmin`] if no admin who may log
    /// in would be left.
    async fn begin(&self, user: UserId, by: UserId, at: UnixMillis) -> Result<Option<Erasure>, StoreError>;
    /// That of a user.
    async fn get(&self, user: UserId) -> Result<Option<Erasure>, StoreError>;
    /// Whose erasures are not finished, at most `limit`. The order is not promised.
    async fn open(&self, limit: usize) -> Result<Vec<UserId>, StoreError>;
    /// Adds to what was removed.
    async fn note(&self, user: UserId, removed: &Removed) -> Result<(), StoreError>;
    /// Erases all that is kept about the account beside histories and memberships, the account itself last, and keeps its
    /// names from everybody for ever, as hashes. Says how many rows or documents are gone. Idempotent.
    /// [`StoreError::Unavailable`] while somebody registers with the name this moment.
    async fn forget(&self, user: UserId) -> Result<u64, StoreError>;
    /// Notes that nothing is left, once that is so down to the files of the store.
    async fn finish(&self, user: UserId, at: UnixMillis) -> Result<(), StoreError>;
}

/// Events that bear somebody's name, in all histories.
#[async_trait]
pub trait Traces: Send + Sync {
    /// In the order of their places, after that one, at most `limit`.
    async fn page(
        &self,
        user: UserId,
        trace: Trace,
        after: Option<TracePlace>,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, StoreError>;
    /// Replaces the name that these events bear in this way by [`DELETED_USER`]. Idempotent.
    async fn unname(&self, trace: Trace, events: &[MessageId]) -> Result<(), StoreError>;
}

/// Whether a key is that of a name, which nobody gets any more. Those of addresses have a space; they are free once their account
/// is erased.
pub fn is_name(key: &str) -> bool {
    !key.contains(' ')
}

/// The form in which a name is kept for ever after its owner was erased: nobody reads the name in it. Names have no `#`.
pub fn buried(key: &str) -> String {
    let hash = digest(&SHA256, format!("name of an erased account\0{key}").as_bytes());
    hash.as_ref().iter().fold("#".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Username;

    #[test]
    fn a_buried_name_is_none() {
        let name = buried("ada");
        assert!(name.len() == 65 && !name.contains("ada") && name != buried("adb"), "{name}");
        assert!(Username::try_from(name).is_err() && Username::try_from(DELETED_USER.to_owned()).is_err());
    }
}
