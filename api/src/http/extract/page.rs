//! Which page of a list: limit and cursor from the query, checked.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use rookery_protocol::access::RoomRole;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::limits::{MY_ROOMS_PAGE_MAX, PRESENCE_IDS_MAX};
use rookery_protocol::position::Position;
use rookery_protocol::text;
use rookery_store::message::{Kinds, PAGE_DEFAULT, PAGE_MAX, Window};
use rookery_store::room::{MemberPlace, MembershipPlace};
use rookery_store::room_search::{RoomRank, searched};
use rookery_store::user::SearchPlace;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::field_in;
use crate::limits::MY_ROOMS_PAGE_DEFAULT;

/// Characters of what rooms are searched for.
const ROOM_QUERY_CHARS_MAX: usize = 80;
/// What axum puts before the reason.
const PREFIX: &str = "Failed to deserialize query string: ";

/// The decoded query of a request. Unknown and repeated parameters are refused.
pub struct QueryParams<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(value)| Self(value)).map_err(|rejection| {
            let text = rejection.body_text();
            let message = text.strip_prefix(PREFIX).unwrap_or(&text);
            ApiError::field(ErrorCode::BadField, field_in(message).unwrap_or("(query)"), message)
        })
    }
}

/// A page of a list that is asked for by nothing else.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Rows of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
    #[param(min_length = 1, max_length = 128, format = "cursor")]
    cursor: Option<String>,
}

impl PageQuery {
    /// How many rows at most.
    pub fn limit(&self) -> Result<usize, ApiError> {
        limit(self.limit.as_deref())
    }

    /// Where the page begins, if there was one before: what `read` makes of its cursor.
    pub fn place<P>(&self, read: impl FnOnce(&str) -> Option<P>) -> Result<Option<P>, ApiError> {
        let place = self.cursor.as_deref().map(|text| read(text).ok_or_else(|| bad_cursor("cursor")));
        place.transpose()
    }
}

/// A page of a room's history.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Messages and other events of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The page that ends just before this place: a `prev_cursor`. Not together with `after`.
    #[param(min_length = 1, max_length = 128, format = "cursor")]
    before: Option<String>,
    /// The page that begins just after this place: a `next_cursor`.
    #[param(min_length = 1, max_length = 128, format = "cursor")]
    after: Option<String>,
    /// The page around this message. One of `before`, `after`, `around`, `at` and `unread` may be given.
    #[param(value_type = Option<Uuid>)]
    around: Option<String>,
    /// The page around the first event that is not older.
    #[param(value_type = Option<String>, format = DateTime)]
    at: Option<String>,
    /// With `true` the page around the first message after your read mark; the newest page, if you have read all.
    #[param(value_type = Option<bool>)]
    unread: Option<String>,
    /// Whether the page also has changes of messages as events, which count for `limit`.
    #[param(value_type = Option<bool>)]
    acts: Option<String>,
}

/// What a page is asked around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// A message of the room.
    Message(MessageId),
    /// The first event that is not older.
    Time(UnixMillis),
    /// The first message after the reader's mark.
    Unread,
}

/// Part of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryPart {
    /// From one place on, or up to it.
    Window(Window),
    /// Around something.
    Around(Jump),
}

/// A page of the public rooms.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RoomsQuery {
    /// Beginnings of words; every public room if not given.
    #[param(max_length = 80)]
    q: Option<String>,
    /// Whether your own private rooms are among them.
    #[param(value_type = Option<bool>)]
    mine: Option<String>,
    /// Rooms of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before, with the same `q` and `mine`.
    #[param(min_length = 1, max_length = 128, format = "cursor")]
    cursor: Option<String>,
}

