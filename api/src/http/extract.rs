//! What handlers take from requests. Every extractor answers problems, never plain text.

mod caller;
mod id;
mod json;
mod message;
mod page;
mod room;
mod schedule;
mod staff;
mod upload;

pub(crate) use caller::bearer;
pub use caller::{Authentication, Caller};
pub use id::{Hyphenated, IdPath, OptionalId, PathId};
pub use json::{JsonBody, OptionalBody};
pub(crate) use json::{decode as decode_json, is_json, present, unreadable_body};
pub use message::{LoneMessagePath, MessagePath, ReactionPath};
pub use page::{
    HistoryPart, HistoryQuery, Jump, MembersQuery, MyRoomsQuery, PageQuery, PresenceQuery, QueryParams, ReactionQuery,
    RoomsQuery,
};
pub(crate) use page::{bad_cursor, limit as page_limit};
pub use room::{InviteCodePath, MemberPath, RoomPath};
pub use schedule::SchedulePath;
pub use staff::{Admin, Staff};
pub(crate) use upload::upload;

/// The field that one of serde's messages is about: the name in its first pair of back-ticks, for those messages
/// that name a field.
fn field_in(message: &str) -> Option<&str> {
    let kinds = ["missing field `", "unknown field `", "duplicate field `"];
    let rest = kinds.iter().find_map(|kind| Some(message.split_once(kind)?.1))?;
    rest.split_once('`').map(|(field, _)| field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_messages() {
        assert_eq!(field_in("missing field `email`"), Some("email"));
        assert_eq!(field_in("unknown field `x`, expected `a` or `b`"), Some("x"));
        assert_eq!(field_in("invalid type: integer `1`, expected a string"), None);
    }
}
