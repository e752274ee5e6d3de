//! `GET /api/v1/users?q=`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_protocol::text;
use rookery_store::page;
use rookery_store::user::{SearchPlace, User};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::accounts::Accounts;
use crate::accounts::view::FoundUserView;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, QueryParams, bad_cursor, page_limit};
use crate::presence::Presence;

/// Characters of what is searched for.
const QUERY_CHARS_MAX: usize = 80;

/// Who is searched for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// How a name or display name begins, without regard to case and accents; everybody if not given.
    #[param(max_length = 80)]
    q: Option<String>,
    /// Users of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before, with the same `q`.
    #[param(min_length = 1, max_length = 512, format = "cursor")]
    cursor: Option<String>,
}

/// A page of users, in the order of the names by which they are found.
#[derive(Serialize, ToSchema)]
pub struct UserPage {
    /// The users.
    users: Vec<FoundUserView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Users
///
/// By name and display name, never by address. Being blocked makes no difference.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    operation_id = "search_users",
    tag = "users",
    security(("bearer" = [])),
    params(UsersQuery),
    responses(
        (status = 200, description = "A page of users", body = UserPage),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn search(
    State(accounts): State<Accounts>,
    State(cursors): State<Cursors>,
    State(presence): State<Presence>,
    caller: Caller,
    QueryParams(query): QueryParams<UsersQuery>,
) -> Result<Json<UserPage>, ApiError> {
    let (prefix, limit) = (query.prefix()?, page_limit(query.limit.as_deref())?);
    let after = query.after(&cursors, &prefix)?;
    let mut found = accounts.stores.users.search(&prefix, after.as_ref(), limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit).map(|(place, _)| cursors.users(&prefix, place));
    let users: Vec<User> = found.into_iter().map(|(_, user)| user).filter(|user| !user.disabled).collect();
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let seen = presence.of_users(caller.user_id, &ids).await?;
    let mut seen: HashMap<UserId, _> = seen.into_iter().map(|view| (view.user_id, view)).collect();
    let users = users.into_iter().map(|user| {
        let presence = seen.remove(&user.id);
        FoundUserView::new(user, presence)
    });
    Ok(Json(UserPage { users: users.collect(), next_cursor }))
}

impl UsersQuery {
    fn prefix(&self) -> Result<String, ApiError> {
        let asked = self.q.as_deref().unwrap_or_default();
        if asked.chars().count() > QUERY_CHARS_MAX {
            return Err(ApiError::field(ErrorCode::BadField, "q", "must have at most 80 characters"));
        }
        Ok(text::search_key(asked))
    }

    fn after(&self, cursors: &Cursors, prefix: &str) -> Result<Option<SearchPlace>, ApiError> {
        let read = |text| cursors.read_users(prefix, text).ok_or_else(|| bad_cursor("cursor"));
        self.cursor.as_deref().map(read).transpose()
    }
}
