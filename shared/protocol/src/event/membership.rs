//! Who is a member of a room, and what members may do there.

use serde::{Deserialize, Serialize};

use super::{Sender, generation};
use crate::access::RoomRole;
use crate::clock::UnixMillis;
use crate::id::UserId;
use crate::server::UnsubscribeReason;

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
    /// The user made somebody a member. Clients see it as `member_joined` with `by`.
    #[serde(rename = "member_added")]
    Added {
        /// The user concerned.
        member: Sender,
    },
    /// The user gave a member another role, which is neither that of the owner before nor after.
    #[serde(rename = "member_role_changed")]
    RoleChanged {
        /// The user concerned.
        member: Sender,
        /// The role from now on.
        role: RoomRole,
    },
    /// The user made a member the owner.
    #[serde(rename = "owner_changed")]
    OwnerChanged {
        /// The owner from now on.
        member: Sender,
        /// The owner before; none if the room had none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<UserId>,
    },
    /// The user removed what somebody said in the room in that time.
    #[serde(rename = "messages_purged")]
    MessagesPurged {
        /// The user concerned.
        member: Sender,
        /// From this time on; from the first message if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<UnixMillis>,
        /// Up to this time.
        to: UnixMillis,
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
            | Self::Unmuted { member }
            | Self::Added { member }
            | Self::RoleChanged { member, .. }
            | Self::OwnerChanged { member, .. }
            | Self::MessagesPurged { member, .. } => member.user_id,
        }
    }

    /// The member that it was done to; none if the user did it alone.
    pub const fn member(&self) -> Option<&Sender> {
        match self {
            Self::Joined {} | Self::Left {} => None,
            Self::Kicked { member }
            | Self::Banned { member, .. }
            | Self::Unbanned { member }
            | Self::Muted { member, .. }
            | Self::Unmuted { member }
            | Self::Added { member }
            | Self::RoleChanged { member, .. }
            | Self::OwnerChanged { member, .. }
            | Self::MessagesPurged { member, .. } => Some(member),
        }
    }

    /// The same, to be changed.
    pub const fn member_mut(&mut self) -> Option<&mut Sender> {
        match self {
            Self::Joined {} | Self::Left {} => None,
            Self::Kicked { member }
            | Self::Banned { member, .. }
            | Self::Unbanned { member }
            | Self::Muted { member, .. }
            | Self::Unmuted { member }
            | Self::Added { member }
            | Self::RoleChanged { member, .. }
            | Self::OwnerChanged { member, .. }
            | Self::MessagesPurged { member, .. } => Some(member),
        }
    }

    /// The user whose membership it ends, if `actor` causes it.
    pub const fn departed(&self, actor: UserId) -> Option<UserId> {
        match self.departure() {
            Some(_) => Some(self.subject(actor)),
            None => None,
        }
    }

    /// How the membership ended, if it did.
    pub const fn departure(&self) -> Option<UnsubscribeReason> {
        match self {
            Self::Left {} => Some(UnsubscribeReason::Left),
            Self::Kicked { .. } => Some(UnsubscribeReason::Kicked),
            Self::Banned { .. } => Some(UnsubscribeReason::Banned),
            Self::Joined {}
            | Self::Unbanned { .. }
            | Self::Muted { .. }
            | Self::Unmuted { .. }
            | Self::Added { .. }
            | Self::RoleChanged { .. }
            | Self::OwnerChanged { .. }
            | Self::MessagesPurged { .. } => None,
        }
    }

    /// Whether somebody may do less after it than before.
    pub const fn lowers_rights(&self) -> bool {
        match self {
            Self::Left {}
            | Self::Kicked { .. }
            | Self::Banned { .. }
            | Self::Muted { .. }
            | Self::RoleChanged { .. }
            | Self::OwnerChanged { .. } => true,
            Self::Joined {}
            | Self::Unbanned { .. }
            | Self::Unmuted { .. }
            | Self::Added { .. }
            | Self::MessagesPurged { .. } => false,
        }
    }

    /// The event generation that every node has to know, see [`super::generation`].
    pub const fn generation(&self) -> u32 {
        match self {
            Self::Joined {}
            | Self::Left {}
            | Self::Kicked { .. }
            | Self::Banned { .. }
            | Self::Unbanned { .. }
            | Self::Muted { .. }
            | Self::Unmuted { .. } => generation::FIRST,
            Self::Added { .. } | Self::RoleChanged { .. } | Self::OwnerChanged { .. } | Self::MessagesPurged { .. } => {
                generation::ROOMS_AND_PEOPLE
            }
        }
    }
}
