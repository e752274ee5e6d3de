//! A block as it is kept, and as part of a change of a room.

use mongodb::bson::{DateTime, Document, Uuid, doc};
use mongodb::error::Error;
use mongodb::{ClientSession, Collection};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use serde::{Deserialize, Serialize};

use crate::fields::{date, key};

/// Somebody has blocked somebody.
#[derive(Serialize, Deserialize)]
pub(super) struct BlockDocument {
    pub(super) by: Uuid,
    pub(super) user_id: Uuid,
    pub(super) created_at: DateTime,
}

/// A block that begins or ends, as part of a change of the direct room of the two.
pub(super) struct BlockTurn {
    /// Who blocks whom.
    pub(super) by: UserId,
    pub(super) user: UserId,
    /// Since when; none if it ends.
    pub(super) since: Option<UnixMillis>,
}

impl BlockTurn {
    /// Whether something changed.
    pub(super) async fn carry_out(
        &self,
        blocks: &Collection<BlockDocument>,
        session: &mut ClientSession,
    ) -> Result<bool, Error> {
        let filter = of(self.by, self.user);
        let Some(at) = self.since else {
            return Ok(blocks.delete_one(filter).session(session).await?.deleted_count == 1);
        };
        if blocks.find_one(filter).session(&mut *session).await?.is_some() {
            return Ok(false);
        }
        blocks.insert_one(document(self.by, self.user, at)).session(session).await?;
        Ok(true)
    }
}

pub(super) fn document(by: UserId, user: UserId, at: UnixMillis) -> BlockDocument {
    BlockDocument { by: key(by.as_uuid()), user_id: key(user.as_uuid()), created_at: date(at) }
}

pub(super) fn of(by: UserId, user: UserId) -> Document {
    doc! { "by": key(by.as_uuid()), "user_id": key(user.as_uuid()) }
}
