//! Which page of a list: limit and cursor from the query, checked.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::limits::{MY_ROOMS_PAGE_MAX, PRESENCE_IDS_MAX};
use rookery_protocol::position::Position;
use rookery_store::message::{Kinds, PAGE_DEFAULT, PAGE_MAX, Window};
use rookery_store::room::{MemberPlace, MembershipPlace};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::field_in;
use crate::limits::MY_ROOMS_PAGE_DEFAULT;

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
    /// Whether the page also has changes of messages as events, which count for `limit`.
    #[param(value_type = Option<bool>)]
    acts: Option<String>,
}

/// A page of the public rooms.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RoomsQuery {
    /// Rooms of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
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
    /// Where the page begins: the `next_cursor` of the page before.
    #[param(min_length = 1, max_length = 128, format = "cursor")]
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

    /// Which part of the room's history. Both `before` and `after` cannot be answered.
    pub fn window(&self, cursors: &Cursors, room: RoomId) -> Result<Window, ApiError> {
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

    /// The room after which the page begins.
    pub fn after(&self, cursors: &Cursors) -> Result<Option<RoomId>, ApiError> {
        let read = |text| cursors.read_rooms(text).ok_or_else(|| bad_cursor("cursor"));
        self.cursor.as_deref().map(read).transpose()
    }
}

fn limit(text: Option<&str>) -> Result<usize, ApiError> {
    let Some(text) = text else { return Ok(PAGE_DEFAULT) };
    let value = text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
    value.ok_or_else(|| ApiError::field(ErrorCode::BadField, "limit", "must be a number from 1 to 200"))
}

fn bad_cursor(field: &str) -> ApiError {
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
}
