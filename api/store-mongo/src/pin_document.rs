//! A pinned message as it is kept.

use mongodb::bson::{DateTime, Uuid};
use serde::{Deserialize, Serialize};

/// A pinned message.
#[derive(Serialize, Deserialize)]
pub(super) struct PinDocument {
    #[serde(rename = "_id")]
    pub(super) message_id: Uuid,
    pub(super) room_id: Uuid,
    pub(super) pinned_by: Uuid,
    pub(super) pinned_at: DateTime,
}
