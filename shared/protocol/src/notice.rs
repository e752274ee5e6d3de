//! Notices: what a user's inbox has, and tells every device of the user.

use ring::digest::{SHA256, digest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;
use crate::id::{MessageId, NoticeId, RoomId, UserId};

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A message mentions the user.
    Mention,
    /// Something was said in a direct room; one notice a room.
    DirectMessage,
    /// A message answers one of the user's.
    Reply,
    /// The user was added to a room, or asked into it.
    Invite,
    /// Somebody asks to join a room that the user moderates.
    JoinRequested,
    /// It was decided on the user's own question to join.
    JoinDecided,
    /// The user is something else in a room than before.
    RoleChanged,
    /// A moderator acted against the user, or took that back.
    Sanctioned,
    /// It was decided on the user's report.
    ReportResolved,
    /// A message of the user's that was to be sent later could not be.
    ScheduleFailed,
    /// Those who run the server tell everybody something.
    Announcement,
}

impl NoticeKind {
    /// All, in the order of the documents.
    pub const ALL: [Self; 11] = [
        Self::Mention,
        Self::DirectMessage,
        Self::Reply,
        Self::Invite,
        Self::JoinRequested,
        Self::JoinDecided,
        Self::RoleChanged,
        Self::Sanctioned,
        Self::ReportResolved,
        Self::ScheduleFailed,
        Self::Announcement,
    ];

    /// The word on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mention => "mention",
            Self::DirectMessage => "direct_message",
            Self::Reply => "reply",
            Self::Invite => "invite",
            Self::JoinRequested => "join_requested",
            Self::JoinDecided => "join_decided",
            Self::RoleChanged => "role_changed",
            Self::Sanctioned => "sanctioned",
            Self::ReportResolved => "report_resolved",
            Self::ScheduleFailed => "schedule_failed",
            Self::Announcement => "announcement",
        }
    }
}

/// A notice, as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeView {
    /// Id of the notice.
    pub id: NoticeId,
    /// What it is about.
    pub kind: NoticeKind,
    /// Id of the room it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// Id of the message it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Id of who caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// What it came to, in a word: the new role, `approved`, `denied`, `ban`, the code of an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What somebody wrote about it: a reason, an announcement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// When it was made, or made anew.
    pub created_at: UnixMillis,
    /// Whether the user has seen it.
    pub read: bool,
}

/// Of what a user is told in a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Notify {
    /// All that concerns the user: mentions, replies, direct messages.
    #[default]
    All,
    /// Mentions and replies.
    Mentions,
    /// Nothing.
    None,
}

impl Notify {
    /// All, in the order of the documents.
    pub const ALL: [Self; 3] = [Self::All, Self::Mentions, Self::None];

    /// The word on the wire and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mentions => "mentions",
            Self::None => "none",
        }
    }
}

/// What a user wants of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomPreferencesView {
    /// Of what there are notices. Where nothing was chosen it is `all`, and the user's settings count.
    pub notify: Notify,
    /// Until when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<UnixMillis>,
    /// Whether it is one of the user's favourites.
    pub favourite: bool,
    /// Whether it is left out of the list.
    pub hidden: bool,
    /// Whether the user has marked it as unread.
    pub marked_unread: bool,
}

impl NoticeId {
    /// The id of a notice is a function of what it is about and for whom, so a repeat makes no second one (UUID version 8
    /// over SHA-256).
    pub fn derive(to: UserId, kind: NoticeKind, of: uuid::Uuid) -> Self {
        let mut input = b"rookery notice 1\0".to_vec();
        input.extend_from_slice(to.as_uuid().as_bytes());
        input.extend_from_slice(of.as_bytes());
        input.extend_from_slice(kind.as_str().as_bytes());
        let hash = digest(&SHA256, &input);
        let mut bytes = [0_u8; 16];
        bytes.copy_from_slice(&hash.as_ref()[..16]);
        Self::from_uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_written_as_their_words() {
        for kind in NoticeKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn one_occasion_is_one_notice_of_each_user() {
        let (ada, bob, of) = (UserId::generate(), UserId::generate(), uuid::Uuid::new_v4());
        let id = NoticeId::derive(ada, NoticeKind::Mention, of);
        assert_eq!(id, NoticeId::derive(ada, NoticeKind::Mention, of));
        for other in [
            NoticeId::derive(bob, NoticeKind::Mention, of),
            NoticeId::derive(ada, NoticeKind::Reply, of),
            NoticeId::derive(ada, NoticeKind::Mention, uuid::Uuid::new_v4()),
        ] {
            assert_ne!(id, other);
        }
    }
}
