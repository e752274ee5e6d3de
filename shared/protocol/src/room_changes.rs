//! What an update of a room changed, as its members learn it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::clock::UnixMillis;
use crate::id::Slug;
use crate::room::{JoinRule, Posting, Visibility};

/// New values of what was changed; what stayed as it was is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomChanges {
    /// Name; null if it has none any more.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-null" = true))]
    pub name: Option<Option<String>>,
    /// Readable address; null if it has none any more.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-null" = true))]
    pub slug: Option<Option<Slug>>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is talked about now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Who may find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// How outsiders become members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<JoinRule>,
    /// Who may send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posting: Option<Posting>,
    /// Whether nobody may send any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Milliseconds that a member must wait between two messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_mode_ms: Option<u64>,
    /// Whether only owner and moderators may send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<bool>,
    /// When it ends; null for never.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-null" = true))]
    pub expires_at: Option<Option<UnixMillis>>,
    /// After how many days messages are erased; null for what holds on the server.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-null" = true))]
    pub retention_days: Option<Option<u32>>,
    /// Whether members may invite others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_may_invite: Option<bool>,
    /// How many members it may have; null for no limit of its own.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-null" = true))]
    pub members_max: Option<Option<u32>>,
    /// Its picture; null if it has none any more.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-null" = true))]
    pub avatar: Option<Option<String>>,
}

impl RoomChanges {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A field that is there was changed, also to null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