/// A page of a room's members.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MembersQuery {
    /// Members of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Only those of whom a name or display name begins so, without regard to case and accents. Such a page may be short and
    /// have a `next_cursor` all the same.
    #[param(max_length = 80)]
    q: Option<String>,
    /// Only those with this role: `owner`, `moderator` or `member`.
    #[param(value_type = Option<String>, pattern = "^(owner|moderator|member)$", example = "moderator")]
    role: Option<RoomRole>,
    /// Where the page begins: the `next_cursor` of the page before.
    #[param(min_length = 1, max_length = 512, format = "cursor")]
    cursor: Option<String>,
}

/// A page of the users who reacted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReactionQuery {
    /// Users of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
    #[param(min_length = 1, max_length = 128, format = "cursor")]
    cursor: Option<String>,
}

impl ReactionQuery {
    /// How many users at most.
    pub fn limit(&self) -> Result<usize, ApiError> {
        limit(self.limit.as_deref())
    }

    /// The reaction after which the page begins.
    pub fn after(&self, cursors: &Cursors, message: MessageId) -> Result<Option<Position>, ApiError> {
        let read = |text| cursors.read_reactions(message, text).ok_or_else(|| bad_cursor("cursor"));
        self.cursor.as_deref().map(read).transpose()
    }
}

/// Some users.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PresenceQuery {
    /// Ids of 1 to 200 users, separated by commas.
    #[param(value_type = Vec<Uuid>, style = Form, explode = false, min_items = 1, max_items = 200)]
    ids: String,
}

impl PresenceQuery {
    /// Who, each once.
    pub fn users(&self) -> Result<Vec<UserId>, ApiError> {
        let bad = || ApiError::field(ErrorCode::BadField, "ids", "must be ids of 1 to 200 users, separated by commas");
        let given: Vec<&str> = self.ids.split(',').take(PRESENCE_IDS_MAX + 1).collect();
        if given.len() > PRESENCE_IDS_MAX {
            return Err(bad());
        }
        let mut users = Vec::with_capacity(given.len());
        for id in given {
            let user = UserId::from_hyphenated(id).map_err(|_| bad())?;
            if !users.contains(&user) {
                users.push(user);
            }
        }
        Ok(users)
    }
}

/// A page of the caller's rooms.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MyRoomsQuery {
    /// Rooms of the page, 1 to 2,000; 500 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 2_000)]
    limit: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
    #[param(min_length = 1, max_length = 128, format = "cursor")]
    cursor: Option<String>,
}

impl MyRoomsQuery {
    /// How many rooms at most.
    pub fn limit(&self) -> Result<usize, ApiError> {
        let Some(text) = &self.limit else { return Ok(MY_ROOMS_PAGE_DEFAULT) };
        let value = text.parse().ok().filter(|limit| (1..=MY_ROOMS_PAGE_MAX).contains(limit));
        value.ok_or_else(|| ApiError::field(ErrorCode::BadField, "limit", "must be a number from 1 to 2000"))
    }

    /// The room after which the page begins.
    pub fn after(&self, cursors: &Cursors, user: UserId) -> Result<Option<MembershipPlace>, ApiError> {
        let read = |text| cursors.read_memberships(user, text).ok_or_else(|| bad_cursor("cursor"));
        self.cursor.as_deref().map(read).transpose()
    }
}

impl MembersQuery {
    /// How many members at most.
    pub fn limit(&self) -> Result<usize, ApiError> {
        limit(self.limit.as_deref())
    }

    /// Which members.
    pub const fn role(&self) -> Option<RoomRole> {
        self.role
    }

    /// How their names begin, in the form in which names are searched.
    pub fn prefix(&self) -> Result<Option<String>, ApiError> {
        let Some(asked) = self.q.as_deref().filter(|asked| !asked.is_empty()) else { return Ok(None) };
        if asked.chars().count() > 80 {
            return Err(ApiError::field(ErrorCode::BadField, "q", "must have at most 80 characters"));
        }
        Ok(Some(text::search_key(asked)))
    }

