//! What kinds of rooms there are, and what their owners choose among.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who may find and join a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Listed; everybody may join.
    Public,
    /// Known to its members only.
    Private,
}

/// How outsiders become members of a room that they may find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JoinRule {
    /// Whoever wants to.
    #[default]
    Open,
    /// Who knows the password.
    Password,
    /// Whom a moderator lets in.
    Approval,
    /// Who has an invite.
    Invite,
}

/// Who may send messages to a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Posting {
    /// Its members.
    #[default]
    Members,
    /// Its owner and moderators.
    Moderators,
}

/// What a room is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// A room with a name, which people join.
    #[default]
    Room,
    /// Two users, for ever.
    Direct,
    /// A few users, without a name.
    Group,
}

impl RoomKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Room, Self::Direct, Self::Group];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Direct => "direct",
            Self::Group => "group",
        }
    }
}
