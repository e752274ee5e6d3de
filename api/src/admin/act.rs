//! What is noted of an act of staff.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::audit::AuditEntry;
use serde_json::Value;
use uuid::Uuid;

/// An act that is to be noted.
pub(crate) struct Act {
    /// What, as in `user_disabled`.
    pub(crate) action: &'static str,
    /// To whom.
    pub(crate) user: Option<UserId>,
    /// What else there is to say.
    pub(crate) detail: Option<Value>,
}

impl Act {
    /// The entry of an act.
    pub(crate) fn entry(self, actor: UserId, at: UnixMillis) -> AuditEntry {
        AuditEntry {
            id: Uuid::now_v7(),
            at,
            actor,
            action: self.action.to_owned(),
            room: None,
            user: self.user,
            reason: None,
            detail: self.detail.map(|detail| detail.to_string()),
        }
    }

    /// The entry of an act in a room.
    pub(crate) fn entry_in(self, room: RoomId, actor: UserId, at: UnixMillis) -> AuditEntry {
        AuditEntry { room: Some(room), ..self.entry(actor, at) }
    }
}