    /// The place in the search after which the page begins.
    pub fn found_after(&self, cursors: &Cursors, room: RoomId, prefix: &str) -> Result<Option<SearchPlace>, ApiError> {
        let read = |text| cursors.read_members_found(room, prefix, text).ok_or_else(|| bad_cursor("cursor"));
        self.cursor.as_deref().map(read).transpose()
    }

    /// The member after which the page begins.
    pub fn after(&self, cursors: &Cursors, room: RoomId) -> Result<Option<MemberPlace>, ApiError> {
        let read = |text| cursors.read_members(room, text).ok_or_else(|| bad_cursor("cursor"));
        self.cursor.as_deref().map(read).transpose()
    }
}

impl HistoryQuery {
    /// How many events at most.
    pub fn limit(&self) -> Result<usize, ApiError> {
        limit(self.limit.as_deref())
    }

    /// Which events.
    pub fn kinds(&self) -> Result<Kinds, ApiError> {
        match self.acts.as_deref() {
            None | Some("false") => Ok(Kinds::WithoutChanges),
            Some("true") => Ok(Kinds::All),
            Some(_) => Err(ApiError::field(ErrorCode::BadField, "acts", "must be true or false")),
        }
    }

    /// Which part of the room's history. One question can be answered.
    pub fn part(&self, cursors: &Cursors, room: RoomId) -> Result<HistoryPart, ApiError> {
        let window = self.window(cursors, room)?;
        let jumps = [self.around()?, self.at()?, self.unread()?];
        let mut jumps = jumps.into_iter().flatten();
        match (window, jumps.next(), jumps.next()) {
            (window, None, _) => Ok(HistoryPart::Window(window)),
            (Window::Latest, Some((_, jump)), None) => Ok(HistoryPart::Around(jump)),
            (_, Some((field, _)), _) => {
                let detail = "give one of before, after, around, at and unread";
                Err(ApiError::field(ErrorCode::BadField, field, detail))
            }
        }
    }

    fn around(&self) -> Result<Option<(&'static str, Jump)>, ApiError> {
        let Some(text) = &self.around else { return Ok(None) };
        let message = MessageId::from_hyphenated(text);
        let message =
            message.map_err(|_| ApiError::field(ErrorCode::BadField, "around", "must be the id of a message"))?;
        Ok(Some(("around", Jump::Message(message))))
    }

    fn at(&self) -> Result<Option<(&'static str, Jump)>, ApiError> {
        let Some(text) = &self.at else { return Ok(None) };
        let read = StrDeserializer::<ValueError>::new(text);
        let time = UnixMillis::deserialize(read);
        let time = time.map_err(|_| ApiError::field(ErrorCode::BadField, "at", "must be a time by RFC 3339"))?;
        Ok(Some(("at", Jump::Time(time))))
    }

    fn unread(&self) -> Result<Option<(&'static str, Jump)>, ApiError> {
        match self.unread.as_deref() {
            None | Some("false") => Ok(None),
            Some("true") => Ok(Some(("unread", Jump::Unread))),
            Some(_) => Err(ApiError::field(ErrorCode::BadField, "unread", "must be true or false")),
        }
    }

    /// The part that begins or ends at a cursor. Both `before` and `after` cannot be answered.
    fn window(&self, cursors: &Cursors, room: RoomId) -> Result<Window, ApiError> {
        let place = |field, text| cursors.read_history(room, text).ok_or_else(|| bad_cursor(field));
        match (self.before.as_deref(), self.after.as_deref()) {
            (None, None) => Ok(Window::Latest),
            (Some(text), None) => place("before", text).map(Window::Before),
            (None, Some(text)) => place("after", text).map(Window::After),
            (Some(_), Some(_)) => {
                Err(ApiError::field(ErrorCode::BadField, "after", "give either before or after, not both"))
            }
        }
    }
}

impl RoomsQuery {
    /// How many rooms at most.
    pub fn limit(&self) -> Result<usize, ApiError> {
        limit(self.limit.as_deref())
    }

