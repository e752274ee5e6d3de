//! Who is a member of a room, and what members may do there.

use serde::{Deserialize, Serialize};

use super::Sender;
use crate::clock::UnixMillis;
use crate::id::UserId;

/// What happened to a membership: to that of the event's user, or by the event's user to that of `member`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum MembershipChange {
    /// The user became a member.
    #[serde(rename = "member_joined")]
    Joined {},
    /// The user is no longer a member.
    #[serde(rename = "member_left")]
    Left {},
    /// The user ended somebody's membership.
    #[serde(rename = "member_kicked")]
    Kicked {
        /// The user concerned.
        member: Sender,
    },
    /// The user banned somebody.
    #[serde(rename = "member_banned")]
    Banned {
        /// The user concerned.
        member: Sender,
        /// When the ban ends by itself; never if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixMillis>,
    },
    /// The user lifted a ban.
    #[serde(rename = "member_unbanned")]
    Unbanned {
        /// The user concerned.
        member: Sender,
    },
    /// The user muted somebody.
    #[serde(rename = "member_muted")]
    Muted {
        /// The user concerned.
        member: Sender,
        /// When the mute ends by itself; never if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixMillis>,
    },
    /// The user lifted a mute.
    #[serde(rename = "member_unmuted")]
    Unmuted {
        /// The user concerned.
        member: Sender,
    },
}

impl MembershipChange {
    /// The user it is about, if `actor` causes it.
    pub const fn subject(&self, actor: UserId) -> UserId {
        match self {
            Self::Joined {} | Self::Left {} => actor,
            Self::Kicked { member }
            | Self::Banned { member, .. }
            | Self::Unbanned { member }
            | Self::Muted { member, .. }
            | Self::Unmuted { member } => member.user_id,
        }
    }

    /// The user whose membership it ends, if `actor` causes it.
    pub const fn departed(&self, actor: UserId) -> Option<UserId> {
        match self {
            Self::Left {} | Self::Kicked { .. } | Self::Banned { .. } => Some(self.subject(actor)),
            Self::Joined {} | Self::Unbanned { .. } | Self::Muted { .. } | Self::Unmuted { .. } => None,
        }
    }

    /// Whether somebody may do less after it than before.
    pub const fn lowers_rights(&self) -> bool {
        match self {
            Self::Left {} | Self::Kicked { .. } | Self::Banned { .. } | Self::Muted { .. } => true,
            Self::Joined {} | Self::Unbanned { .. } | Self::Unmuted { .. } => false,
        }
    }
}
