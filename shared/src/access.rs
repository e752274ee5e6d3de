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

#[cfg(test)]
mod tests {
    use super::*;

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