    /// The words that are searched for.
    pub fn words(&self) -> Result<Vec<String>, ApiError> {
        let asked = self.q.as_deref().unwrap_or_default();
        if asked.chars().count() > ROOM_QUERY_CHARS_MAX {
            return Err(ApiError::field(ErrorCode::BadField, "q", "must have at most 80 characters"));
        }
        Ok(searched(asked))
    }

    /// Whether something is asked for that no name has: signs alone, say.
    pub fn finds_nothing(&self, words: &[String]) -> bool {
        words.iter().all(String::is_empty) && self.q.as_deref().is_some_and(|asked| !asked.trim().is_empty())
    }

    /// Whether the caller's own private rooms are among them.
    pub fn is_with_own(&self) -> Result<bool, ApiError> {
        match self.mine.as_deref() {
            Some("true") => Ok(true),
            Some("false") | None => Ok(false),
            Some(_) => Err(ApiError::field(ErrorCode::BadField, "mine", "must be true or false")),
        }
    }

    /// The place after which the page begins.
    pub fn after(&self, cursors: &Cursors, words: &[String]) -> Result<Option<RoomRank>, ApiError> {
        let read = |text| cursors.read_directory(words, text).ok_or_else(|| bad_cursor("cursor"));
        self.cursor.as_deref().map(read).transpose()
    }
}

/// How many rows of a list at most.
pub(crate) fn limit(text: Option<&str>) -> Result<usize, ApiError> {
    let Some(text) = text else { return Ok(PAGE_DEFAULT) };
    let value = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
    value.ok_or_else(|| ApiError::field(ErrorCode::BadField, "limit", "must be a number from 1 to 200"))
}

/// The cursor was given for another list, or by nobody.
pub(crate) fn bad_cursor(field: &str) -> ApiError {
    ApiError::field(ErrorCode::BadField, field, "must be a cursor of this list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_bounded() {
        assert_eq!(limit(None).unwrap(), PAGE_DEFAULT);
        assert_eq!(limit(Some("200")).unwrap(), PAGE_MAX);
        for bad in ["", "0", "201", "-1", "1.5", "x", "99999999999999999999"] {
            assert!(limit(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_window_has_one_side() {
        let cursors = Cursors::new(&[[0; 32]]);
        let query = HistoryQuery { before: Some("x".into()), after: Some("y".into()), ..HistoryQuery::default() };
        assert!(query.window(&cursors, RoomId::generate()).is_err());
        assert_eq!(HistoryQuery::default().window(&cursors, RoomId::generate()).unwrap(), Window::Latest);
    }

    #[test]
    fn a_page_is_asked_for_in_one_way() {
        let (cursors, room, message) = (Cursors::new(&[[0; 32]]), RoomId::generate(), MessageId::generate());
        let part = |query: HistoryQuery| query.part(&cursors, room).ok();
        let around = || HistoryQuery { around: Some(message.to_string()), ..HistoryQuery::default() };
        assert_eq!(part(around()), Some(HistoryPart::Around(Jump::Message(message))));
        let at = |text: &str| HistoryQuery { at: Some(text.to_owned()), ..HistoryQuery::default() };
        let noon = Jump::Time(UnixMillis(1_773_309_600_123));
        assert_eq!(part(at("2026-03-12T11:00:00.123+01:00")), Some(HistoryPart::Around(noon)));
        let unread = |text: &str| HistoryQuery { unread: Some(text.to_owned()), ..HistoryQuery::default() };
        assert_eq!(part(unread("true")), Some(HistoryPart::Around(Jump::Unread)));
        assert_eq!(part(unread("false")), Some(HistoryPart::Window(Window::Latest)));
        assert_eq!([part(at("noon")), part(at("")), part(unread("1"))], [None; 3]);
        let before = Some(cursors.history(room, Position::START));
        assert_eq!(part(HistoryQuery { before, ..around() }), None);
        assert_eq!(part(HistoryQuery { unread: Some("true".to_owned()), ..around() }), None);
    }
}
