//! Who may do what: one pure table for REST, socket and every later dialect.

use serde::{Deserialize, Serialize};

use crate::protocol::error_code::ErrorCode;

/// What a member is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomRole {
    /// Made the room.
    Owner,
    /// Keeps order in it.
    Moderator,
    /// Talks in it.
    Member,
}

/// Who may find and join a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Listed; everybody may join.
    Public,
    /// Known to its members only.
    Private,
}

/// What somebody wants to do with a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See that it exists and what it is called.
    See,
    /// Become a member.
    Join,
    /// Read events, past and live.
    Read,
    /// Say something.
    Send,
    /// Stop being a member.
    Leave,
}

/// The state of one user in one room, as far as rights depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Of the room.
    pub visibility: Visibility,
    /// Of the user; none for outsiders.
    pub role: Option<RoomRole>,
}

/// Decides.
///
/// # Errors
/// The code to answer with: an outsider of a private room is told what anybody is told of a room that does not
/// exist.
pub const fn decide(standing: Standing, action: Action) -> Result<(), ErrorCode> {
    match (standing.role, standing.visibility, action) {
        (Some(_), _, Action::See | Action::Join | Action::Read | Action::Send | Action::Leave)
        | (None, Visibility::Public, Action::See | Action::Join) => Ok(()),
        (None, Visibility::Public, Action::Read | Action::Send | Action::Leave) => Err(ErrorCode::NotAMember),
        (None, Visibility::Private, _) => Err(ErrorCode::UnknownRoom),
    }
}

/// What somebody wants to do to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageAction {
    /// Change its text.
    Edit,
    /// Take it away.
    Delete,
    /// React to it, or take a reaction back.
    React,
}

/// The state of one user towards one message, as far as rights depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageStanding {
    /// The user's role in the message's room; none for outsiders.
    pub role: Option<RoomRole>,
    /// Whether the user said it.
    pub own: bool,
    /// Whether it is deleted.
    pub deleted: bool,
}

/// Decides about a message of a room that the user may send to.
///
/// # Errors
/// Always [`ErrorCode::UnknownMessage`]: what may not be done is answered like what does not exist.
pub const fn decide_on_message(standing: MessageStanding, action: MessageAction) -> Result<(), ErrorCode> {
    let MessageStanding { role, own, deleted } = standing;
    let allowed = match (role, action) {
        (Some(_), MessageAction::React) | (Some(RoomRole::Owner | RoomRole::Moderator), MessageAction::Delete) => true,
        (Some(_), MessageAction::Edit) | (Some(RoomRole::Member), MessageAction::Delete) => own,
        (None, MessageAction::Edit | MessageAction::Delete | MessageAction::React) => false,
    };
    if allowed && !deleted { Ok(()) } else { Err(ErrorCode::UnknownMessage) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_edited_by_their_authors_and_deleted_also_by_those_who_keep_order() {
        let may = |role, own, action| decide_on_message(MessageStanding { role, own, deleted: false }, action).is_ok();
        for role in [RoomRole::Owner, RoomRole::Moderator, RoomRole::Member] {
            for action in [MessageAction::Edit, MessageAction::Delete, MessageAction::React] {
                assert!(may(Some(role), true, action));
                let gone = MessageStanding { role: Some(role), own: true, deleted: true };
                assert_eq!(decide_on_message(gone, action), Err(ErrorCode::UnknownMessage));
                assert!(!may(None, true, action), "an outsider");
            }
            assert!(!may(Some(role), false, MessageAction::Edit));
            assert!(may(Some(role), false, MessageAction::React));
            assert_eq!(may(Some(role), false, MessageAction::Delete), role != RoomRole::Member);
        }
    }

    #[test]
    fn outsiders_learn_nothing_of_private_rooms() {
        let standing = Standing { visibility: Visibility::Private, role: None };
        for action in [Action::See, Action::Join, Action::Read, Action::Send, Action::Leave] {
            assert_eq!(decide(standing, action), Err(ErrorCode::UnknownRoom));
        }
    }

    #[test]
    fn outsiders_of_public_rooms_may_see_and_join_only() {
        let standing = Standing { visibility: Visibility::Public, role: None };
        assert_eq!(decide(standing, Action::See), Ok(()));
        assert_eq!(decide(standing, Action::Join), Ok(()));
        for action in [Action::Read, Action::Send, Action::Leave] {
            assert_eq!(decide(standing, action), Err(ErrorCode::NotAMember));
        }
    }
}
